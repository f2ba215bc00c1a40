#include "depot_private.h"

#include <errno.h>
#include <sodium.h>

/* What did not become durable was never there. */
static void forget_pending(struct depot *depot)
{
	for (uint32_t place = 0; place < mailboxes_places(depot->boxes); place++) {
		struct mailbox *box = mailbox_at(depot->boxes, place);
		while (box && mailbox_number(box->entries[box->count - 1]) >= depot->durable)
			if (!mailbox_remove(depot->boxes, box, box->count - 1))
				box = NULL;
	}
	depot->durable = depot->sealed = depot->next;
	depot->released.count = depot->released_sealed.count = 0;
	engine_abandon(depot->engine);
}

/* What was erased needs its key no more: it is destroyed by depot_turn_keys(). */
static void release_keys(struct depot *depot)
{
	struct depot_released *released = &depot->released_sealed;

	for (size_t i = 0; i < released->count; i++)
		epochs_release(depot->epochs, released->epochs[i]);
	released->count = 0;
}

void depot_look_at_disk(struct depot *depot)
{
	depot->disk_short = depot_is_short(depot);
}

int depot_commit_begin(struct depot *depot)
{
	const struct depot_released released = depot->released;

	if (depot->committing)
		return -EBUSY;
	const int result = engine_commit_begin(depot->engine);
	if (result < 0) {
		depot->failed = true;
		forget_pending(depot);
		return result;
	}
	depot->committing = true;
	depot->sealed = depot->next;
	depot->released = depot->released_sealed; /* empty: its commit has ended */
	depot->released_sealed = released;
	return 0;
}

int depot_commit_end(struct depot *depot, bool wait, uint32_t *took_us)
{
	if (!depot->committing)
		return 0;
	const int result = engine_commit_end(depot->engine, wait, took_us);
	if (result == -EINPROGRESS)
		return result;
	depot->committing = false;
	if (result < 0) {
		depot->failed = true;
		forget_pending(depot);
	} else {
		for (; depot->durable < depot->sealed; depot->durable++)
			depot->frame_ids[depot->durable % (2 * DEPOT_BATCH_MAX)] = 0;
		release_keys(depot);
	}
	depot_look_at_disk(depot);
	return result;
}

void depot_tell_end(struct depot *depot, int event)
{
	engine_tell_end(depot->engine, event);
}

bool depot_is_committing(const struct depot *depot)
{
	return depot->committing;
}

int depot_commit(struct depot *depot)
{
	int result = depot_commit_end(depot, true, NULL);

	if (result == 0 && depot_has_changes(depot))
		result = depot_commit_begin(depot);
	if (result == 0)
		result = depot_commit_end(depot, true, NULL);
	depot_look_at_disk(depot);
	return result;
}
