/* Stored messages: accepted once and for good, delivered once and in order, whatever is lost,
 * repeated, reordered or away. */
#include "two_ends.h"
#include <errno.h>

static struct two_ends ends;

static bool all_quiet(const struct two_ends *which)
{
	return two_ends_nothing_waits(which) && which->end[1].accepted_count == 0;
}

static void begin(uint64_t seed, unsigned lose_percent)
{
	two_ends_begin(&ends, seed);
	for (unsigned i = 0; i < 2; i++) {
		ends.end[i].path.lose_percent = lose_percent;
		ends.end[i].path.jitter_ns = 3 * MS;
	}
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
	assert_true(two_ends_run(&ends, 600 * SECOND, two_ends_nothing_waits));
	assert_int_equal(ends.end[1].taken_count, 4);
	two_ends_assert_taken(&ends.end[1], 1, 2, SEAL_MESSAGE_BYTES_MAX, 2);
	two_ends_assert_taken(&ends.end[1], 2, 3, SEAL_MESSAGE_BYTES_MAX, 3);
	two_ends_assert_in_order(&ends.end[1]);
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

/* It is said once, and the message is repeated all the same. */
static void not_accepted_is_said_and_the_message_kept(void **state)
{
	(void)state;
	begin(2, 0);
	two_ends_send_stored(&ends, 0, 1, 1);
	assert_true(two_ends_run(&ends, 5 * SECOND, two_ends_nothing_waits));
	ends.store[1].full = true;
	two_ends_send_stored(&ends, 0, 5, 2);
	two_ends_send_stored(&ends, 0, 5000, 3);
	two_ends_run(&ends, 29 * SECOND, NULL);
	assert_int_equal(ends.end[0].not_accepted_count, 0);
	two_ends_run(&ends, 300 * SECOND, NULL);
	assert_int_equal(ends.end[0].not_accepted_count, 1); /* the large one waits behind it */
	assert_int_equal(ends.end[0].kept_count, 2);
	ends.store[1].full = false;
	assert_true(two_ends_run(&ends, 70 * SECOND, two_ends_nothing_waits));
	assert_int_equal(ends.end[0].accepted_count, 3);
	assert_int_equal(ends.end[0].kept_count, 0);
	assert_int_equal(ends.end[1].taken_count, 3);
	two_ends_assert_in_order(&ends.end[1]);
	two_ends_finish(&ends);
}

static void what_is_dropped_holds_nothing_up(void **state)
{
	(void)state;
	begin(2, 0);
	uint64_t small = two_ends_send_stored(&ends, 0, 1, 1);
	assert_true(two_ends_run(&ends, 5 * SECOND, two_ends_nothing_waits));
	assert_int_equal(message_drop(ends.end[0].peer, small), -ENOENT);
	/* full in the middle of a large one: its fragments do not stay for ever */
	uint64_t large = two_ends_send_stored(&ends, 0, 100000, 5);
	two_ends_send_stored(&ends, 0, 7, 6);
	two_ends_run(&ends, 30 * MS, NULL);
	ends.store[1].full = true;
	two_ends_run(&ends, 40 * SECOND, NULL);
	assert_int_equal(ends.end[0].not_accepted_count, 1);
	assert_true(ends.store[1].waiting > 0);
	ends.end[0].save_error = -ENOSPC;
	assert_int_equal(message_drop(ends.end[0].peer, large), -ENOSPC);
	assert_int_equal(message_backlog(ends.end[0].peer).messages, 2);
	ends.end[0].save_error = 0;
	assert_int_equal(message_drop(ends.end[0].peer, large), 0);
	assert_int_equal(message_drop(ends.end[0].peer, large), -ENOENT);
	assert_int_equal(message_backlog(ends.end[0].peer).messages, 1);
	two_ends_restart(&ends, 0); /* that the contact is to be told is kept */
	two_ends_send_stored(&ends, 0, 8, 7);
	ends.store[1].full = false;
	assert_true(two_ends_run(&ends, 2 * SECOND, two_ends_nothing_waits));
	assert_int_equal(ends.end[0].kept_count, 0);
	assert_int_equal(ends.end[1].taken_count, 3);
	two_ends_assert_taken(&ends.end[1], 1, large + 1, 7, 6);
	two_ends_assert_in_order(&ends.end[1]);
	two_ends_finish(&ends);
}

/* One that was never begun in the run that took it, and then accepted in the next: the third knows
 * that it may be at the relay, and does not tell the contact to go on without it. */
static void what_a_later_run_sent_is_not_given_up_by_the_next(void **state)
{
	(void)state;
	begin(7, 0);
	for (unsigned i = 0; i < 2; i++)
		ends.end[i].path.jitter_ns = 0;
	two_ends_set_offline(&ends, 1, true);
	ends.store[1].full = true;
	two_ends_send_stored(&ends, 0, 3000, 1);
	two_ends_send_stored(&ends, 0, 7, 2); /* goes after that */
	two_ends_run(&ends, 1 * SECOND, NULL);
	two_ends_restart(&ends, 0);
	ends.store[1].full = false;
	assert_true(two_ends_run(&ends, 5 * SECOND, two_ends_idle));
	assert_int_equal(ends.end[0].accepted_count, 2);
	two_ends_restart(&ends, 0);
	two_ends_send(&ends, 0, 8, 3);
	ends.end[1].path.delay_ns =
		900 * MS; /* the live one, and what comes with it, is there first */
	two_ends_set_offline(&ends, 1, false);
	message_path_restored(ends.end[0].peer, ends.now_ns);
	two_ends_run(&ends, 10 * SECOND, NULL);
	assert_int_equal(ends.end[1].taken_count, 3);
	two_ends_assert_in_order(&ends.end[1]);
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
	assert_true(two_ends_run(&ends, 5 * SECOND, two_ends_nothing_waits));
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
	two_ends_assert_accepted_were_taken(&ends, 0);
	two_ends_assert_in_order(&ends.end[1]);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_wait_and_come_in_order),
		cmocka_unit_test(the_largest_message_passes_through_the_store),
		cmocka_unit_test(what_is_not_taken_or_not_saved_stays_at_the_relay),
		cmocka_unit_test(not_accepted_is_said_and_the_message_kept),
		cmocka_unit_test(what_is_dropped_holds_nothing_up),
		cmocka_unit_test(what_a_later_run_sent_is_not_given_up_by_the_next),
		cmocka_unit_test(a_message_does_not_expire_while_the_way_is_gone),
		cmocka_unit_test(a_stored_message_does_not_wait_for_a_live_one_that_is_lost),
		cmocka_unit_test(thousands_wait_for_one_who_is_long_away),
		cmocka_unit_test(a_live_message_far_below_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
