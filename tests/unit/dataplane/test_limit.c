/* Rates over a clock of our own. */
#include "relay.h"

#include "dataplane/limit.h"
#include <rte_cycles.h>
#include <rte_malloc.h>

static struct limits limits;
static struct rte_rcu_qsbr *qsbr;

static int setup(void **state)
{
	(void)state;
	memset(&limits, 0, sizeof limits);
	limits.classes =
		rte_zmalloc(NULL, LIMIT_CLASSES * sizeof *limits.classes, sizeof *limits.classes);
	qsbr = rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	assert_non_null(limits.classes);
	assert_int_equal(rte_rcu_qsbr_init(qsbr, 1), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rte_free(limits.classes);
	rte_free(qsbr);
	return 0;
}

/* How many of n frames, one every `every` TSC cycles, pass. */
static uint32_t passed(uint32_t number, uint32_t n, uint64_t every, uint32_t len)
{
	struct limit_meter meter = { 0 };
	uint64_t now = rte_rdtsc();
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++, now += every)
		count += limit_pass(&meter, &limits.classes[number], now, len);
	return count;
}

static const struct rate {
	uint32_t frames_per_s;
	uint64_t bytes_per_s;
	uint32_t len;
	double expected_per_s;
	uint32_t burst; /* frames: a second of them, or the least there is */
} rates[] = {
	{ 1000, 0, 512, 1000, 1000 },
	{ 1, 0, 1232, 1, LIMIT_BURST_FRAMES_MIN },
	{ 5000, 0, 1232, 5000, 5000 },
	{ 0, 512000, 512, 1000, 1000 },
	{ 0, 1232, 1232, 1, LIMIT_BURST_BYTES_MIN / 1232 },
	{ 1000, 51200, 512, 100, 100 },
	{ 100, 5120000, 512, 100, 100 },
};

static void rates_hold_over_time_and_bursts_at_once(void **state)
{
	const uint64_t hz = rte_get_tsc_hz();
	enum { SECONDS = 20, OFFERED_PER_S = 10000 };

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(rates); i++) {
		const struct rate *rate = &rates[i];
		uint32_t number;
		assert_int_equal(
			limit_take(&limits, qsbr, rate->frames_per_s, rate->bytes_per_s, &number),
			0);
		/* All at once: the burst and no more. */
		const uint32_t burst = passed(number, 20000, 0, rate->len);
		assert_in_range(burst, rate->burst * 9 / 10, rate->burst * 11 / 10 + 1);
		/* Ten times too many for a while: the burst and the rate. */
		const double all =
			passed(number, SECONDS * OFFERED_PER_S, hz / OFFERED_PER_S, rate->len);
		const double expected = rate->burst + rate->expected_per_s * SECONDS;
		if (all < expected * 0.95 || all > expected * 1.05 + 2)
			fail_msg("rate %u: %.0f passed, %.0f expected", i, all, expected);
	}
}

static void zero_is_no_limit(void **state)
{
	uint32_t number = 7;

	(void)state;
	assert_int_equal(limit_take(&limits, qsbr, 0, 0, &number), 0);
	assert_int_equal(number, LIMIT_NONE);
	assert_int_equal(passed(LIMIT_NONE, 100000, 0, 1232), 100000);
	assert_int_equal(limit_take(&limits, qsbr, 0, 1, &number), 0);
	assert_int_not_equal(number, LIMIT_NONE);
}

static void the_largest_limits_are_taken(void **state)
{
	uint32_t number;

	(void)state;
	assert_int_equal(limit_take(&limits, qsbr, UINT32_MAX, UINT64_MAX, &number), 0);
	assert_int_equal(passed(number, 100000, 1000, 1232), 100000);
}

static void a_class_is_used_again_after_its_last_user_and_a_grace_period(void **state)
{
	uint32_t number, others;

	(void)state;
	rte_rcu_qsbr_thread_register(qsbr, 0);
	rte_rcu_qsbr_thread_online(qsbr, 0);
	for (uint32_t i = 1; i < LIMIT_CLASSES; i++)
		assert_int_equal(limit_take(&limits, qsbr, i, 0, &number), 0);
	assert_int_equal(limit_take(&limits, qsbr, 5, 0, &number), 0); /* a second user */
	assert_int_equal(limit_take(&limits, qsbr, 5000, 0, &others), -ENOSPC);
	limit_give(&limits, qsbr, number);
	assert_int_equal(limit_take(&limits, qsbr, 5000, 0, &others), -ENOSPC);
	limit_give(&limits, qsbr, number);
	assert_int_equal(limit_take(&limits, qsbr, 5000, 0, &others), -ENOSPC);
	rte_rcu_qsbr_quiescent(qsbr, 0);
	assert_int_equal(limit_take(&limits, qsbr, 5000, 0, &others), 0);
	assert_int_equal(others, number);
	rte_rcu_qsbr_thread_offline(qsbr, 0);
	rte_rcu_qsbr_thread_unregister(qsbr, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rates_hold_over_time_and_bursts_at_once),
		TEST(zero_is_no_limit),
		TEST(the_largest_limits_are_taken),
		TEST(a_class_is_used_again_after_its_last_user_and_a_grace_period),
	};
	if (relay_eal() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
