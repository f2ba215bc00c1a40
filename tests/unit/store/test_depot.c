/* The depot: taken, known, delivered, expired, at its limits, and what the disk shows afterwards.
 */
#include "depot_rig.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(messages_wait_in_order_across_restarts),
		TEST(repetitions_are_stored_once),
		TEST(received_takes_the_one_that_is_named),
		TEST(what_was_not_committed_does_not_wait),
		TEST(limits_hold),
		TEST(files_show_nothing_and_keep_no_key),
		TEST(others_deliveries_are_forgotten_however_many_there_are),
#undef TEST
	};
	return cmocka_run_group_tests_name("depot", tests, NULL, NULL);
}
