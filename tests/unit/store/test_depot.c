/* The depot: taken, known, delivered, expired, at its limits, and what the disk shows afterwards.
 */
#include "files.h"

#include "store/depot_private.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

enum { NOW = 29000000, SMALL = 480, LARGE = 1200, DEVICES = 8 };

static const struct depot_limits generous = {
	.route_frames = 1000,
	.device_frames = 4000,
	.route_bytes = 1 << 20,
	.device_bytes = 4 << 20,
	.total_bytes = 1 << 30,
	.ttl_minutes = DEPOT_TTL_MINUTES,
};

static struct depot *depot;
static struct depot_report report;

static void reopen_with(const struct depot_limits *limits, uint32_t now)
{
	char path[96], error[DEPOT_ERROR_BYTES];

	depot_close(depot);
	depot = NULL;
	snprintf(path, sizeof path, "%s/store", files_directory);
	if (depot_open(&depot, path, limits, DEVICES, now, &report, error) != 0)
		fail_msg("%s", error);
}

static void reopen(uint32_t now)
{
	reopen_with(&generous, now);
}

static int setup(void **state)
{
	if (sodium_init() < 0 || files_make(state) != 0)
		return -1;
	reopen(NOW);
	return 0;
}

static int teardown(void **state)
{
	depot_close(depot);
	depot = NULL;
	return files_remove(state);
}

/* The same cell for the same numbers. */
static const struct wire_inner *cell(uint8_t route, uint64_t frame_id)
{
	static uint8_t bytes[LARGE];
	struct wire_inner *inner = (struct wire_inner *)bytes;
	uint8_t seed[randombytes_SEEDBYTES] = { route };

	memcpy(seed + 8, &frame_id, sizeof frame_id);
	randombytes_buf_deterministic(bytes, sizeof bytes, seed);
	memset(inner, 0, sizeof *inner);
	inner->kind = WIRE_STORED;
	inner->frame_id = put64(frame_id);
	memset(inner->route, route, sizeof inner->route);
	return inner;
}

static enum depot_verdict take(uint8_t route, uint64_t frame_id)
{
	return depot_take(
		depot, route % DEVICES, cell(route, frame_id), frame_id % 2 ? LARGE : SMALL);
}

static const struct mailbox *box_of(uint8_t route)
{
	uint8_t bytes[WIRE_ROUTE_BYTES];

	memset(bytes, route, sizeof bytes);
	return mailbox_find(depot_mailboxes(depot), bytes);
}

static int received(uint8_t route, uint64_t frame_id)
{
	uint8_t bytes[WIRE_ROUTE_BYTES];

	memset(bytes, route, sizeof bytes);
	return depot_received(depot, bytes, frame_id);
}

static void assert_waits(uint8_t route, uint32_t at, uint64_t frame_id)
{
	struct record_frame frame;

	assert_non_null(box_of(route));
	assert_int_equal(depot_read(depot, box_of(route), at, &frame), 0);
	assert_int_equal(frame.len, frame_id % 2 ? LARGE : SMALL);
	assert_memory_equal(frame.bytes, cell(route, frame_id), frame.len);
}

static void sweep(uint32_t now)
{
	depot_set_time(depot, now);
	while (!depot_sweep(depot))
		;
	assert_int_equal(depot_commit(depot), 0);
}

static void messages_wait_in_order_across_restarts(void **state)
{
	(void)state;
	for (uint64_t id = 1; id <= 20; id++)
		assert_int_equal(take(id % 3 ? 1 : 2, id), DEPOT_TAKEN);
	assert_int_equal(depot_commit(depot), 0);
	for (int round = 0; round < 3; round++) {
		uint32_t one = 0, two = 0;
		for (uint64_t id = 1; id <= 20; id++)
			assert_waits(id % 3 ? 1 : 2, id % 3 ? one++ : two++, id);
		assert_int_equal(box_of(1)->count + box_of(2)->count, 20);
		reopen(NOW);
		assert_int_equal(report.messages, 20);
		assert_int_equal(report.unreadable, 0);
	}
	assert_int_equal(take(1, 21), DEPOT_TAKEN);
	assert_int_equal(depot_commit(depot), 0);
	assert_waits(1, box_of(1)->count - 1, 21);
}

/* Waiting, in the same batch, delivered, and delivered before a restart. */
static void repetitions_are_stored_once(void **state)
{
	(void)state;
	assert_int_equal(take(1, 5), DEPOT_TAKEN);
	assert_int_equal(take(1, 5), DEPOT_KNOWN);
	assert_int_equal(take(2, 5), DEPOT_TAKEN);             /* another route */
	assert_int_equal(take(1, 5 + (1 << 14)), DEPOT_TAKEN); /* the same 14 bits */
	assert_int_equal(depot_commit(depot), 0);
	assert_int_equal(take(1, 5), DEPOT_KNOWN);
	reopen(NOW);
	assert_int_equal(take(1, 5), DEPOT_KNOWN);
	assert_int_equal(received(1, 5), 0);
	assert_int_equal(take(1, 5), DEPOT_KNOWN);
	assert_int_equal(depot_commit(depot), 0);
	assert_int_equal(received(1, 5), -ENOENT);
	reopen(NOW + 9);
	assert_int_equal(report.messages, 2);
	assert_int_equal(report.delivered, 1);
	assert_int_equal(take(1, 5), DEPOT_KNOWN);
	assert_int_equal(received(1, 5), -ENOENT);
	sweep(NOW + 10); /* nobody repeats it any more */
	assert_int_equal(take(1, 5), DEPOT_TAKEN);
	assert_int_equal(depot_commit(depot), 0);
	assert_waits(1, 1, 5);
}

/* Names that share the bits an entry has of them; what was read of late is known without the disk.
 */
static void received_takes_the_one_that_is_named(void **state)
{
	enum { OTHER = 1 << 20 };

	(void)state;
	for (uint32_t read = 0; read < 4; read++) { /* a bit for each that is */
		const uint8_t route = (uint8_t)(1 + read);
		struct record_frame frame;
		assert_int_equal(take(route, 6), DEPOT_TAKEN);
		assert_int_equal(take(route, 6 + OTHER), DEPOT_TAKEN);
		assert_int_equal(depot_commit(depot), 0);
		for (uint32_t at = 0; at < 2; at++)
			if (read >> at & 1)
				assert_int_equal(depot_read(depot, box_of(route), at, &frame), 0);
		assert_int_equal(received(route, 6 + 2 * OTHER), -ENOENT);
		assert_int_equal(received(route, 6 + OTHER), 0);
		assert_int_equal(received(route, 6 + OTHER), -ENOENT);
		assert_int_equal(depot_commit(depot), 0);
		assert_waits(route, 0, 6);
		assert_int_equal(received(route, 6), 0);
		assert_null(box_of(route));
		assert_int_equal(depot_commit(depot), 0);
		assert_int_equal(take(route, 6), DEPOT_KNOWN);
	}
	depot_turn_keys(depot);
	assert_int_equal(depot_epochs(depot), 2); /* each released its own, none twice */
	reopen(NOW);
	assert_int_equal(report.messages, 0);
	assert_int_equal(report.delivered, 8);
}

static void what_was_not_committed_does_not_wait(void **state)
{
	(void)state;
	assert_int_equal(take(1, 1), DEPOT_TAKEN);
	assert_int_equal(received(1, 1), -ENOENT);
	reopen(NOW);
	assert_int_equal(report.messages, 0);
	assert_null(box_of(1));
	for (uint64_t id = 0; id < DEPOT_BATCH_MAX; id++)
		assert_int_equal(take((uint8_t)(id % 200), id), DEPOT_TAKEN);
	assert_int_equal(take(1, DEPOT_BATCH_MAX), DEPOT_FAILED);
	assert_int_equal(depot_commit(depot), 0);
	assert_int_equal(take(1, DEPOT_BATCH_MAX), DEPOT_TAKEN);
}

static void limits_hold(void **state)
{
	static const struct {
		struct depot_limits limits;
		uint32_t same_route, same_device, other_device; /* how many fit */
		enum depot_verdict verdict;
	} rows[] = {
		{ { 3, 100, 1 << 20, 1 << 20, 1 << 20, 0, 99 }, 3, 3, 3, DEPOT_OVER_ROUTE },
		{ { 99, 100, 5 * 512, 1 << 20, 1 << 20, 0, 99 }, 5, 5, 5, DEPOT_OVER_ROUTE },
		{ { 99, 4, 1 << 20, 1 << 20, 1 << 20, 0, 99 }, 4, 0, 4, DEPOT_OVER_DEVICE },
		{ { 99, 99, 1 << 20, 3 * 512, 1 << 20, 0, 99 }, 3, 0, 3, DEPOT_OVER_DEVICE },
		{ { 99, 99, 1 << 20, 1 << 20, 6 * 512, 0, 99 }, 6, 0, 0, DEPOT_OVER_TOTAL },
		{ { 99, 99, 1 << 20, 1 << 20, 1 << 20, UINT64_MAX, 99 }, 0, 0, 0,
			DEPOT_OVER_TOTAL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const uint32_t wanted[] = { rows[i].same_route, rows[i].same_device,
			rows[i].other_device };
		const uint8_t routes[] = { 1, 1 + DEVICES, 2 };
		for (int restarted = 0; restarted < 2; restarted++) {
			teardown(state);
			setup(state);
			reopen_with(&rows[i].limits, NOW);
			for (int r = 0; r < 3; r++) {
				uint64_t id = 2 * 1000;
				while (take(routes[r], id) == DEPOT_TAKEN)
					id += 2;
				assert_int_equal((id - 2000) / 2, wanted[r]);
			}
			assert_int_equal(depot_commit(depot), 0);
			assert_int_equal(take(1, 77 * 2), rows[i].verdict);
			if (wanted[0] > 0)
				assert_int_equal(take(1, 2000), DEPOT_KNOWN);
		}
	}
}

static void old_messages_are_erased(void **state)
{
	struct wire_inner *inner;

	(void)state;
	for (uint64_t id = 0; id < 8; id++) {
		inner = (struct wire_inner *)(uintptr_t)cell(1, 2 * id);
		inner->ttl = (uint8_t)id; /* default, then 2, 4 ... 128 minutes */
		assert_int_equal(depot_take(depot, 1, inner, SMALL), DEPOT_TAKEN);
	}
	assert_int_equal(depot_commit(depot), 0);
	sweep(NOW + 1);
	assert_int_equal(box_of(1)->count, 8);
	sweep(NOW + 16);
	assert_int_equal(box_of(1)->count, 4);
	reopen(NOW + 64);
	assert_int_equal(report.messages, 2);
	assert_int_equal(box_of(1)->count, 2);
	sweep(NOW + DEPOT_TTL_MINUTES - 1);
	assert_int_equal(box_of(1)->count, 1);
	assert_int_equal(depot_epochs(depot), 1);
	sweep(NOW + DEPOT_TTL_MINUTES);
	assert_null(box_of(1));
	depot_turn_keys(depot);
	assert_int_equal(depot_epochs(depot), 0);
}

/* A clock that is months ahead, at a start: what it calls too old waits for the sweep. */
static void a_start_does_not_erase_by_a_clock_that_is_far_ahead(void **state)
{
	(void)state;
	assert_int_equal(depot_take(depot, 1, cell(1, 2), SMALL), DEPOT_TAKEN);
	assert_int_equal(depot_commit(depot), 0);
	reopen(NOW + DEPOT_TTL_MINUTES + DEPOT_LATE_MINUTES);
	assert_int_equal(report.late, 1);
	assert_int_equal(box_of(1)->count, 1);
	reopen(NOW);
	assert_int_equal(report.late, 0);
	assert_int_equal(box_of(1)->count, 1);
	reopen(NOW + DEPOT_TTL_MINUTES + DEPOT_LATE_MINUTES - 1);
	assert_null(box_of(1));
	assert_int_equal(depot_expired(depot), 1);
}

/* Each second of them, in one mailbox: then all. Between steps others come and go. */
static void a_large_mailbox_expires_in_bounded_steps(void **state)
{
	enum { MANY = 100000 };
	struct depot_limits limits = generous;
	struct wire_inner *inner = (struct wire_inner *)(uintptr_t)cell(1, 2);

	(void)state;
	limits.route_frames = limits.device_frames = 2 * MANY;
	limits.route_bytes = limits.device_bytes = limits.total_bytes;
	reopen_with(&limits, NOW);
	for (uint32_t i = 0; i < MANY; i++) {
		inner->frame_id = put64(i);
		inner->ttl = i % 2;
		assert_int_equal(depot_take(depot, 1, inner, SMALL), DEPOT_TAKEN);
		if (i % 10000 == 9999)
			assert_int_equal(depot_commit(depot), 0);
	}
	for (uint32_t round = 0; round < 2; round++) {
		uint64_t erased = depot_expired(depot);
		uint32_t steps = 1;
		bool through = false;
		depot_set_time(depot, round == 0 ? NOW + 3 : NOW + DEPOT_TTL_MINUTES);
		for (; !through; steps++) {
			through = depot_sweep(depot);
			assert_in_range(depot_expired(depot) - erased, 0, DEPOT_SWEEP_ERASED);
			erased = depot_expired(depot);
			if (round == 0)
				assert_int_equal(take(9, 2 * steps), DEPOT_TAKEN);
			assert_int_equal(depot_commit(depot), 0);
		}
		assert_in_range(steps, MANY / 2 / DEPOT_SWEEP_ERASED, 1000);
		assert_int_equal(erased, (round + 1) * MANY / 2);
	}
	assert_null(box_of(1));
	assert_non_null(box_of(9));
	reopen(NOW + DEPOT_TTL_MINUTES);
	assert_int_equal(report.unindexed, 0);
}

struct keys {
	uint8_t key[EPOCH_KEY_BYTES];
	uint32_t count;
};

static void read_key(const char *path, void *arg)
{
	struct keys *keys = arg;
	FILE *file = fopen(path, "r");

	assert_int_equal(fread(keys->key, 1, sizeof keys->key, file), sizeof keys->key);
	fclose(file);
	keys->count++;
}

/* No file shows a route or what a cell holds, ever; and once the last message of an epoch was
 * received its key is in none of them, though repetitions are known. */
static void files_show_nothing_and_keep_no_key(void **state)
{
	struct keys keys = { .count = 0 };
	uint8_t route[8];

	(void)state;
	for (uint64_t id = 1; id <= 50; id++)
		assert_int_equal(take(0xa5, id), DEPOT_TAKEN);
	assert_int_equal(depot_commit(depot), 0);
	files_each(".key", read_key, &keys);
	assert_int_equal(keys.count, 1);
	assert_true(files_hold(keys.key, sizeof keys.key));
	for (int round = 0; round < 2; round++) {
		memset(route, 0xa5, sizeof route);
		assert_false(files_hold(route, sizeof route));
		assert_false(files_hold(cell(0xa5, 7)->payload, 16));
		assert_int_equal(depot_compact(depot), 0); /* then from the tables */
	}
	for (uint64_t id = 1; id <= 50; id++)
		assert_int_equal(received(0xa5, id), 0);
	assert_int_equal(depot_commit(depot), 0);
	assert_int_equal(take(0xa5, 7), DEPOT_KNOWN);
	depot_turn_keys(depot);
	assert_false(files_hold(keys.key, sizeof keys.key));
	assert_int_equal(depot_epochs(depot), 2); /* of what comes next, of what was received */
	reopen(NOW);
	assert_int_equal(report.delivered, 50);
	assert_int_equal(depot_epochs(depot), 1);
	assert_int_equal(take(0xa5, 7), DEPOT_KNOWN);
	sweep(NOW + 10);
	depot_turn_keys(depot);
	assert_int_equal(depot_epochs(depot), 0);
	reopen(NOW + 10);
	assert_int_equal(report.messages + report.delivered + report.unreadable, 0);
	assert_int_equal(take(1, 1), DEPOT_TAKEN); /* under a new one */
	assert_int_equal(depot_commit(depot), 0);
	assert_waits(1, 0, 1);
}

/* By a shorter limit a day's messages are too old at once, and what says when they came and under
 * which key is needed until the last of them is gone. */
static void a_shorter_time_erases_what_is_older_and_nothing_else(void **state)
{
	enum { OLD = 1100, SHORT = 60 };
	struct depot_limits limits = generous;

	(void)state;
	for (uint32_t i = 0; i < OLD; i++) { /* one a minute */
		depot_set_time(depot, NOW + i);
		assert_int_equal(take((uint8_t)(1 + i % 2), 1 + i), DEPOT_TAKEN);
	}
	depot_set_time(depot, NOW + OLD + 90);
	assert_int_equal(take(3, 1), DEPOT_TAKEN);
	assert_int_equal(depot_commit(depot), 0);
	limits.ttl_minutes = SHORT;
	depot_set_limits(depot, &limits);
	sweep(NOW + OLD + 100);
	assert_null(box_of(1));
	assert_null(box_of(2));
	assert_true(depot_expired(depot) == OLD);
	assert_waits(3, 0, 1);
	/* The one that waited goes by itself, and not with the key of the next one. */
	assert_int_equal(take(4, 2), DEPOT_TAKEN);
	sweep(NOW + OLD + 90 + SHORT);
	depot_turn_keys(depot);
	assert_null(box_of(3));
	assert_waits(4, 0, 2);
}

/* One device can have more delivered, to itself, than can be known: that is nobody else's trouble.
 */
static void others_deliveries_are_forgotten_however_many_there_are(void **state)
{
	uint8_t route[WIRE_ROUTE_BYTES] = { 9 };

	(void)state;
	assert_int_equal(take(1, 5), DEPOT_TAKEN);
	assert_int_equal(take(2, 5), DEPOT_TAKEN);
	assert_int_equal(depot_commit(depot), 0);
	for (uint64_t n = 1; recent_count(depot->recent) < RECENT_MAX; n++)
		assert_int_equal(recent_add(depot->recent, route, n, NOW, 1), 0);
	assert_int_equal(received(1, 5), 0);
	assert_int_equal(depot_commit(depot), 0);
	assert_null(box_of(1));
	assert_waits(2, 0, 5);
	assert_int_equal(take(1, 5), DEPOT_TAKEN); /* a repetition comes once more */
	reopen(NOW);
	assert_null(box_of(1));
	assert_waits(2, 0, 5);
}

/* 2^n minutes are the longest time that there is, for any n above 14. */
static void no_ttl_is_taken_for_a_shorter_one(void **state)
{
	(void)state;
	for (uint32_t ttl = 15; ttl <= UINT8_MAX; ttl++) {
		struct wire_inner *inner = (struct wire_inner *)cell(1, ttl);
		inner->ttl = (uint8_t)ttl;
		assert_int_equal(depot_take(depot, 1, inner, SMALL), DEPOT_TAKEN);
	}
	assert_int_equal(depot_commit(depot), 0);
	for (int round = 0; round < 2; round++) {
		sweep(NOW + DEPOT_TTL_MINUTES - 1);
		assert_non_null(box_of(1));
		assert_int_equal(box_of(1)->count, UINT8_MAX - 14);
		reopen(NOW + DEPOT_TTL_MINUTES - 1);
	}
	sweep(NOW + DEPOT_TTL_MINUTES);
	assert_null(box_of(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(messages_wait_in_order_across_restarts),
		TEST(repetitions_are_stored_once),
		TEST(received_takes_the_one_that_is_named),
		TEST(what_was_not_committed_does_not_wait),
		TEST(limits_hold),
		TEST(old_messages_are_erased),
		TEST(a_start_does_not_erase_by_a_clock_that_is_far_ahead),
		TEST(a_large_mailbox_expires_in_bounded_steps),
		TEST(files_show_nothing_and_keep_no_key),
		TEST(a_shorter_time_erases_what_is_older_and_nothing_else),
		TEST(others_deliveries_are_forgotten_however_many_there_are),
		TEST(no_ttl_is_taken_for_a_shorter_one),
#undef TEST
	};
	return cmocka_run_group_tests_name("depot", tests, NULL, NULL);
}
