#include "mailbox_private.h"

enum { NEAR = 32 /* frames at a time: as many lines as the processor has on the way */ };

static void prefetch_some(
	const struct mailboxes *boxes, const struct wire_inner *const *frames, uint32_t count)
{
	uint32_t homes[NEAR];
	const struct mailbox *found[NEAR];

	for (uint32_t i = 0; i < count; i++) {
		homes[i] = mailbox_home(boxes, frames[i]->route);
		__builtin_prefetch(&boxes->table[homes[i]]);
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t place = boxes->table[homes[i]];
		found[i] = place == MAILBOX_NONE ? NULL : mailbox_of(boxes, place);
		if (!found[i])
			continue;
		__builtin_prefetch(found[i], 1);
		__builtin_prefetch(&found[i]->entries, 1); /* may be on the next line */
	}
	for (uint32_t i = 0; i < count; i++) {
		/* Where another route came first the rest is not worth the while. */
		if (found[i] && (found[i]->count == 0 || memcmp(found[i]->route, frames[i]->route,
								 WIRE_ROUTE_BYTES) != 0))
			found[i] = NULL;
		if (!found[i])
			continue;
		if (found[i]->device != MAILBOX_NO_DEVICE)
			__builtin_prefetch(&boxes->devices[found[i]->device], 1);
		mailbox_prefetch_entries(found[i]);
	}
	for (uint32_t i = 0; i < count; i++)
		if (found[i])
			mailbox_prefetch_finder(found[i]);
	for (uint32_t i = 0; i < count; i++)
		if (found[i])
			mailbox_prefetch_slot(
				found[i], mailbox_hash(boxes, get64(frames[i]->frame_id)));
}

void mailbox_prefetch(
	const struct mailboxes *boxes, const struct wire_inner *const *frames, uint32_t count)
{
	for (uint32_t i = 0; i < count; i += NEAR)
		prefetch_some(boxes, frames + i, count - i < NEAR ? count - i : NEAR);
}
