#include "perf/loadgen/histogram.h"
#include "tests/unit/src/testing.h"

static struct histogram histogram;

static int empty(void **state)
{
	(void)state;
	memset(&histogram, 0, sizeof histogram);
	return 0;
}

static void says_nothing_of_nothing(void **state)
{
	(void)state;
	assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
	assert_int_equal(histogram_quantile(&histogram, 1), 0);
}

/* At most 3 % above the value, and never above the largest one. */
static void is_near(uint64_t got, uint64_t wanted)
{
	assert_true(got >= wanted);
	assert_true((double)got <= (double)wanted * 1.032);
}

static void reads_one_value_back(void **state)
{
	(void)state;
	for (uint64_t ns = 1; ns < UINT64_C(1) << 50; ns = ns * 3 + 1) {
		empty(NULL);
		histogram_add(&histogram, ns);
		assert_int_equal(histogram_quantile(&histogram, 0.5), ns);
		assert_int_equal(histogram.min_ns, ns);
		assert_int_equal(histogram.max_ns, ns);
	}
}

static void finds_quantiles(void **state)
{
	static const double shares[] = { 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1 };
	const uint64_t n = 100000;

	(void)state;
	/* In an order that is not theirs: 7919 shares no factor with n. */
	for (uint64_t i = 0; i < n; i++)
		histogram_add(&histogram, (i * 7919 % n + 1) * 100);
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
		is_near(histogram_quantile(&histogram, shares[i]),
			(uint64_t)(shares[i] * (double)n) * 100);
	assert_int_equal(histogram_quantile(&histogram, 1), n * 100);
	assert_int_equal(histogram.count, n);
}

static void a_few_outliers_show_only_at_the_end(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 9990; i++)
		histogram_add(&histogram, 1000);
	for (uint32_t i = 0; i < 10; i++)
		histogram_add(&histogram, 5000000);
	is_near(histogram_quantile(&histogram, 0.999), 1000);
	is_near(histogram_quantile(&histogram, 0.9991), 5000000);
}

static void takes_the_largest_there_is(void **state)
{
	(void)state;
	histogram_add(&histogram, UINT64_MAX);
	histogram_add(&histogram, 0);
	assert_int_equal(histogram_quantile(&histogram, 1), UINT64_MAX);
	assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
	assert_int_equal(histogram.min_ns, 0);
}

static void counts_by_doublings(void **state)
{
	uint64_t sum = 0;

	(void)state;
	for (uint64_t ns = 0; ns < 5000; ns++)
		histogram_add(&histogram, ns);
	histogram_add(&histogram, UINT64_MAX);
	assert_int_equal(histogram_octave(&histogram, 0), 2);
	assert_int_equal(histogram_octave(&histogram, 3), 8);
	assert_int_equal(histogram_octave(&histogram, 11), 2048);
	assert_int_equal(histogram_octave(&histogram, 12), 5000 - 4096);
	assert_int_equal(histogram_octave(&histogram, 63), 1);
	for (uint32_t n = 0; n < 64; n++)
		sum += histogram_octave(&histogram, n);
	assert_int_equal(sum, 5001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, empty)
		TEST(says_nothing_of_nothing),
		TEST(reads_one_value_back),
		TEST(finds_quantiles),
		TEST(a_few_outliers_show_only_at_the_end),
		TEST(takes_the_largest_there_is),
		TEST(counts_by_doublings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
