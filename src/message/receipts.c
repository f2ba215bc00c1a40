#include "src/message/receipts.h"

#include <stdlib.h>
#include <string.h>

void receipts_wipe(struct receipts *receipts)
{
	free(receipts->ids);
	memset(receipts, 0, sizeof *receipts);
}

static bool make_room(struct receipts *receipts)
{
	size_t size = receipts->size ? receipts->size * 2 : 32;
	uint64_t *ids;

	if (receipts->first > 0) {
		memmove(receipts->ids, receipts->ids + receipts->first,
			receipts->count * sizeof *receipts->ids);
		receipts->first = 0;
		return true;
	}
	if (receipts->count == RECEIPTS_MAX)
		return false;
	ids = realloc(receipts->ids, size * sizeof *ids);
	if (!ids)
		return false;
	receipts->ids = ids;
	receipts->size = size;
	return true;
}

void receipts_add(struct receipts *receipts, uint64_t frame_id)
{
	if (receipts->first + receipts->count == receipts->size && !make_room(receipts))
		return;
	receipts->ids[receipts->first + receipts->count++] = frame_id;
}

void receipts_release(struct receipts *receipts)
{
	receipts->durable = receipts->count;
}

bool receipts_pop(struct receipts *receipts, uint64_t now_ns, uint64_t *frame_id)
{
	if (receipts->durable == 0 || receipts->next_ns > now_ns)
		return false;
	*frame_id = receipts->ids[receipts->first++];
	receipts->durable--;
	receipts->count--;
	if (++receipts->burst == RECEIPTS_BURST) {
		receipts->burst = 0;
		receipts->next_ns = now_ns + RECEIPTS_PAUSE_NS;
	}
	return true;
}

uint64_t receipts_deadline(const struct receipts *receipts)
{
	return receipts->durable ? receipts->next_ns : UINT64_MAX;
}
