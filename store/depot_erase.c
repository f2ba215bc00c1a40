#include "depot_private.h"

#include <stdlib.h>

enum { SWEEP_PLACES = 1024 };

uint32_t depot_expiry(const struct depot *depot, uint32_t arrived, uint8_t ttl)
{
	const uint32_t longest = depot->limits.ttl_minutes;
	const uint32_t minutes = ttl == 0 || ttl > 31 ? longest : UINT32_C(1) << ttl;

	return arrived + (minutes < longest ? minutes : longest);
}

void depot_release(struct depot *depot, uint32_t epoch)
{
	struct depot_released *released = &depot->released;
	if (released->count == released->room) {
		const size_t room = released->room ? 2 * released->room : 1024;
		uint32_t *epochs = realloc(released->epochs, room * sizeof *epochs);
		if (!epochs)
			return; /* the epoch's key lives until the next start */
		released->epochs = epochs;
		released->room = room;
	}
	released->epochs[released->count++] = epoch;
}

void depot_erase(struct depot *depot, uint64_t number, uint32_t epoch)
{
	if (engine_erase(depot->engine, number) == 0)
		depot_release(depot, epoch); /* else it lies there until its time is over */
}
static void erase_expired(struct depot *depot, struct mailbox *box)
{
	for (uint32_t at = box->count; at-- > 0;) {
		const uint64_t number = mailbox_number(box->entries[at]);
		const struct calendar_page page = calendar_of(&depot->calendar, number);
		if (number >= depot->durable || depot_expiry(depot, page.minute,
							mailbox_ttl(box->entries[at])) > depot->now)
			continue;
		depot_erase(depot, number, page.epoch);
		depot->expired++;
		if (!mailbox_remove(depot->boxes, box, at))
			return;
	}
}

static void forget_delivered(void *arg, const struct recent_frame *frame)
{
	depot_release(arg, frame->epoch);
}

bool depot_sweep(struct depot *depot)
{
	const uint32_t places = mailboxes_places(depot->boxes);

	if (depot->failed)
		return true;
	if (depot->forgot != depot->now && depot->now >= RECENT_MINUTES) {
		depot->forgot = depot->now;
		const uint32_t known = recent_count(depot->recent);
		recent_forget(
			depot->recent, depot->now - RECENT_MINUTES + 1, forget_delivered, depot);
		if (recent_count(depot->recent) < known)
			engine_forget(depot->engine, depot->now - RECENT_MINUTES + 1);
		if (depot->now > depot->limits.ttl_minutes)
			calendar_forget(
				&depot->calendar, depot->now - depot->limits.ttl_minutes - 1);
	}
	for (uint32_t i = 0; i < SWEEP_PLACES && depot->sweep_place < places; i++) {
		struct mailbox *box = mailbox_at(depot->boxes, depot->sweep_place++);
		if (box)
			erase_expired(depot, box);
	}
	if (depot->sweep_place < places)
		return false;
	depot->sweep_place = 0;
	return true;
}

int depot_compact_tables(const struct depot *depot)
{
	return engine_compact(depot->engine);
}

int depot_compact(struct depot *depot)
{
	depot_turn_keys(depot);
	return depot_compact_tables(depot);
}

int depot_copy(const struct depot *depot, const char *directory, char error[ENGINE_ERROR_BYTES])
{
	return engine_copy(depot->engine, directory, error);
}
