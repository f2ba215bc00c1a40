/* RFC 9002, number by number. */
#include "src/message/message.h"
#include "src/message/recovery.h"
#include "testing.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
enum { CELL = WIRE_LARGE_BYTES };

static void round_trip_times(void **state)
{
	(void)state;
	struct recovery r;
	recovery_init(&r);
	/* 333 ms and half of it: 333 + 4 * 166.5 + 25 */
	assert_int_equal(recovery_timeout_ns(&r), 1024 * MS);
	recovery_sample(&r, SECOND, 100 * MS, 0);
	assert_int_equal(r.smoothed_ns, 100 * MS);
	assert_int_equal(r.variance_ns, 50 * MS);
	assert_int_equal(recovery_timeout_ns(&r), 325 * MS);
	assert_int_equal(recovery_loss_delay_ns(&r), 112500000); /* 9/8 */
	/* 180 measured, 20 of it the other side's waiting: 160 */
	recovery_sample(&r, SECOND, 180 * MS, 20 * MS);
	assert_int_equal(r.variance_ns, (3 * 50 * MS + 60 * MS) / 4);
	assert_int_equal(r.smoothed_ns, (7 * 100 * MS + 160 * MS) / 8);
	assert_int_equal(r.latest_ns, 180 * MS);
	/* It can't have waited more than 25 ms, nor so that the rest is below the minimum. */
	uint64_t smoothed_ns = r.smoothed_ns;
	recovery_sample(&r, SECOND, 180 * MS, 150 * MS);
	assert_int_equal(r.smoothed_ns, (7 * smoothed_ns + 155 * MS) / 8);
	smoothed_ns = r.smoothed_ns;
	recovery_sample(&r, SECOND, 110 * MS, 20 * MS);
	assert_int_equal(r.smoothed_ns, (7 * smoothed_ns + 110 * MS) / 8);
	assert_int_equal(r.minimum_ns, 100 * MS);
	/* No timer is shorter than 1 ms. */
	recovery_init(&r);
	recovery_sample(&r, SECOND, 1000, 0);
	assert_int_equal(recovery_loss_delay_ns(&r), 1 * MS);
	assert_int_equal(recovery_timeout_ns(&r), 1000 + 1 * MS + 25 * MS);
}

static void timeouts_double_up_to_a_bound(void **state)
{
	(void)state;
	struct recovery r;
	recovery_init(&r);
	recovery_sample(&r, SECOND, 100 * MS, 0);
	static const uint64_t ms[] = { 325, 650, 1300, 2000, 2000 };
	for (r.timeouts = 0; r.timeouts < 5; r.timeouts++)
		assert_int_equal(recovery_backed_off_ns(&r, 0), ms[r.timeouts] * MS);
	r.timeouts = 40;
	assert_int_equal(recovery_backed_off_ns(&r, 80 * SECOND), 10 * SECOND);
	assert_int_equal(recovery_backed_off_ns(&r, 100000 * SECOND), 60 * SECOND);
	/* A path slower than the bound sets its own. */
	recovery_init(&r);
	recovery_sample(&r, SECOND, 3 * SECOND, 0);
	r.timeouts = 9;
	assert_int_equal(recovery_backed_off_ns(&r, 0), 9025 * MS);
}

static void slow_start_then_avoidance(void **state)
{
	(void)state;
	struct recovery r;
	recovery_init(&r);
	assert_int_equal(r.window, 10 * CELL);
	for (unsigned i = 0; i < 10; i++) {
		assert_true(recovery_has_room(&r, CELL));
		recovery_sent(&r, SECOND, CELL);
	}
	assert_false(recovery_has_room(&r, 1));
	r.full = true;
	for (unsigned i = 0; i < 10; i++)
		recovery_acked(&r, SECOND, CELL);
	assert_int_equal(r.window, 20 * CELL);
	assert_int_equal(r.in_flight, 0);
	/* Not what bounded the sender: it does not grow. */
	r.full = false;
	recovery_sent(&r, SECOND, CELL);
	recovery_acked(&r, SECOND, CELL);
	assert_int_equal(r.window, 20 * CELL);
	/* One halving for all that was sent before the loss was seen. */
	for (unsigned i = 0; i < 20; i++)
		recovery_sent(&r, 2 * SECOND, CELL);
	recovery_lost(&r, 3 * SECOND, 2 * SECOND, 2 * CELL, false);
	assert_int_equal(r.window, 10 * CELL);
	recovery_lost(&r, 4 * SECOND, 2 * SECOND, 2 * CELL, false);
	assert_int_equal(r.window, 10 * CELL);
	r.full = true;
	recovery_acked(&r, 2 * SECOND, CELL); /* sent before: no growth */
	assert_int_equal(r.window, 10 * CELL);
	recovery_sent(&r, 5 * SECOND, CELL);
	recovery_acked(&r, 5 * SECOND, CELL);
	assert_int_equal(r.window, 10 * CELL + CELL / 10); /* one cell in a round trip */
	recovery_lost(&r, 6 * SECOND, 5 * SECOND, CELL, false);
	assert_int_equal(r.window, (10 * CELL + CELL / 10) / 2);
}

static void the_window_has_a_floor(void **state)
{
	(void)state;
	struct recovery r;
	recovery_init(&r);
	for (uint64_t i = 0; i < 10; i++) {
		recovery_sent(&r, (2 * i + 1) * SECOND, CELL);
		recovery_lost(&r, (2 * i + 2) * SECOND, (2 * i + 1) * SECOND, CELL, false);
		assert_true(r.window >= 2 * CELL);
	}
	assert_int_equal(r.window, 2 * CELL);
	recovery_init(&r);
	recovery_sent(&r, SECOND, CELL);
	recovery_lost(&r, 2 * SECOND, SECOND, CELL, true); /* persistent congestion */
	assert_int_equal(r.window, 2 * CELL);
	assert_true(r.window < r.threshold); /* slow start again */
}

static void frames_are_spread_over_the_round_trip(void **state)
{
	(void)state;
	struct recovery r;
	recovery_init(&r);
	recovery_sample(&r, SECOND, 100 * MS, 0);
	uint64_t now_ns = 2 * SECOND;
	/* A burst of ten, then 20 a round trip (slow start paces at twice the window). */
	unsigned sent = 0;
	for (; r.pace_ns <= now_ns; sent++)
		recovery_sent(&r, now_ns, CELL);
	assert_in_range(sent, 10, 11);
	for (unsigned i = 0; i < 100; i++) {
		now_ns = r.pace_ns;
		recovery_sent(&r, now_ns, CELL);
		assert_in_range(r.pace_ns - now_ns, 5 * MS - 10, 5 * MS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip_times),
		cmocka_unit_test(timeouts_double_up_to_a_bound),
		cmocka_unit_test(slow_start_then_avoidance),
		cmocka_unit_test(the_window_has_a_floor),
		cmocka_unit_test(frames_are_spread_over_the_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
