#include "depot_private.h"

#include <stdlib.h>

/* What a step of the sweep does, in entries that are looked at, some 6 ns each. */
enum {
	PLACE_WORK = 16, /* a look at a mailbox that is in no cache */
	ERASE_WORK = DEPOT_SWEEP_WORK / DEPOT_SWEEP_ERASED,
	MOVED_FOR_WORK = 64, /* entries */
};

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
	struct depot_sent *sent = &depot->sent[number % DEPOT_SENT];

	if (sent->number == number)
		*sent = (struct depot_sent){ 0 };
	if (engine_erase(depot->engine, number) == 0)
		depot_release(depot, epoch); /* else it lies there until its time is over */
}

/* Goes through a mailbox, or the rest of it, until the step has done its work: true where it is
 * through. */
static bool erase_expired(struct depot *depot, struct mailbox *box, uint32_t *work)
{
	uint32_t at = mailbox_from(box, depot->sweep_number);

	while (at < box->count && *work < DEPOT_SWEEP_WORK) {
		const uint64_t number = mailbox_number(box->entries[at]);
		const struct calendar_page page = calendar_of(&depot->calendar, number);
		++*work;
		depot->sweep_number = number + 1;
		if (number >= depot->durable)
			break;
		if (depot_expiry(depot, page.minute, mailbox_ttl(box->entries[at])) > depot->now) {
			at++;
			continue;
		}
		*work += ERASE_WORK + mailbox_moved(box, at) / MOVED_FOR_WORK;
		depot_erase(depot, number, page.epoch);
		depot->expired++;
		if (!mailbox_remove(depot->boxes, box, at))
			return true;
	}
	return *work < DEPOT_SWEEP_WORK;
}

static void forget_delivered(void *arg, const struct recent_frame *frame)
{
	depot_release(arg, frame->epoch);
}

static void forget_received(struct depot *depot)
{
	const uint32_t known = recent_count(depot->recent);

	depot->forgot = depot->now;
	recent_forget(depot->recent, depot->now - RECENT_MINUTES + 1, forget_delivered, depot);
	if (recent_count(depot->recent) < known)
		engine_forget(depot->engine, depot->now - RECENT_MINUTES + 1);
}

/* Whatever the limit is meanwhile: what came before this is erased by all of the pass. */
static void bound_pass(struct depot *depot)
{
	const uint32_t longest = depot->limits.ttl_minutes;
	const uint32_t before = depot->now > longest ? depot->now - longest : 0;

	if ((depot->sweep_place == 0 && depot->sweep_number == 0) || before < depot->swept_before)
		depot->swept_before = before;
}

bool depot_sweep(struct depot *depot)
{
	const uint32_t places = mailboxes_places(depot->boxes);

	if (depot->failed)
		return true;
	if (depot->forgot != depot->now && depot->now >= RECENT_MINUTES)
		forget_received(depot);
	bound_pass(depot);
	for (uint32_t work = 0; work < DEPOT_SWEEP_WORK && depot->sweep_place < places;
		work += PLACE_WORK) {
		struct mailbox *box = mailbox_at(depot->boxes, depot->sweep_place);
		if (box && !erase_expired(depot, box, &work))
			return false;
		depot->sweep_number = 0;
		depot->sweep_place++;
	}
	if (depot->sweep_place < places)
		return false;
	depot->sweep_place = 0;
	calendar_forget(&depot->calendar, depot->swept_before);
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
