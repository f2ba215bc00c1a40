#include "perf/loadgen/trial.h"
#include "tests/unit/src/testing.h"

enum { DEVICES = 3, FRAMES = 4, CELL = WIRE_SMALL_BYTES };

static struct device devices[DEVICES];
static struct load load;
static struct trial trial;
static uint64_t frames[FRAMES][CELL / 8];

static struct wire_inner *frame(uint32_t n)
{
	return (struct wire_inner *)frames[n];
}

/* A trial in which the first device has made FRAMES frames, 100 ticks one after the other. */
static int setup(void **state)
{
	const struct trial_plan plan = { .cell = CELL };

	(void)state;
	memset(devices, 0, sizeof devices);
	load = (struct load){
		.devices = devices, .device_count = DEVICES, .ns_factor = UINT64_C(1) << 32
	};
	for (uint32_t i = 0; i < DEVICES; i++)
		memset(devices[i].route, 1 + (int)i, sizeof devices[i].route);
	trial_begin(&load, &trial, &plan);
	load.now = 0;
	for (uint32_t i = 0; i < FRAMES; i++, load.now += 100)
		trial_write(&load, &trial, &devices[0], frame(i));
	load.now = 1000;
	return 0;
}

static void take(uint32_t device, uint32_t n)
{
	struct session session = { .device = device };

	trial_take(&load, &session, frame(n), CELL);
}

static void frames_in_order_are_counted_with_their_times(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < FRAMES; i++)
		take(1, i);
	assert_int_equal(trial.received, FRAMES);
	assert_int_equal(trial.reordered, 0);
	assert_int_equal(trial.duplicated, 0);
	assert_int_equal(trial.latency.max_ns, 1000);
	assert_int_equal(trial.latency.min_ns, 700);
}

static void what_comes_after_later_ones_is_reordered(void **state)
{
	static const uint32_t order[FRAMES] = { 2, 0, 3, 1 };

	(void)state;
	for (uint32_t i = 0; i < FRAMES; i++)
		take(1, order[i]);
	assert_int_equal(trial.received, FRAMES);
	assert_int_equal(trial.reordered, 2);
}

static void what_comes_twice_is_duplicated(void **state)
{
	(void)state;
	take(1, 0);
	take(1, 1);
	take(1, 0);
	take(1, 1);
	assert_int_equal(trial.received, 2);
	assert_int_equal(trial.duplicated, 2);
	assert_int_equal(trial.reordered, 0);
}

static void what_is_not_what_was_sent_is_bad(void **state)
{
	(void)state;
	take(2, 0); /* to another device */
	((uint8_t *)frame(1))[CELL - WIRE_TRANSPORT_OVERHEAD_BYTES - 1] ^= 1;
	take(1, 1);
	frame(2)->route[0] ^= 1;
	take(1, 2);
	frame(3)->frame_id = put64(get64(frame(3)->frame_id) + 1);
	take(1, 3);
	assert_int_equal(load.counts.bad_inner, 4);
	assert_int_equal(trial.received, 0);
}

static void frames_of_an_earlier_trial_are_stale(void **state)
{
	const struct trial_plan plan = { .cell = CELL };

	(void)state;
	trial_begin(&load, &trial, &plan);
	take(1, 0);
	assert_int_equal(load.counts.stale, 1);
	assert_int_equal(trial.received, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, setup)
		TEST(frames_in_order_are_counted_with_their_times),
		TEST(what_comes_after_later_ones_is_reordered),
		TEST(what_comes_twice_is_duplicated),
		TEST(what_is_not_what_was_sent_is_bad),
		TEST(frames_of_an_earlier_trial_are_stale),
#undef TEST
	};
	return cmocka_run_group_tests_name("loadgen trial", tests, NULL, NULL);
}
