/* The memory for unfinished messages of a contact is bounded, and a flood of them keeps no honest
 * message away. */
#include "src/message/inbox.h"
#include "two_ends.h"
#include <errno.h>

static struct two_ends ends;

union plain {
	struct seal_plain plain;
	uint8_t bytes[SEAL_LARGE_PLAIN_BYTES];
};

static const struct seal_plain *fragment(
	union plain *plain, uint64_t number, uint16_t frag, uint16_t frags, uint16_t len)
{
	memset(plain, 0, sizeof *plain);
	plain->plain.type = SEAL_DATA;
	plain->plain.frag = put16(frag);
	plain->plain.frags = put16(frags);
	plain->plain.len = put16(len);
	plain->plain.message = put64(number);
	return &plain->plain;
}

static struct inbox inbox;

static void begin_inbox(void)
{
	const struct window window = { .base = 1 };
	inbox_init(&inbox, &window, 1);
}

static bool holds(uint64_t number)
{
	const struct incoming *incoming;
	TAILQ_FOREACH (incoming, &inbox.held, link)
		if (incoming->number == number)
			return true;
	return false;
}

static void a_flood_of_beginnings_is_bounded(void **state)
{
	(void)state;
	union plain plain;
	static const uint16_t frags[] = { 2, 3, 100, 993 };
	for (size_t i = 0; i < sizeof frags / sizeof *frags; i++) {
		begin_inbox();
		for (uint64_t number = 2; number <= MESSAGE_WINDOW; number++) {
			assert_int_equal(inbox_add(&inbox, number, number, false,
						 fragment(&plain, number, 0, frags[i], 1056)),
				0);
			assert_true(inbox.held_bytes <= MESSAGE_HELD_BYTES);
			assert_true(inbox.held_count <= MESSAGE_HELD);
			assert_true(holds(number));
		}
		size_t each = (size_t)frags[i] * 1056, fit = MESSAGE_HELD_BYTES / each;
		assert_int_equal(inbox.held_count, fit < MESSAGE_HELD ? fit : MESSAGE_HELD);
		assert_int_equal(inbox.held_bytes, inbox.held_count * each);
		inbox_wipe(&inbox);
		assert_int_equal(inbox.held_bytes, 0);
	}
}

static void a_flood_of_whole_messages_is_bounded(void **state)
{
	(void)state;
	union plain plain;
	begin_inbox();
	/* Complete, but number 1 is missing: they wait for their turn. */
	for (uint64_t number = 2; number <= MESSAGE_WINDOW; number++) {
		assert_int_equal(inbox_add(&inbox, number, number, false,
					 fragment(&plain, number, 0, 1, 1056)),
			0);
		assert_true(inbox.held_count <= MESSAGE_HELD);
	}
	assert_int_equal(inbox_add(&inbox, 9999, 9999, false,
				 fragment(&plain, MESSAGE_WINDOW + 1, 0, 1, 1056)),
		0);
	assert_false(holds(MESSAGE_WINDOW + 1)); /* out of reach */
	inbox_wipe(&inbox);
}

static void the_one_untouched_longest_goes_first(void **state)
{
	(void)state;
	union plain plain;
	begin_inbox();
	for (uint64_t number = 1; number <= 4; number++) /* 4 * 993 * 1056 bytes just fit */
		assert_int_equal(inbox_add(&inbox, number, number, false,
					 fragment(&plain, number, 0, 993, 1056)),
			0);
	uint64_t epoch = inbox.epoch;
	assert_int_equal(inbox_add(&inbox, 10, 10, false, fragment(&plain, 1, 1, 993, 1056)), 0);
	assert_int_equal(inbox.epoch, epoch);
	assert_int_equal(inbox_add(&inbox, 11, 11, false, fragment(&plain, 5, 0, 993, 1056)), 0);
	assert_true(holds(1) && !holds(2) && holds(3) && holds(4) && holds(5));
	assert_int_equal(inbox.epoch, epoch + 1); /* what was acknowledged of 2 is void */
	inbox_wipe(&inbox);
}

static void fragments_that_contradict_are_refused(void **state)
{
	(void)state;
	union plain plain;
	begin_inbox();
	assert_int_equal(inbox_add(&inbox, 1, 1, false, fragment(&plain, 2, 0, 3, 1056)), 0);
	assert_int_equal(inbox_add(&inbox, 2, 2, false, fragment(&plain, 2, 1, 4, 1056)), -EPROTO);
	fragment(&plain, 2, 0, 1, 10);
	plain.plain.type = SEAL_HELLO;
	assert_int_equal(inbox_add(&inbox, 3, 3, false, &plain.plain), -EPROTO);
	assert_int_equal(inbox_add(&inbox, 4, 4, false, fragment(&plain, 3, 0, 1, 10)), 0);
	assert_int_equal(inbox_add(&inbox, 5, 5, false, fragment(&plain, 3, 0, 1, 11)), -EPROTO);
	inbox_wipe(&inbox);
}

/* What a contact that keeps no rule could send while an honest transfer is under way. */
static void honest_messages_survive_a_flood(void **state)
{
	(void)state;
	union plain plain;
	two_ends_begin(&ends, two_ends_seed());
	for (uint8_t i = 0; i < 3; i++)
		two_ends_send(&ends, 0, 1 << 20, i);
	for (uint64_t wave = 0; wave < 5; wave++) {
		two_ends_run(&ends, 60 * MS, NULL);
		for (uint64_t number = 500; number < 600; number++)
			assert_int_equal(
				message_receive(ends.end[1].peer, ends.now_ns, number,
					fragment(&plain, number, (uint16_t)wave, 993, 1056)),
				0);
	}
	assert_true(two_ends_run(&ends, 60 * SECOND, two_ends_idle));
	assert_int_equal(ends.end[1].taken_count, 3);
	for (uint8_t i = 0; i < 3; i++)
		two_ends_assert_taken(&ends.end[1], i, i + 1u, 1 << 20, i);
	assert_true(ends.end[0].frames_sent > 3 * 993); /* the flood did cost something */
	two_ends_finish(&ends);
}

/* A sender keeps to what the recipient has room for, so that nothing is dropped there. */
static void a_sender_has_at_most_2_mib_on_the_way(void **state)
{
	(void)state;
	two_ends_begin(&ends, 1);
	ends.end[1].deliver_error = -EAGAIN;
	for (uint8_t i = 0; i < 10; i++)
		two_ends_send(&ends, 0, 600000, i);
	two_ends_run(&ends, 20 * SECOND, NULL);
	/* 569 fragments a message: three fit */
	assert_in_range(ends.end[0].frames_sent, 3 * 569, 3 * 569 + 40);
	ends.end[1].deliver_error = 0;
	message_offer(ends.end[1].peer, ends.now_ns);
	assert_true(two_ends_run(&ends, 60 * SECOND, two_ends_idle));
	assert_int_equal(ends.end[1].taken_count, 10);
	two_ends_finish(&ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_of_beginnings_is_bounded),
		cmocka_unit_test(a_flood_of_whole_messages_is_bounded),
		cmocka_unit_test(the_one_untouched_longest_goes_first),
		cmocka_unit_test(fragments_that_contradict_are_refused),
		cmocka_unit_test(honest_messages_survive_a_flood),
		cmocka_unit_test(a_sender_has_at_most_2_mib_on_the_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
