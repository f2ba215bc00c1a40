/* Either end dies at every step of an exchange: nothing that was acknowledged is missing, nothing
 * comes twice, no number is used twice. */
#include "two_ends.h"
#include <errno.h>

static struct two_ends ends;

static const size_t lens[] = { 1, 3000, 0, 337, 70000 };
enum { COUNT = sizeof lens / sizeof *lens };

static bool acknowledged_all(const struct two_ends *which)
{
	return which->end[0].acknowledged_count == COUNT;
}

static void begin(size_t die_at, unsigned which, uint64_t seed, unsigned lose_percent)
{
	two_ends_begin(&ends, seed);
	for (unsigned i = 0; i < 2; i++) {
		ends.end[i].path.lose_percent = lose_percent;
		ends.end[i].path.jitter_ns = 3 * MS;
	}
	ends.end[which].die_at = die_at;
}

static void assert_acknowledged_were_taken(const struct end *sender, const struct end *recipient)
{
	for (size_t i = 0; i < sender->acknowledged_count; i++) {
		size_t j = 0;
		while (j < recipient->taken_count &&
			recipient->taken[j].number != sender->acknowledged[i])
			j++;
		assert_true(j < recipient->taken_count);
	}
}

static void recipient_dies_at_every_step(void **state)
{
	(void)state;
	uint64_t seed = two_ends_seed();
	size_t came_again = 0, deaths = 0;
	for (size_t die_at = 1;; die_at++) {
		begin(die_at, 1, seed, die_at % 2 ? 0 : 10);
		for (unsigned i = 0; i < COUNT; i++)
			two_ends_send(&ends, 0, lens[i], (uint8_t)i);
		assert_true(two_ends_run(&ends, 600 * SECOND, acknowledged_all));
		assert_int_equal(ends.end[1].taken_count, COUNT);
		for (unsigned i = 0; i < COUNT; i++)
			two_ends_assert_taken(&ends.end[1], i, i + 1u, lens[i], (uint8_t)i);
		/* Only what the application took, and the disk did not get to know. */
		assert_true(ends.end[1].taken_again <= ends.end[1].may_come_again);
		came_again += ends.end[1].taken_again;
		deaths += ends.end[1].deaths;
		bool survived = ends.end[1].deaths == 0;
		two_ends_finish(&ends);
		if (survived)
			break;
	}
	assert_true(deaths > 100); /* the exchange has that many steps, and more */
	assert_true(came_again > 0);
}

static void duplicates_after_a_restart_are_acknowledged_again(void **state)
{
	(void)state;
	begin(0, 1, 1, 0);
	for (unsigned i = 0; i < COUNT; i++)
		two_ends_send(&ends, 0, lens[i], (uint8_t)i);
	ends.end[1].path.cut = true; /* acks get lost */
	two_ends_run(&ends, 5 * SECOND, NULL);
	assert_int_equal(ends.end[0].acknowledged_count, 0);
	size_t taken = ends.end[1].taken_count;
	assert_true(taken >= 3);
	two_ends_restart(&ends, 1);
	ends.end[1].path.cut = false;
	assert_true(two_ends_run(&ends, 10 * SECOND, acknowledged_all));
	assert_int_equal(ends.end[1].taken_count, COUNT);
	assert_int_equal(ends.end[1].taken_again, 0);
	two_ends_finish(&ends);
}

static void sender_dies_at_every_step(void **state)
{
	(void)state;
	uint64_t seed = two_ends_seed();
	for (size_t die_at = 1;; die_at++) {
		uint64_t last = 0;
		begin(die_at, 0, seed, die_at % 2 ? 0 : 10);
		for (unsigned i = 0; i < COUNT && !ends.end[0].dead; i++) {
			uint64_t number = 0;
			uint8_t byte = (uint8_t)i;
			if (message_send(ends.end[0].peer, SEAL_DATA, &byte, 1, &number))
				continue; /* died while it reserved numbers */
			assert_true(number > last);
			last = number;
		}
		two_ends_run(&ends, 3 * SECOND, NULL);
		bool survived = ends.end[0].deaths == 0;
		ends.end[0].die_at = 0;
		size_t before = ends.end[0].acknowledged_count;
		for (unsigned i = 0; i < COUNT; i++) {
			uint64_t number = two_ends_send(&ends, 0, lens[i], (uint8_t)i);
			assert_true(number > last);
			last = number;
		}
		/* The numbers that the dead one took with it hold nobody up: well below
		 * MESSAGE_GAP_NS without loss. */
		assert_true(
			two_ends_run(&ends, die_at % 2 ? 4 * SECOND : 600 * SECOND, two_ends_idle));
		assert_int_equal(ends.end[0].acknowledged_count, before + COUNT);
		assert_acknowledged_were_taken(&ends.end[0], &ends.end[1]);
		assert_int_equal(ends.end[1].taken_again, 0);
		for (size_t i = 1; i < ends.end[1].taken_count; i++)
			assert_true(ends.end[1].taken[i].number > ends.end[1].taken[i - 1].number);
		two_ends_finish(&ends);
		if (survived)
			break;
	}
}

static void both_die_again_and_again(void **state)
{
	(void)state;
	uint64_t seed = two_ends_seed();
	for (uint64_t round = 0; round < 20; round++) {
		uint64_t highest[2] = { 0, 0 };
		begin(0, 0, seed + round, 5);
		for (unsigned life = 0; life < 30; life++) {
			for (unsigned from = 0; from < 2; from++) {
				size_t len = two_ends_random(&ends, 5000);
				uint64_t number = two_ends_send(&ends, from, len, (uint8_t)life);
				assert_true(number > highest[from]);
				highest[from] = number;
			}
			two_ends_run(&ends, two_ends_random(&ends, 200) * MS, NULL);
			two_ends_restart(&ends, (unsigned)two_ends_random(&ends, 2));
		}
		two_ends_send(&ends, 0, 100, 1);
		two_ends_send(&ends, 1, 100, 1);
		assert_true(two_ends_run(&ends, 600 * SECOND, two_ends_idle));
		assert_acknowledged_were_taken(&ends.end[0], &ends.end[1]);
		assert_acknowledged_were_taken(&ends.end[1], &ends.end[0]);
		for (unsigned i = 0; i < 2; i++)
			assert_true(ends.end[i].taken_again <= ends.end[i].may_come_again);
		two_ends_finish(&ends);
	}
}

static void clean_ends_leave_no_gap(void **state)
{
	(void)state;
	two_ends_begin(&ends, 1);
	for (uint64_t number = 1; number < 200; number++) {
		struct message_peer **peer = &ends.end[0].peer;
		assert_int_equal(two_ends_send(&ends, 0, 10, (uint8_t)number), number);
		size_t frames = ends.end[0].frames_sent;
		assert_true(two_ends_run(&ends, 1 * SECOND, two_ends_idle));
		/* No frame but the message: nothing is to be said about numbers given up. */
		assert_int_equal(ends.end[0].frames_sent, frames + 1);
		message_close(*peer);
		two_ends_open(&ends.end[0]);
	}
	two_ends_finish(&ends);
}

static void nothing_is_acknowledged_that_could_not_be_saved(void **state)
{
	(void)state;
	two_ends_begin(&ends, 1);
	ends.end[1].save_error = -ENOSPC;
	two_ends_send(&ends, 0, 10, 1);
	two_ends_run(&ends, 10 * SECOND, NULL);
	assert_int_equal(ends.end[1].taken_count, 1);
	assert_int_equal(ends.end[1].acks_sent, 0);
	assert_int_equal(ends.end[0].acknowledged_count, 0);
	ends.end[1].save_error = 0;
	assert_true(two_ends_run(&ends, 5 * SECOND, two_ends_idle));
	assert_int_equal(ends.end[1].taken_again, 0);
	/* and no number is used that could not be reserved */
	uint64_t number = 0;
	ends.end[1].save_error = -ENOSPC;
	assert_int_equal(
		message_send(ends.end[1].peer, SEAL_DATA, (const uint8_t *)"x", 1, &number),
		-ENOSPC);
	ends.end[1].save_error = 0;
	assert_int_equal(two_ends_send(&ends, 1, 1, 1), 1);
	two_ends_finish(&ends);
}

static void records_that_are_none_are_refused(void **state)
{
	(void)state;
	uint8_t record[MESSAGE_RECORD_BYTES + 1] = { 0 };
	struct message_peer *peer;
	two_ends_begin(&ends, 1);
	two_ends_send(&ends, 0, 10, 1);
	assert_true(two_ends_run(&ends, 1 * SECOND, two_ends_idle));
	memcpy(record, ends.end[1].record, MESSAGE_RECORD_BYTES);
	static const struct message_calls none;
	for (size_t len = 1; len <= sizeof record; len++)
		if (len != MESSAGE_RECORD_BYTES)
			assert_int_equal(message_open(&peer, &none, NULL, record, len), -EINVAL);
	record[0] ^= 1; /* version */
	assert_int_equal(message_open(&peer, &none, NULL, record, MESSAGE_RECORD_BYTES), -EINVAL);
	memset(record + 1, 0, sizeof record - 1);
	record[0] ^= 1; /* numbers 0 */
	assert_int_equal(message_open(&peer, &none, NULL, record, MESSAGE_RECORD_BYTES), -EINVAL);
	two_ends_finish(&ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recipient_dies_at_every_step),
		cmocka_unit_test(duplicates_after_a_restart_are_acknowledged_again),
		cmocka_unit_test(sender_dies_at_every_step),
		cmocka_unit_test(both_die_again_and_again),
		cmocka_unit_test(clean_ends_leave_no_gap),
		cmocka_unit_test(nothing_is_acknowledged_that_could_not_be_saved),
		cmocka_unit_test(records_that_are_none_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
