/* Stored messages: accepted once and for good, delivered once and in order, whatever is lost,
 * repeated, reordered, killed or away. */
#include "two_ends.h"
#include <errno.h>

static struct two_ends ends;

static bool nothing_waits(const struct two_ends *which)
{
	return two_ends_idle(which) && which->store[0].waiting == 0 && which->store[1].waiting == 0;
}

static bool all_quiet(const struct two_ends *which)
{
	return nothing_waits(which) && which->end[1].accepted_count == 0;
}

static void begin(uint64_t seed, unsigned lose_percent)
{
	two_ends_begin(&ends, seed);
	for (unsigned i = 0; i < 2; i++) {
		ends.end[i].path.lose_percent = lose_percent;
		ends.end[i].path.jitter_ns = 3 * MS;
	}
}

/* The row of what an end took has only rising numbers. */
static void assert_in_order(const struct end *end)
{
	for (size_t i = 1; i < end->taken_count; i++)
		assert_true(end->taken[i].number > end->taken[i - 1].number);
}

static void assert_accepted_were_taken(unsigned from)
{
	const struct end *sender = &ends.end[from], *recipient = &ends.end[!from];
	for (size_t i = 0; i < sender->accepted_count; i++)
		assert_int_equal(two_ends_was_taken(recipient, sender->accepted[i]), 1);
	assert_true(recipient->taken_again <= recipient->may_come_again);
}

static const size_t lens[] = { 1, 3000, 0, 337, 70000, 5 };
enum { COUNT = sizeof lens / sizeof *lens };

static void send_row(void)
{
	for (unsigned i = 0; i < COUNT; i++)
		two_ends_send_stored(&ends, 0, lens[i], (uint8_t)i);
}

static void messages_wait_and_come_in_order(void **state)
{
	(void)state;
	begin(two_ends_seed(), 5);
	two_ends_set_offline(&ends, 1, true);
	send_row();
	assert_true(two_ends_run(&ends, 60 * SECOND, two_ends_idle));
	assert_int_equal(ends.end[0].accepted_count, COUNT);
	assert_int_equal(ends.end[1].taken_count, 0);
	two_ends_set_offline(&ends, 0, true); /* the sender need not be there */
	two_ends_run(&ends, 3600 * SECOND, NULL);
	two_ends_set_offline(&ends, 1, false);
	two_ends_run(&ends, 30 * SECOND, NULL);
	assert_int_equal(ends.end[1].taken_count, COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		two_ends_assert_taken(&ends.end[1], i, i + 1u, lens[i], (uint8_t)i);
	assert_int_equal(ends.store[1].waiting, 0);
	/* one acknowledgement for all of them, some time later, stored */
	two_ends_run(&ends, 60 * SECOND, NULL);
	assert_int_equal(ends.end[1].stored_acks_sent > 0, 1);
	assert_int_equal(ends.end[1].acks_sent, 0);
	assert_int_equal(ends.store[0].count, 1);
	two_ends_set_offline(&ends, 0, false);
	two_ends_run(&ends, 10 * SECOND, NULL);
	assert_int_equal(ends.end[0].acknowledged_count, COUNT);
	assert_int_equal(ends.store[0].waiting, 0);
	two_ends_finish(&ends);
}

static void the_largest_message_passes_through_the_store(void **state)
{
	(void)state;
	begin(two_ends_seed(), 10);
	two_ends_set_offline(&ends, 1, true);
	two_ends_send_stored(&ends, 0, 10, 1);
	two_ends_send_stored(&ends, 0, SEAL_MESSAGE_BYTES_MAX, 2);
	two_ends_send_stored(&ends, 0, SEAL_MESSAGE_BYTES_MAX, 3);
	two_ends_send_stored(&ends, 0, 10, 4);
	assert_true(two_ends_run(&ends, 600 * SECOND, two_ends_idle));
	assert_int_equal(ends.store[1].waiting, 2 + 2 * SEAL_FRAGMENTS_MAX);
	two_ends_set_offline(&ends, 1, false);
	assert_true(two_ends_run(&ends, 600 * SECOND, nothing_waits));
	assert_int_equal(ends.end[1].taken_count, 4);
	two_ends_assert_taken(&ends.end[1], 1, 2, SEAL_MESSAGE_BYTES_MAX, 2);
	two_ends_assert_taken(&ends.end[1], 2, 3, SEAL_MESSAGE_BYTES_MAX, 3);
	assert_in_order(&ends.end[1]);
	two_ends_finish(&ends);
}

/* Nothing is received from the relay before it is taken and that is saved. */
static void what_is_not_taken_or_not_saved_stays_at_the_relay(void **state)
{
	(void)state;
	begin(1, 0);
	ends.end[1].deliver_error = -EAGAIN;
	send_row();
	two_ends_run(&ends, 100 * SECOND, NULL);
	assert_int_equal(ends.end[0].accepted_count, COUNT);
	size_t waiting = ends.store[1].waiting;
	assert_true(waiting > COUNT);
	ends.end[1].deliver_error = 0;
	ends.end[1].save_error = -ENOSPC;
	message_offer(ends.end[1].peer, ends.now_ns);
	two_ends_run(&ends, 10 * SECOND, NULL);
	assert_int_equal(ends.end[1].taken_count, COUNT);
	assert_int_equal(ends.store[1].waiting, waiting);
	assert_int_equal(ends.end[1].stored_acks_sent, 0);
	ends.end[1].save_error = 0;
	assert_true(two_ends_run(&ends, 10 * SECOND, all_quiet));
	assert_int_equal(ends.end[1].taken_again, 0);
	two_ends_finish(&ends);
}

static void not_accepted_is_said_and_holds_nothing_up(void **state)
{
	(void)state;
	begin(2, 0);
	two_ends_send_stored(&ends, 0, 1, 1);
	assert_true(two_ends_run(&ends, 5 * SECOND, nothing_waits));
	ends.store[1].full = true;
	two_ends_send_stored(&ends, 0, 5000, 2);
	two_ends_send_stored(&ends, 0, 5, 3);
	two_ends_run(&ends, 29 * SECOND, NULL);
	assert_int_equal(ends.end[0].not_accepted_count, 0);
	two_ends_run(&ends, 40 * SECOND, NULL); /* one after the other */
	assert_int_equal(ends.end[0].not_accepted_count, 2);
	ends.store[1].full = false;
	two_ends_send_stored(&ends, 0, 6, 4);
	assert_true(two_ends_run(&ends, 2 * SECOND, nothing_waits));
	assert_int_equal(ends.end[1].taken_count, 2);
	two_ends_assert_taken(&ends.end[1], 1, 4, 6, 4);
	/* full in the middle of a large one: its fragments do not stay for ever */
	two_ends_send_stored(&ends, 0, 100000, 5);
	two_ends_run(&ends, 30 * MS, NULL);
	ends.store[1].full = true;
	two_ends_run(&ends, 40 * SECOND, NULL);
	assert_int_equal(ends.end[0].not_accepted_count, 3);
	assert_true(ends.store[1].waiting > 0);
	ends.store[1].full = false;
	two_ends_send_stored(&ends, 0, 7, 6);
	assert_true(two_ends_run(&ends, 2 * SECOND, nothing_waits));
	assert_int_equal(ends.end[1].taken_count, 3);
	two_ends_finish(&ends);
}

/* Time without the relay does not count: a message goes out when it is back. */
static void a_message_does_not_expire_while_the_way_is_gone(void **state)
{
	(void)state;
	begin(3, 0);
	ends.end[0].path.cut = true;
	two_ends_send_stored(&ends, 0, 10, 1);
	two_ends_run(&ends, 5 * SECOND, NULL);
	two_ends_set_offline(&ends, 0, true);
	two_ends_run(&ends, 3600 * SECOND, NULL);
	ends.end[0].path.cut = false;
	two_ends_set_offline(&ends, 0, false);
	assert_true(two_ends_run(&ends, 5 * SECOND, nothing_waits));
	assert_int_equal(ends.end[0].not_accepted_count, 0);
	assert_int_equal(ends.end[0].accepted_count, 1);
	two_ends_finish(&ends);
}

static void a_stored_message_does_not_wait_for_a_live_one_that_is_lost(void **state)
{
	(void)state;
	begin(4, 0);
	two_ends_set_offline(&ends, 1, true);
	two_ends_send_stored(&ends, 0, 10, 1);
	two_ends_send(&ends, 0, 11, 2);
	two_ends_send_stored(&ends, 0, 12, 3);
	two_ends_run(&ends, 10 * SECOND, NULL);
	two_ends_set_offline(&ends, 0, true);
	two_ends_set_offline(&ends, 1, false);
	two_ends_run(&ends, 2 * SECOND, NULL);
	assert_int_equal(ends.end[1].taken_count, 2);
	two_ends_assert_taken(&ends.end[1], 1, 3, 12, 3);
	two_ends_set_offline(&ends, 0, false); /* the live one comes after all */
	two_ends_run(&ends, 10 * SECOND, NULL);
	assert_int_equal(ends.end[1].taken_count, 3);
	two_ends_finish(&ends);
}

/* More than the recipient's bitmap covers, while it is away, with numbers missing in between. */
static void thousands_wait_for_one_who_is_long_away(void **state)
{
	(void)state;
	begin(5, 0);
	two_ends_set_offline(&ends, 1, true);
	two_ends_send_stored(&ends, 0, 1, 1);
	two_ends_run(&ends, 5 * SECOND, NULL);
	two_ends_send(&ends, 0, 1, 0); /* live: given up with the process */
	two_ends_run(&ends, 5 * SECOND, NULL);
	two_ends_send_stored(&ends, 0, 1, 2);
	two_ends_run(&ends, 5 * SECOND, NULL);
	two_ends_restart(&ends, 0);
	for (unsigned i = 0; i < 2500; i++) {
		two_ends_send_stored(&ends, 0, 1, (uint8_t)i);
		two_ends_run(&ends, i % 100 ? 0 : 1 * SECOND, NULL);
	}
	assert_true(two_ends_run(&ends, 600 * SECOND, two_ends_idle));
	assert_int_equal(ends.end[0].accepted_count, 2502);
	two_ends_set_offline(&ends, 0, true);
	two_ends_set_offline(&ends, 1, false);
	two_ends_run(&ends, 300 * SECOND, NULL);
	assert_accepted_were_taken(0);
	assert_in_order(&ends.end[1]);
	assert_int_equal(ends.store[1].waiting, 0);
	two_ends_finish(&ends);
}

/* A live one that nobody takes does not hold up stored ones, and is not lost in silence either. */
static void a_live_message_far_below_is_given_up(void **state)
{
	(void)state;
	begin(6, 0);
	two_ends_set_offline(&ends, 1, true);
	two_ends_send(&ends, 0, 1, 1);
	for (unsigned i = 0; i < MESSAGE_WINDOW; i++) {
		two_ends_send_stored(&ends, 0, 1, 2);
		if (i % 50 == 0)
			two_ends_run(&ends, 1 * SECOND, NULL);
		assert_true(ends.end[0].not_accepted_count == 0 || i == MESSAGE_WINDOW - 1);
	}
	assert_true(two_ends_run(&ends, 10 * SECOND, two_ends_idle));
	assert_int_equal(ends.end[0].not_accepted_count, 1);
	assert_int_equal(ends.end[0].accepted_count, MESSAGE_WINDOW);
	two_ends_finish(&ends);
}

/* ---- Deaths ---- */

static bool all_accepted(const struct two_ends *which)
{
	return which->end[0].accepted_count == COUNT && nothing_waits(which);
}

static void recipient_dies_at_every_step(void **state)
{
	(void)state;
	uint64_t seed = two_ends_seed();
	size_t came_again = 0, deaths = 0;
	for (size_t die_at = 1;; die_at++) {
		begin(seed, die_at % 2 ? 0 : 10);
		ends.end[1].die_at = die_at;
		send_row();
		assert_true(two_ends_run(&ends, 600 * SECOND, all_accepted));
		assert_int_equal(ends.end[1].taken_count, COUNT);
		for (unsigned i = 0; i < COUNT; i++)
			two_ends_assert_taken(&ends.end[1], i, i + 1u, lens[i], (uint8_t)i);
		assert_true(ends.end[1].taken_again <= ends.end[1].may_come_again);
		came_again += ends.end[1].taken_again;
		deaths += ends.end[1].deaths;
		bool survived = ends.end[1].deaths == 0;
		two_ends_finish(&ends);
		if (survived)
			break;
	}
	assert_true(deaths > 100);
	assert_true(came_again > 0);
}

static void sender_dies_at_every_step(void **state)
{
	(void)state;
	uint64_t seed = two_ends_seed();
	size_t deaths = 0;
	for (size_t die_at = 1;; die_at++) {
		begin(seed, die_at % 2 ? 0 : 10);
		ends.end[0].die_at = die_at;
		for (unsigned i = 0; i < COUNT && !ends.end[0].dead; i++) {
			const struct message_way way = { .stored = true };
			uint8_t data[70000];
			uint64_t number = 0;
			fill(data, lens[i], (uint8_t)i);
			if (message_send_way(
				    ends.end[0].peer, SEAL_DATA, &way, data, lens[i], &number))
				assert_true(ends.end[0].dead);
		}
		two_ends_run(&ends, 5 * SECOND, NULL);
		bool survived = ends.end[0].deaths == 0;
		deaths += ends.end[0].deaths;
		ends.end[0].die_at = 0;
		ends.end[0].path.lose_percent = ends.end[1].path.lose_percent = 0;
		/* after this nothing of what the dead one began may stay behind */
		uint64_t number = two_ends_send_stored(&ends, 0, 9, 9);
		assert_true(two_ends_run(&ends, 100 * SECOND, nothing_waits));
		assert_true(two_ends_was_accepted(&ends.end[0], number));
		assert_accepted_were_taken(0);
		assert_in_order(&ends.end[1]);
		assert_int_equal(ends.end[1].taken_again, 0);
		two_ends_finish(&ends);
		if (survived)
			break;
	}
	assert_true(deaths > 100);
}

/* ---- Anything may happen ---- */

static size_t some_length(void)
{
	switch (two_ends_random(&ends, 12)) {
	case 0:
		return two_ends_random(&ends, 200000);
	case 1:
	case 2:
		return two_ends_random(&ends, 5000);
	default:
		return two_ends_random(&ends, 400);
	}
}

static void something_happens(bool deaths)
{
	unsigned which = (unsigned)two_ends_random(&ends, 2);
	struct end *end = &ends.end[which];

	switch (two_ends_random(&ends, 10)) {
	case 0:
		two_ends_set_offline(&ends, which, !end->offline);
		break;
	case 1:
		if (deaths)
			two_ends_restart(&ends, which);
		break;
	case 2:
		end->deliver_error = end->deliver_error ? 0 : -EAGAIN;
		if (!end->deliver_error && !end->offline)
			message_offer(end->peer, ends.now_ns);
		break;
	case 3:
		two_ends_send(&ends, which, some_length(), 1);
		break;
	case 4:
		ends.store[which].full = two_ends_random(&ends, 4) == 0;
		break;
	default:
		two_ends_send_stored(&ends, which, some_length(), 1);
		break;
	}
}

static void assert_story(void)
{
	for (unsigned from = 0; from < 2; from++) {
		const struct end *recipient = &ends.end[!from];
		uint64_t last = 0;
		assert_accepted_were_taken(from);
		for (size_t i = 0; i < recipient->taken_count; i++) {
			uint64_t number = recipient->taken[i].number;
			if (!two_ends_was_accepted(&ends.end[from], number))
				continue; /* live, or given up and come all the same */
			assert_true(number > last);
			last = number;
		}
	}
}

static void nothing_accepted_is_lost_or_comes_twice_or_out_of_order(void **state)
{
	(void)state;
	uint64_t seed = two_ends_seed();
	size_t accepted = 0, not_accepted = 0;
	for (uint64_t round = 0; round < 60; round++) {
		begin(seed + round, (unsigned)(round % 4) * 5);
		ends.end[round % 2].path.repeat_percent = 5;
		for (unsigned i = 0; i < 60; i++) {
			something_happens(round % 2);
			/* Nobody is away for longer than a stored message waits for a lower one:
			 * who goes before the relay has it may come back too late. */
			bool both = !ends.end[0].offline && !ends.end[1].offline;
			uint64_t long_time =
				both && two_ends_random(&ends, 8) == 0 ? 40 * SECOND : 0;
			two_ends_run(&ends, two_ends_random(&ends, 300) * MS + long_time, NULL);
		}
		for (unsigned i = 0; i < 2; i++) {
			ends.end[i].deliver_error = 0;
			ends.store[i].full = false;
			ends.end[i].path.lose_percent = 0;
			two_ends_set_offline(&ends, i, false);
			message_offer(ends.end[i].peer, ends.now_ns);
		}
		two_ends_run(&ends, 100 * SECOND, NULL);
		for (unsigned i = 0; i < 2; i++)
			two_ends_send_stored(&ends, i, 1, 1);
		if (!two_ends_run(&ends, 600 * SECOND, nothing_waits)) {
			print_message("round %u waits: %zu %zu\n", (unsigned)round,
				ends.store[0].waiting, ends.store[1].waiting);
			fail();
		}
		assert_story();
		accepted += ends.end[0].accepted_count + ends.end[1].accepted_count;
		not_accepted += ends.end[0].not_accepted_count + ends.end[1].not_accepted_count;
		two_ends_finish(&ends);
	}
	assert_true(accepted > 500);
	assert_true(not_accepted > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_wait_and_come_in_order),
		cmocka_unit_test(the_largest_message_passes_through_the_store),
		cmocka_unit_test(what_is_not_taken_or_not_saved_stays_at_the_relay),
		cmocka_unit_test(not_accepted_is_said_and_holds_nothing_up),
		cmocka_unit_test(a_message_does_not_expire_while_the_way_is_gone),
		cmocka_unit_test(a_stored_message_does_not_wait_for_a_live_one_that_is_lost),
		cmocka_unit_test(thousands_wait_for_one_who_is_long_away),
		cmocka_unit_test(a_live_message_far_below_is_given_up),
		cmocka_unit_test(recipient_dies_at_every_step),
		cmocka_unit_test(sender_dies_at_every_step),
		cmocka_unit_test(nothing_accepted_is_lost_or_comes_twice_or_out_of_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
