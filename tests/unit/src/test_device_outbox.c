/* The outbox: what was taken to be sent goes out once, as it was sealed first, whatever becomes of
 * the process and its disk. */
#include "device_world.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ALICE, BOB };

static void count_message(void *context, const struct chappe_outbox_message *message)
{
	(void)message;
	++*(int *)context;
}

static int outbox(struct world_device *d)
{
	int count = 0;

	chappe_outbox_each(d->chappe, count_message, &count);
	return count;
}

/* The same bytes under the same frame_id, whatever became of the process meanwhile. */
static void a_later_process_goes_on_with_the_same_frames(void **state)
{
	struct world *w = world_paired();
	struct world_device *a = &w->device[ALICE], *b = &w->device[BOB];
	static uint8_t large[70000];
	uint64_t number;

	(void)state;
	randombytes_buf(large, sizeof large);
	world_close(b); /* it would acknowledge */
	w->relay->lose_accepted = 1000000;
	world_send_stored(a, "bob", "one", 3);
	world_run(w, 5 * PEER_S);
	world_send_stored(a, "bob", large, sizeof large);
	number = world_send_stored(a, "bob", "three", 5);
	world_run(w, 5 * PEER_S);
	assert_int_equal(outbox(a), 3);
	for (int i = 0; i < 4; i++) {
		if (i % 2)
			world_kill(a);
		else
			world_close(a);
		world_open(a);
		assert_int_equal(outbox(a), 3);
		assert_int_equal(chappe_unacknowledged(a->chappe), 3);
		world_run(w, 5 * PEER_S);
	}
	assert_true(w->relay->counts.stored_again >= 4);
	w->relay->lose_accepted = 0;
	world_run(w, 20 * PEER_S);
	assert_true(world_accepted(a, number));
	assert_int_equal(a->counts[CHAPPE_EVENT_ACCEPTED], 3);
	world_open(b);
	world_run(w, 5 * PEER_S);
	assert_int_equal(world_got(b, "one", 3), 1);
	assert_int_equal(world_got(b, large, sizeof large), 1);
	assert_int_equal(world_got(b, "three", 5), 1);
	assert_int_equal(world_last(b, CHAPPE_EVENT_MESSAGE)->message, number);
	assert_int_equal(w->relay->counts.changed, 0);
	assert_int_equal(world_values(a, "outbox-"), 0);
	world_free(w);
}

static bool holds(const struct world_device *d, const void *data, size_t len)
{
	for (int i = 0; i < WORLD_VALUES; i++)
		if (d->values[i].used && memmem(d->values[i].bytes, d->values[i].len, data, len))
			return true;
	return false;
}

static void what_waits_is_sealed_and_goes_with_its_contact(void **state)
{
	static const char secret[] = "nobody reads this on the disk of her who wrote it";
	struct world *w = world_paired();
	struct world_device *a = &w->device[ALICE];

	(void)state;
	w->relay->store_takes = 0;
	world_send_stored(a, "bob", secret, sizeof secret);
	world_send_stored(a, "bob", secret, sizeof secret);
	world_run(w, 5 * PEER_S);
	assert_int_equal(world_values(a, "outbox-"), 2);
	assert_false(holds(a, secret, 16));
	assert_int_equal(chappe_contact_revoke(a->chappe, "bob"), CHAPPE_OK);
	assert_int_equal(outbox(a), 0);
	assert_int_equal(world_values(a, "outbox-"), 0);
	world_run(w, 5 * PEER_S);
	assert_int_equal(a->counts[CHAPPE_EVENT_CONTACT_REVOKED], 1);
	world_free(w);
}

static void the_outbox_is_bounded_and_a_full_disk_said(void **state)
{
	struct world *w = world_paired();
	struct world_device *a = &w->device[ALICE];
	static uint8_t large[CHAPPE_MESSAGE_MAX_BYTES];
	enum chappe_error error = CHAPPE_OK;
	int count = 0;

	(void)state;
	world_close(&w->device[BOB]);
	w->relay->store_takes = 0;
	a->fail_puts = 1;
	assert_int_equal(
		chappe_send_with(a->chappe, "bob", "x", 1, NULL, NULL), CHAPPE_ERR_STORAGE);
	a->fail_puts = 0;
	/* full in the middle of a large one: nothing is left of it */
	a->fail_after = 3;
	assert_int_equal(chappe_send_with(a->chappe, "bob", large, sizeof large, NULL, NULL),
		CHAPPE_ERR_STORAGE);
	assert_int_equal(a->fail_after, 0);
	assert_int_equal(world_values(a, "outbox-"), 0);
	assert_int_equal(outbox(a), 0);
	while (!error && count < 100) {
		error = chappe_send_with(a->chappe, "bob", large, sizeof large, NULL, NULL);
		count += !error;
	}
	assert_int_equal(error, CHAPPE_ERR_BUSY);
	assert_int_equal(count, 8);
	world_kill(a);
	world_open(a);
	assert_int_equal(outbox(a), 8);
	assert_int_equal(chappe_send_with(a->chappe, "bob", large, sizeof large, NULL, NULL),
		CHAPPE_ERR_BUSY);
	world_free(w);
}

/* Who ends before the random time has passed owes the acknowledgement, however it ends. */
static void what_is_owed_is_acknowledged_by_the_next_process(void **state)
{
	(void)state;
	for (int killed = 0; killed < 2; killed++) {
		struct world *w = world_paired();
		struct world_device *a = &w->device[ALICE], *b = &w->device[BOB];
		struct chappe_status status;
		world_run(w, 70 * PEER_S);
		world_forget_events(a);
		uint64_t number = world_send_stored(a, "bob", "one", 3);
		world_run(w, PEER_S / 2);
		assert_int_equal(world_got(b, "one", 3), 1);
		chappe_get_status(b->chappe, &status);
		assert_int_equal(status.acknowledgements_owed, 0);
		if (killed)
			world_kill(b);
		else
			world_close(b);
		world_run(w, 100 * PEER_S);
		assert_int_equal(a->counts[CHAPPE_EVENT_ACKNOWLEDGED], 0);
		world_open(b);
		chappe_get_status(b->chappe, &status);
		assert_int_equal(status.acknowledgements_owed, 1);
		world_run(w, 5 * PEER_S);
		chappe_get_status(b->chappe, &status);
		assert_int_equal(status.acknowledgements_owed, 0);
		assert_int_equal(a->counts[CHAPPE_EVENT_ACKNOWLEDGED], 1);
		assert_int_equal(world_last(a, CHAPPE_EVENT_ACKNOWLEDGED)->message, number);
		world_free(w);
	}
}

/* ---- Crashes ---- */

static void revive(struct world_device *d)
{
	if (d->crashed) {
		world_kill(d);
		world_open(d);
	}
}

/* Stored messages both ways while victim's machine goes off at the nth thing it stores. Nobody
 * sends anything again, but who heard that it was not taken. Returns how often it stored. */
static unsigned int story(int victim, long n, bool loses)
{
	struct world *w = world_paired();
	struct world_device *v = &w->device[victim];
	static uint8_t large[70000];
	unsigned int puts = v->puts;

	v->puts = 0;
	v->crash_at = n;
	v->crash_loses = loses;
	for (uint8_t round = 0; round < 4; round++) {
		for (int from = ALICE; from <= BOB; from++) {
			struct world_device *d = &w->device[from], *to = &w->device[!from];
			const char *name = from == ALICE ? "bob" : "alice";
			size_t len = round == 2 ? sizeof large : 20u + round;
			bool was_off = d->crashed;
			memset(large, from * 16 + round, sizeof large);
			world_send_stored(d, name, large, len);
			/* it went off while it was asked: nobody was told that it has it */
			bool unknown = !was_off && d->crashed;
			revive(d);
			world_run(w, 2 * PEER_S);
			revive(d);
			revive(to);
			world_run(w, 2 * PEER_S);
			if (unknown && world_got(to, large, len) == 0)
				world_send_stored(d, name, large, len);
			world_run(w, 70 * PEER_S); /* also acknowledgements */
			revive(d);
			revive(to);
			world_run(w, 5 * PEER_S);
			/* twice: taken again after a crash between the application and the disk */
			unsigned int got = world_got(to, large, len);
			assert_true(got == 1 || (got == 2 && n < LONG_MAX && victim == !from));
		}
	}
	world_run(w, 200 * PEER_S);
	for (int i = ALICE; i <= BOB; i++) {
		assert_int_equal(relay_peer_waiting(w->relay, w->device[i].invitation), 0);
		assert_int_equal(outbox(&w->device[i]), 0);
		assert_int_equal(world_values(&w->device[i], "outbox-"), 0);
	}
	assert_int_equal(w->relay->counts.changed, 0);
	assert_int_equal(w->relay->counts.received_wrong, 0);
	assert_int_equal(w->relay->counts.unopened, 0);
	puts = n == LONG_MAX ? v->puts : puts;
	world_free(w);
	return puts;
}

static void no_crash_loses_what_was_taken(void **state)
{
	(void)state;
	for (int victim = ALICE; victim <= BOB; victim++) {
		unsigned int puts = story(victim, LONG_MAX, false);
		print_message("%u things stored\n", puts);
		assert_true(puts >= 8);
		for (long n = 0; n < (long)puts; n++)
			for (int loses = 0; loses < 2; loses++)
				story(victim, n, loses);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_later_process_goes_on_with_the_same_frames),
		cmocka_unit_test(what_waits_is_sealed_and_goes_with_its_contact),
		cmocka_unit_test(the_outbox_is_bounded_and_a_full_disk_said),
		cmocka_unit_test(what_is_owed_is_acknowledged_by_the_next_process),
		cmocka_unit_test(no_crash_loses_what_was_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
