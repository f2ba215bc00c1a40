/* Messages of every size arrive once, intact and in order, whatever the path does to frames. */
#include "two_ends.h"
#include <errno.h>
#include <stdlib.h>

static struct two_ends ends;

static void every_boundary_size(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 2, 335, 336, 337, 1055, 1056, 1057, 1056 + 336,
		1056 + 337, 2 * 1056 - 1, 2 * 1056, 2 * 1056 + 1, 10 * 1056, 63 * 1056, 64 * 1056,
		64 * 1056 + 1, 65536, 992 * 1056, 992 * 1056 + 1, (1 << 20) - 1, 1 << 20 };
	enum { COUNT = sizeof sizes / sizeof *sizes };

	two_ends_begin(&ends, 1);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(two_ends_send(&ends, 0, sizes[i], (uint8_t)i), i + 1);
	assert_true(two_ends_run(&ends, 60 * SECOND, two_ends_idle));
	assert_int_equal(ends.end[1].taken_count, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		two_ends_assert_taken(&ends.end[1], i, i + 1, sizes[i], (uint8_t)i);
		assert_int_equal(ends.end[0].acknowledged[i], i + 1);
	}
	uint8_t *data = calloc(1, (1 << 20) + 1);
	uint64_t number;
	assert_int_equal(
		message_send(ends.end[0].peer, SEAL_DATA, data, (1 << 20) + 1, &number), -EMSGSIZE);
	assert_int_equal(
		message_send(ends.end[0].peer, SEAL_HELLO, data, 1057, &number), -EMSGSIZE);
	assert_int_equal(message_send(ends.end[0].peer, SEAL_ACK, data, 40, &number), -EINVAL);
	free(data);
	two_ends_finish(&ends);
}

struct cells {
	size_t small, large;
};

static void count_cells(struct two_ends *watched, unsigned from, const struct message_frame *frame)
{
	struct cells *cells = watched->watcher;
	if (from != 0)
		return;
	if (frame->plain_len == SEAL_SMALL_PLAIN_BYTES)
		cells->small++;
	else
		cells->large++;
}

static void small_data_goes_in_small_cells(void **state)
{
	(void)state;
	static const struct {
		size_t len;
		struct cells cells;
	} rows[] = {
		{ 0, { 1, 0 } },
		{ 336, { 1, 0 } },
		{ 337, { 0, 1 } },
		{ 1056, { 0, 1 } },
		{ 1057, { 1, 1 } },
		{ 1056 + 336, { 1, 1 } },
		{ 1056 + 337, { 0, 2 } },
		{ 1 << 20, { 0, 993 } },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct cells cells = { 0, 0 };
		two_ends_begin(&ends, 2);
		ends.watch = count_cells;
		ends.watcher = &cells;
		two_ends_send(&ends, 0, rows[i].len, 1);
		assert_true(two_ends_run(&ends, 60 * SECOND, two_ends_idle));
		assert_int_equal(cells.small, rows[i].cells.small);
		assert_int_equal(cells.large, rows[i].cells.large);
		two_ends_finish(&ends);
	}
}

/* A mix from 1 byte to 1 MiB, both ways at once. */
static void transfer(
	uint64_t seed, const struct path *there, const struct path *back, size_t messages)
{
	size_t lens[2][64];
	assert_true(messages <= 64);
	two_ends_begin(&ends, seed);
	ends.end[0].path = *there;
	ends.end[1].path = *back;
	for (size_t i = 0; i < messages; i++)
		for (unsigned from = 0; from < 2; from++) {
			uint64_t power = two_ends_random(&ends, 21);
			size_t len = (size_t)(1 + two_ends_random(&ends, UINT64_C(1) << power));
			lens[from][i] = i == messages / 2 && from == 0 ? 1 << 20 : len;
			two_ends_send(&ends, from, lens[from][i], (uint8_t)(2 * i + from));
		}
	bool done = two_ends_run(&ends, 3600 * SECOND, two_ends_idle);
	if (!done)
		printf("not done: seed %llu\n", (unsigned long long)seed);
	assert_true(done);
	for (unsigned to = 0; to < 2; to++) {
		assert_int_equal(ends.end[to].taken_count, messages);
		assert_int_equal(ends.end[to].taken_again, 0);
		assert_int_equal(ends.end[!to].acknowledged_count, messages);
		for (size_t i = 0; i < messages; i++)
			two_ends_assert_taken(
				&ends.end[to], i, i + 1, lens[!to][i], (uint8_t)(2 * i + !to));
	}
	two_ends_finish(&ends);
}

static void over_every_kind_of_path(void **state)
{
	(void)state;
	static const struct path paths[] = {
		{ .delay_ns = 0 },
		{ .delay_ns = 100 * 1000 },
		{ .delay_ns = 300 * MS },
		{ .delay_ns = 5 * MS, .jitter_ns = 50 * MS },
		{ .delay_ns = 20 * MS, .repeat_percent = 50 },
		{ .delay_ns = 20 * MS, .lose_percent = 2 },
		{ .delay_ns = 20 * MS, .lose_percent = 30 },
		{ .delay_ns = 1 * MS,
			.jitter_ns = 20 * MS,
			.lose_percent = 10,
			.repeat_percent = 10 },
	};
	enum { COUNT = sizeof paths / sizeof *paths };
	uint64_t seed = two_ends_seed();
	for (size_t i = 0; i < COUNT; i++)
		for (size_t j = 0; j < COUNT; j += 3)
			transfer(seed + i * COUNT + j, &paths[i], &paths[(i + j) % COUNT], 12);
}

static void many_small_messages(void **state)
{
	(void)state;
	const struct path path = { .delay_ns = 10 * MS, .jitter_ns = 5 * MS, .lose_percent = 5 };
	two_ends_begin(&ends, two_ends_seed());
	ends.end[0].path = ends.end[1].path = path;
	for (size_t i = 0; i < 3000; i++)
		assert_int_equal(two_ends_send(&ends, 0, i % 100, (uint8_t)i), i + 1);
	assert_true(two_ends_run(&ends, 600 * SECOND, two_ends_idle));
	for (size_t i = 0; i < 3000; i++)
		two_ends_assert_taken(&ends.end[1], i, i + 1, i % 100, (uint8_t)i);
	assert_int_equal(ends.end[1].taken_count, 3000);
	two_ends_finish(&ends);
}

static void every_frame_has_a_fresh_id(
	struct two_ends *watched, unsigned from, const struct message_frame *frame)
{
	uint64_t *seen = watched->watcher;
	size_t at = frame->frame_id % 65536;
	(void)from;
	for (; seen[at]; at = (at + 1) % 65536)
		assert_true(seen[at] != frame->frame_id);
	seen[at] = frame->frame_id;
}

static void repeated_fragments_have_new_frame_ids(void **state)
{
	(void)state;
	two_ends_begin(&ends, two_ends_seed());
	ends.watch = every_frame_has_a_fresh_id;
	ends.watcher = calloc(65536, sizeof(uint64_t));
	ends.end[0].path.lose_percent = ends.end[1].path.lose_percent = 20;
	two_ends_send(&ends, 0, 1 << 20, 1);
	assert_true(two_ends_run(&ends, 600 * SECOND, two_ends_idle));
	assert_true(ends.end[0].frames_sent > 993 * 11 / 10);
	free(ends.watcher);
	two_ends_finish(&ends);
}

static void begins_with_ten_cells_and_paces_the_rest(void **state)
{
	(void)state;
	two_ends_begin(&ends, 3);
	ends.end[0].path.delay_ns = ends.end[1].path.delay_ns = 50 * MS;
	two_ends_send(&ends, 0, 1 << 20, 1);
	two_ends_run(&ends, 99 * MS, NULL);
	assert_int_equal(ends.end[0].frames_sent, MESSAGE_INITIAL_WINDOW_CELLS);
	/* Slow start doubles in each round trip of 100 ms: 10, 20, 40 ... cells, spread in time. */
	two_ends_run(&ends, 100 * MS, NULL);
	assert_in_range(ends.end[0].frames_sent, 20, 32);
	size_t burst = 0, before = ends.end[0].frames_sent;
	for (unsigned i = 0; i < 300; i++) {
		two_ends_run(&ends, 1 * MS, NULL);
		if (ends.end[0].frames_sent - before > burst)
			burst = ends.end[0].frames_sent - before;
		before = ends.end[0].frames_sent;
	}
	assert_in_range(burst, 1, 16);
	assert_true(two_ends_run(&ends, 10 * SECOND, two_ends_idle));
	two_ends_finish(&ends);
}

static void without_loss_nothing_is_sent_twice(void **state)
{
	(void)state;
	two_ends_begin(&ends, 4);
	two_ends_send(&ends, 0, 1 << 20, 1);
	assert_true(two_ends_run(&ends, 10 * SECOND, two_ends_idle));
	assert_int_equal(ends.end[0].frames_sent, 993);
	/* An ack for each two frames, one for each message, and few more. */
	assert_in_range(ends.end[1].acks_sent, 400, 520);
	assert_int_equal(ends.end[1].saves, 2); /* the run before the first ack; the message */
	two_ends_finish(&ends);
}

static void slow_recipients_are_asked_seldom(void **state)
{
	(void)state;
	two_ends_begin(&ends, 5);
	ends.end[1].deliver_error = -EAGAIN;
	for (uint8_t i = 0; i < 5; i++)
		two_ends_send(&ends, 0, 5000, i);
	two_ends_run(&ends, 100 * SECOND, NULL);
	assert_int_equal(ends.end[1].taken_count, 0);
	assert_int_equal(ends.end[0].acknowledged_count, 0);
	assert_in_range(ends.end[0].frames_sent, 25, 25 + 70);
	ends.end[1].deliver_error = 0;
	message_offer(ends.end[1].peer, ends.now_ns);
	assert_int_equal(ends.end[1].taken_count, 5);
	assert_true(two_ends_run(&ends, 1 * SECOND, two_ends_idle));
	for (uint8_t i = 0; i < 5; i++)
		two_ends_assert_taken(&ends.end[1], i, i + 1u, 5000, i);
	two_ends_finish(&ends);
}

static void absent_recipients_are_asked_ever_less(void **state)
{
	(void)state;
	two_ends_begin(&ends, 6);
	ends.end[0].path.cut = true;
	two_ends_send(&ends, 0, 100000, 1);
	two_ends_run(&ends, 3600 * SECOND, NULL);
	assert_in_range(ends.end[0].frames_sent, 60, 300);
	/* Found again within an eighth of a minute's absence ... */
	ends.end[0].path.cut = false;
	assert_true(two_ends_run(&ends, 62 * SECOND, two_ends_idle));
	/* ... and at once where the way is known to be open again. */
	ends.end[0].path.cut = true;
	two_ends_send(&ends, 0, 100, 2);
	two_ends_run(&ends, 600 * SECOND, NULL);
	ends.end[0].path.cut = false;
	message_path_restored(ends.end[0].peer, ends.now_ns);
	assert_true(two_ends_run(&ends, 1 * SECOND, two_ends_idle));
	two_ends_finish(&ends);
}

static void cancelled_messages_hold_up_nothing(void **state)
{
	(void)state;
	two_ends_begin(&ends, 7);
	ends.end[0].path.cut = true;
	uint64_t first = two_ends_send(&ends, 0, 300000, 1);
	uint64_t second = two_ends_send(&ends, 0, 10, 2);
	two_ends_run(&ends, 1 * SECOND, NULL);
	assert_int_equal(message_cancel(ends.end[0].peer, first), 0);
	assert_int_equal(message_cancel(ends.end[0].peer, first), -ENOENT);
	assert_int_equal(message_backlog(ends.end[0].peer).messages, 1);
	assert_int_equal(message_backlog(ends.end[0].peer).bytes, 10);
	ends.end[0].path.cut = false;
	assert_true(two_ends_run(&ends, 3 * SECOND, two_ends_idle));
	assert_int_equal(ends.end[1].taken_count, 1);
	two_ends_assert_taken(&ends.end[1], 0, second, 10, 2);
	/* Half of a message has come when it is given up: the next is not held up either. */
	first = two_ends_send(&ends, 0, 300000, 3);
	two_ends_run(&ends, 30 * MS, NULL);
	assert_int_equal(message_cancel(ends.end[0].peer, first), 0);
	second = two_ends_send(&ends, 0, 10, 4);
	assert_true(two_ends_run(&ends, 1 * SECOND, two_ends_idle));
	assert_int_equal(ends.end[1].taken_count, 2);
	two_ends_assert_taken(&ends.end[1], 1, second, 10, 4);
	two_ends_finish(&ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_boundary_size),
		cmocka_unit_test(small_data_goes_in_small_cells),
		cmocka_unit_test(over_every_kind_of_path),
		cmocka_unit_test(many_small_messages),
		cmocka_unit_test(repeated_fragments_have_new_frame_ids),
		cmocka_unit_test(begins_with_ten_cells_and_paces_the_rest),
		cmocka_unit_test(without_loss_nothing_is_sent_twice),
		cmocka_unit_test(slow_recipients_are_asked_seldom),
		cmocka_unit_test(absent_recipients_are_asked_ever_less),
		cmocka_unit_test(cancelled_messages_hold_up_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
