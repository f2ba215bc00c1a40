#include "two_ends.h"
#include <stdlib.h>

enum { STORE_WINDOW = 1024, STORE_BURST = 64 };
#define STORE_PAUSE_NS (500 * MS)

static void keep(
	struct two_ends *ends, struct two_ends_store *store, const struct message_frame *frame)
{
	if (store->count == store->size) {
		store->size = store->size * 2 + 64;
		store->kept = realloc(store->kept, store->size * sizeof *store->kept);
		assert_non_null(store->kept);
	}
	store->kept[store->count++] = (struct kept){ .due_ns = ends->now_ns, .frame = *frame };
	store->waiting++;
}

static struct kept *find(const struct two_ends_store *store, uint64_t frame_id)
{
	for (size_t i = store->count; i-- > 0;)
		if (store->kept[i].frame.frame_id == frame_id)
			return &store->kept[i];
	return NULL;
}

static void take(struct two_ends *ends, unsigned from, const struct message_frame *frame)
{
	struct two_ends_store *store = &ends->store[!from];
	struct kept *kept = find(store, frame->frame_id);

	if (kept) { /* nothing else may be repeated under its name */
		store->repeated++;
		assert_int_equal(kept->frame.plain_len, frame->plain_len);
		assert_memory_equal(kept->frame.bytes, frame->bytes, frame->plain_len);
		assert_int_equal(kept->frame.way.ttl, frame->way.ttl);
	} else if (store->full) {
		return;
	} else {
		keep(ends, store, frame);
	}
	two_ends_pass(ends, PASSING_ACCEPTED, from, frame);
}

void two_ends_store_arrive(struct two_ends *ends, const struct passing *passing)
{
	struct two_ends_store *store = &ends->store[passing->end];
	struct kept *kept;

	if (passing->kind == PASSING_STORED) {
		take(ends, passing->end, &passing->frame);
		return;
	}
	kept = find(store, passing->frame.frame_id);
	assert_non_null(kept);
	store->waiting -= !kept->received;
	kept->received = true;
}

static void deliver(struct two_ends *ends, unsigned to)
{
	struct two_ends_store *store = &ends->store[to];
	unsigned out = 0, burst = 0;

	for (size_t i = 0; i < store->count && out < STORE_WINDOW && burst < STORE_BURST; i++) {
		struct kept *kept = &store->kept[i];
		if (kept->received)
			continue;
		out++;
		if (kept->due_ns > ends->now_ns)
			continue;
		kept->due_ns = ends->now_ns + STORE_PAUSE_NS;
		two_ends_pass(ends, PASSING_DELIVERED, to, &kept->frame);
		burst++;
	}
}

void two_ends_store_deliver(struct two_ends *ends)
{
	for (unsigned i = 0; i < 2; i++)
		if (!ends->end[i].offline && ends->store[i].waiting)
			deliver(ends, i);
}

uint64_t two_ends_store_due(const struct two_ends *ends)
{
	uint64_t due_ns = MESSAGE_NEVER;

	for (unsigned i = 0; i < 2; i++) {
		const struct two_ends_store *store = &ends->store[i];
		unsigned out = 0;
		if (ends->end[i].offline || !store->waiting)
			continue;
		for (size_t k = 0; k < store->count && out < STORE_WINDOW; k++) {
			if (store->kept[k].received)
				continue;
			out++;
			if (store->kept[k].due_ns < due_ns)
				due_ns = store->kept[k].due_ns;
		}
	}
	return due_ns == MESSAGE_NEVER || due_ns > ends->now_ns ? due_ns : ends->now_ns + MS;
}

void two_ends_store_rewind(struct two_ends *ends, unsigned which)
{
	for (size_t i = 0; i < ends->store[which].count; i++)
		ends->store[which].kept[i].due_ns = ends->now_ns;
}

void two_ends_store_free(struct two_ends *ends)
{
	for (unsigned i = 0; i < 2; i++) {
		free(ends->store[i].kept);
		memset(&ends->store[i], 0, sizeof ends->store[i]);
	}
}

bool two_ends_was_accepted(const struct end *end, uint64_t number)
{
	for (size_t i = 0; i < end->accepted_count; i++)
		if (end->accepted[i] == number)
			return true;
	return false;
}

unsigned two_ends_was_taken(const struct end *end, uint64_t number)
{
	unsigned count = 0;

	for (size_t i = 0; i < end->taken_count; i++)
		count += end->taken[i].number == number;
	return count;
}

bool two_ends_nothing_waits(const struct two_ends *ends)
{
	return two_ends_idle(ends) && ends->store[0].waiting == 0 && ends->store[1].waiting == 0;
}

void two_ends_assert_in_order(const struct end *end)
{
	for (size_t i = 1; i < end->taken_count; i++)
		assert_true(end->taken[i].number > end->taken[i - 1].number);
}

void two_ends_assert_accepted_were_taken(const struct two_ends *ends, unsigned from)
{
	const struct end *sender = &ends->end[from], *recipient = &ends->end[!from];
	for (size_t i = 0; i < sender->accepted_count; i++)
		assert_int_equal(two_ends_was_taken(recipient, sender->accepted[i]), 1);
	assert_true(recipient->taken_again <= recipient->may_come_again);
}
