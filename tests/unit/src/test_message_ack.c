/* The bytes of acks, and what acks do to a sender. */
#include "src/message/ack.h"
#include "two_ends.h"
#include <errno.h>

static struct two_ends ends;

static void round_trips(void **state)
{
	(void)state;
	uint8_t data[SEAL_LARGE_DATA_BYTES];
	static struct ack ack, parsed;

	assert_int_equal(ACK_RANGES_SMALL, 37);
	assert_int_equal(ACK_RANGES_MAX, 127);
	ack = (struct ack){ 7, 1000, 3, 0x0123456789abcdef, 25000, 0, { { 0 } } };
	for (unsigned count = 0; count <= ACK_RANGES_MAX; count++) {
		assert_int_equal(ack.count, count);
		memset(data, 0xaa, sizeof data);
		size_t len = ack_write(&ack, data);
		assert_int_equal(len, 40 + 8 * count);
		assert_int_equal(
			seal_plain_bytes(len) == SEAL_SMALL_PLAIN_BYTES, count <= ACK_RANGES_SMALL);
		assert_int_equal(ack_parse(data, len, &parsed), 0);
		assert_memory_equal(&parsed, &ack, offsetof(struct ack, ranges));
		for (unsigned i = 0; i < count; i++) {
			assert_int_equal(parsed.ranges[i].message, ack.ranges[i].message);
			assert_int_equal(parsed.ranges[i].first, ack.ranges[i].first);
			assert_int_equal(parsed.ranges[i].last, ack.ranges[i].last);
		}
		uint16_t first = (uint16_t)(count * 7);
		uint16_t last = count % 3 ? 992 : ACK_WHOLE;
		ack_add(&ack, 1000 + count * 8, last == ACK_WHOLE ? 0 : first, last);
		unsigned before = ack.count; /* the same again is not added */
		ack_add(&ack, 1000 + count * 8, last == ACK_WHOLE ? 0 : first, last);
		assert_int_equal(ack.count, before);
	}
	assert_int_equal(ack.count, ACK_RANGES_MAX);
}

/* One ack, byte by byte, for other implementers. */
static void has_these_bytes(void **state)
{
	(void)state;
	static const uint8_t expected[] = {
		9, 0, 0, 0, 0, 0, 0, 0,                         /* floor */
		5, 0, 0, 0, 0, 0, 0, 0,                         /* done */
		1, 0, 0, 0, 2, 0, 0, 0,                         /* epoch: run 2, 1 dropped */
		0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, /* newest */
		0xa8, 0x61, 0, 0,                               /* delay: 25,000 us */
		0, 0, 0, 0,                                     /* zero */
		0, 0, 0, 0, 3, 0, 10, 0,                        /* message 5, fragments 3 to 10 */
		2, 0, 0, 0, 0, 0, 0xff, 0xff,                   /* message 7, whole */
	};
	struct ack ack = { 9, 5, UINT64_C(2) << 32 | 1, 0x0123456789abcdef, 25000, 0, { { 0 } } };
	uint8_t data[SEAL_LARGE_DATA_BYTES];
	ack_add(&ack, 5, 3, 10);
	ack_add(&ack, 7, 0, ACK_WHOLE);
	assert_int_equal(ack_write(&ack, data), sizeof expected);
	assert_memory_equal(data, expected, sizeof expected);
}

static void malformed_ones_are_refused(void **state)
{
	(void)state;
	static const struct {
		size_t at, bytes;
		uint64_t value;
		int result;
	} rows[] = {
		{ 0, 8, 0, -EPROTO }, /* floor 0 */
		{ 0, 8, UINT64_MAX, -EPROTO },
		{ 8, 8, 0, -EPROTO }, /* done 0 */
		{ 8, 8, UINT64_MAX - MESSAGE_WINDOW, 0 },
		{ 8, 8, UINT64_MAX - MESSAGE_WINDOW + 1, -EPROTO },
		{ 36, 4, 1, -EPROTO }, /* reserved */
		{ 36, 4, 0x80000000, -EPROTO },
		{ 40, 4, MESSAGE_WINDOW - 1, 0 }, /* offset */
		{ 40, 4, MESSAGE_WINDOW, -EPROTO },
		{ 40, 4, UINT32_MAX, -EPROTO },
		{ 44, 2, 10, 0 }, /* first = last */
		{ 44, 2, 11, -EPROTO },
		{ 46, 2, 2, -EPROTO },
		{ 46, 2, 992, 0 },
		{ 46, 2, 993, -EPROTO },
		{ 46, 2, ACK_WHOLE, -EPROTO }, /* whole, but first is not 0 */
		{ 44, 4, 0xffff0000, 0 },
		{ 44, 4, 0xfffe0000, -EPROTO },
	};
	struct ack good = { 1, 1, 1, 1, 1, 0, { { 0 } } }, parsed;
	uint8_t data[SEAL_LARGE_DATA_BYTES + 8] = { 0 };
	ack_add(&good, 1, 3, 10);
	size_t len = ack_write(&good, data);
	assert_int_equal(ack_parse(data, len, &parsed), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ack_write(&good, data);
		memcpy(data + rows[i].at, &rows[i].value, rows[i].bytes);
		assert_int_equal(ack_parse(data, len, &parsed), rows[i].result);
	}
	ack_write(&good, data);
	for (len = 0; len < 200; len++)
		assert_int_equal(ack_parse(data, len, &parsed),
			len == 40 || len == 48 ? 0
			: len < 40 || len % 8  ? -EPROTO
					       : 0 /* zeros: message 1, fragment 0 */);
	assert_int_equal(ack_parse(data, SEAL_LARGE_DATA_BYTES + 8, &parsed), -EPROTO);
}

static void give_ack(unsigned to, const struct ack *ack, int result)
{
	union {
		struct seal_plain plain;
		uint8_t bytes[SEAL_LARGE_PLAIN_BYTES];
	} frame = { .bytes = { 0 } };
	size_t len = ack_write(ack, frame.plain.data);
	frame.plain.type = SEAL_ACK;
	frame.plain.frags = put16(1);
	frame.plain.len = put16((uint16_t)len);
	assert_int_equal(message_receive(ends.end[to].peer, ends.now_ns, 1, &frame.plain), result);
}

static void begin_sender(size_t len)
{
	two_ends_begin(&ends, 1);
	ends.end[0].path.cut = true;
	two_ends_send(&ends, 0, len, 1);
	two_ends_run(&ends, 1 * MS, NULL);
}

static void held_fragments_do_not_finish_a_message(void **state)
{
	(void)state;
	struct ack ack = { .floor = 1, .done = 1, .epoch = 5 };
	begin_sender(3000);
	ack_add(&ack, 1, 0, 2);
	give_ack(0, &ack, 0);
	assert_int_equal(message_backlog(ends.end[0].peer).messages, 1);
	assert_int_equal(ends.end[0].acknowledged_count, 0);
	/* It asks for the rest, with the last fragment. */
	size_t before = ends.end[0].frames_sent;
	two_ends_run(&ends, 5 * SECOND, NULL);
	assert_true(ends.end[0].frames_sent > before);
	/* Whole: it is finished, wherever in the window. */
	ack.count = 0;
	ack_add(&ack, 1, 0, ACK_WHOLE);
	give_ack(0, &ack, 0);
	assert_int_equal(ends.end[0].acknowledged_count, 1);
	give_ack(0, &ack, 0); /* once */
	assert_int_equal(ends.end[0].acknowledged_count, 1);
	two_ends_finish(&ends);
}

static void a_higher_epoch_voids_what_was_held(void **state)
{
	(void)state;
	struct ack ack = { .floor = 1, .done = 1, .epoch = 5 };
	begin_sender(5 * 1056);
	size_t before = ends.end[0].frames_sent;
	assert_int_equal(before, 5);
	ack_add(&ack, 1, 0, 4);
	give_ack(0, &ack, 0);
	two_ends_run(&ends, 1 * MS, NULL);
	assert_int_equal(ends.end[0].frames_sent, 5);
	ack.epoch = 6;
	ack.count = 0;
	ack_add(&ack, 1, 1, 2); /* 0, 3 and 4 are gone */
	give_ack(0, &ack, 0);
	two_ends_run(&ends, 500 * MS, NULL);
	assert_in_range(ends.end[0].frames_sent, 8, 8 + 2);
	/* An old ack that comes late says nothing of this memory. */
	ack.epoch = 5;
	ack.count = 0;
	ack_add(&ack, 1, 0, 4);
	give_ack(0, &ack, 0);
	before = ends.end[0].frames_sent;
	two_ends_run(&ends, 2 * SECOND, NULL);
	assert_true(ends.end[0].frames_sent > before);
	two_ends_finish(&ends);
}

static void acks_of_what_was_never_sent_change_nothing(void **state)
{
	(void)state;
	struct ack ack = { .floor = 1, .done = 1, .epoch = 1 };
	begin_sender(1000);
	ack_add(&ack, 1, 1, 992); /* fragments it does not have */
	ack_add(&ack, 2, 0, ACK_WHOLE);
	ack_add(&ack, 900, 0, 5);
	give_ack(0, &ack, 0);
	assert_int_equal(ends.end[0].acknowledged_count, 0);
	ends.end[0].path.cut = false;
	assert_true(two_ends_run(&ends, 10 * SECOND, two_ends_idle));
	assert_int_equal(ends.end[1].taken_count, 1);
	two_ends_finish(&ends);
}

/* At the recipient: no data frame waits longer than 25 ms for an ack, or for a third one. */
static void acks_come_soon(void **state)
{
	(void)state;
	two_ends_begin(&ends, 1);
	two_ends_send(&ends, 0, 1, 1);
	assert_true(
		two_ends_run(&ends, 21 * MS, two_ends_idle)); /* 10 there, 10 back: no waiting */
	two_ends_send(&ends, 0, 3 * 1056, 2);
	two_ends_run(&ends, 11 * MS, NULL);
	assert_int_equal(ends.end[1].acks_sent, 3); /* after two of three, and for the whole */
	/* A single fragment of an unfinished message: 25 ms. */
	union {
		struct seal_plain plain;
		uint8_t bytes[SEAL_LARGE_PLAIN_BYTES];
	} frame = { .bytes = { 0 } };
	frame.plain.type = SEAL_DATA;
	frame.plain.frags = put16(4);
	frame.plain.len = put16(1056);
	frame.plain.message = put64(3);
	two_ends_run(&ends, 1 * SECOND, NULL);
	size_t before = ends.end[1].acks_sent;
	assert_int_equal(message_receive(ends.end[1].peer, ends.now_ns, 1, &frame.plain), 0);
	two_ends_run(&ends, 24 * MS, NULL);
	assert_int_equal(ends.end[1].acks_sent, before);
	two_ends_run(&ends, 2 * MS, NULL);
	assert_int_equal(ends.end[1].acks_sent, before + 1);
	/* The same again: at once, its sender has missed an ack. */
	assert_int_equal(message_receive(ends.end[1].peer, ends.now_ns, 1, &frame.plain), 0);
	two_ends_run(&ends, 1 * MS, NULL);
	assert_int_equal(ends.end[1].acks_sent, before + 2);
	/* Out of order: at once. */
	frame.plain.frag = put16(2);
	assert_int_equal(message_receive(ends.end[1].peer, ends.now_ns, 2, &frame.plain), 0);
	two_ends_run(&ends, 1 * MS, NULL);
	assert_int_equal(ends.end[1].acks_sent, before + 3);
	two_ends_finish(&ends);
}

static size_t wanted;

static bool one_more_stored_ack(const struct two_ends *which)
{
	return which->end[1].stored_acks_sent == wanted;
}

/* Of a stored message, whose recipient the relay's neighbours could else tell by when it answers:
 * uniformly random between 1 and 60 s. */
static void stored_acks_come_after_a_random_time(void **state)
{
	enum { SAMPLES = 400, PARTS = 4, PART_MIN = SAMPLES / PARTS - 45 }; /* five deviations */
	const uint64_t span_ns = MESSAGE_STORED_ACK_BOUND_NS - MESSAGE_STORED_ACK_MIN_NS;
	unsigned parts[PARTS] = { 0 };

	(void)state;
	two_ends_begin(&ends, 1);
	for (wanted = 1; wanted <= SAMPLES; wanted++) {
		two_ends_send_stored(&ends, 0, 1, 1);
		assert_true(two_ends_run(&ends, 70 * SECOND, one_more_stored_ack));
		assert_int_equal(ends.end[1].taken_count, wanted);
		const uint64_t waited_ns = ends.now_ns - ends.end[1].taken[wanted - 1].at_ns;
		assert_in_range(waited_ns, 1 * SECOND, 60 * SECOND);
		parts[(waited_ns - 1 * SECOND) * PARTS / (span_ns + 1)]++;
		two_ends_run(&ends, 1 * SECOND, NULL);
	}
	for (unsigned i = 0; i < PARTS; i++)
		assert_true(parts[i] >= PART_MIN);
	two_ends_finish(&ends);
}

/* Numbers that never come, from a sender that does not say so: after a pause they are not waited
 * for any more, and if they come all the same, they are delivered. */
static void gaps_are_waited_for_five_seconds(void **state)
{
	(void)state;
	union {
		struct seal_plain plain;
		uint8_t bytes[SEAL_LARGE_PLAIN_BYTES];
	} frame = { .bytes = { 0 } };
	frame.plain.type = SEAL_DATA;
	frame.plain.frags = put16(1);
	two_ends_begin(&ends, 1);
	for (uint64_t number = 3; number <= 4; number++) {
		frame.plain.message = put64(number);
		assert_int_equal(
			message_receive(ends.end[1].peer, ends.now_ns, number, &frame.plain), 0);
	}
	two_ends_run(&ends, MESSAGE_GAP_NS - 1 * MS, NULL);
	assert_int_equal(ends.end[1].taken_count, 0);
	two_ends_run(&ends, 2 * MS, NULL);
	assert_int_equal(ends.end[1].taken_count, 2);
	two_ends_restart(&ends, 1); /* what is done above the high-water mark is remembered */
	for (uint64_t number = 4; number >= 1; number--) {
		frame.plain.message = put64(number);
		assert_int_equal(
			message_receive(ends.end[1].peer, ends.now_ns, number, &frame.plain), 0);
	}
	two_ends_run(&ends, 1 * MS, NULL);
	assert_int_equal(ends.end[1].taken_count, 4);
	assert_int_equal(ends.end[1].taken_again, 0);
	static const uint64_t order[] = { 3, 4, 1, 2 };
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(ends.end[1].taken[i].number, order[i]);
	two_ends_finish(&ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(has_these_bytes),
		cmocka_unit_test(malformed_ones_are_refused),
		cmocka_unit_test(held_fragments_do_not_finish_a_message),
		cmocka_unit_test(a_higher_epoch_voids_what_was_held),
		cmocka_unit_test(acks_of_what_was_never_sent_change_nothing),
		cmocka_unit_test(acks_come_soon),
		cmocka_unit_test(stored_acks_come_after_a_random_time),
		cmocka_unit_test(gaps_are_waited_for_five_seconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
