/* The depot as time passes: what is too old goes, and nothing else. */
#include "depot_rig.h"

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
		TEST(old_messages_are_erased),
		TEST(a_start_does_not_erase_by_a_clock_that_is_far_ahead),
		TEST(a_large_mailbox_expires_in_bounded_steps),
		TEST(a_shorter_time_erases_what_is_older_and_nothing_else),
		TEST(no_ttl_is_taken_for_a_shorter_one),
#undef TEST
	};
	return cmocka_run_group_tests_name("depot expiry", tests, NULL, NULL);
}
