/* Percentiles of the last minute to two, against the values themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/latency.h"

enum { SECOND_US = 1000000, MINUTE_US = 60 * SECOND_US };

static void nothing_has_no_percentile(void **state)
{
	struct latency latency = { 0 };

	(void)state;
	assert_int_equal(latency_percentile(&latency, 5, 500), 0);
}

/* Never below the value, at most an eighth above. */
static void one_value_is_its_percentiles(void **state)
{
	static const uint32_t values[] = { 1, 7, 8, 9, 15, 16, 17, 255, 256, 1000, 4999, 5000,
		999999, 60 * SECOND_US };

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct latency latency = { 0 };
		latency_add(&latency, 10, values[i]);
		for (uint32_t per_mille = 1; per_mille <= 1000; per_mille += 333) {
			const uint32_t got = latency_percentile(&latency, 10, per_mille);
			assert_in_range(got, values[i], values[i] + values[i] / 8);
		}
	}
}

static int compare(const void *left, const void *right)
{
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static void percentiles_are_those_of_the_values(void **state)
{
	enum { VALUES = 10000 };
	static const uint32_t shares[] = { 10, 500, 900, 990, 1000 };
	static uint32_t values[VALUES];
	struct latency latency = { 0 };

	(void)state;
	srandom(3);
	for (uint32_t i = 0; i < VALUES; i++) {
		values[i] = 1u << random() % 24;
		values[i] += (uint32_t)random() % values[i];
		latency_add(&latency, i, values[i]);
	}
	qsort(values, VALUES, sizeof *values, compare);
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
		const uint32_t exact = values[VALUES * shares[i] / 1000 - 1];
		assert_in_range(
			latency_percentile(&latency, VALUES, shares[i]), exact, exact + exact / 8);
	}
}

/* What lies two minutes back is gone, what lies one back is not. */
static void old_values_are_forgotten(void **state)
{
	struct latency latency = { 0 };
	uint64_t now_us = UINT64_C(123456789) * SECOND_US;

	(void)state;
	latency_add(&latency, now_us, 1000);
	assert_in_range(latency_percentile(&latency, now_us + MINUTE_US - 1, 500), 1000, 1125);
	now_us += MINUTE_US;
	latency_add(&latency, now_us, 50000);
	assert_in_range(latency_percentile(&latency, now_us, 500), 1000, 1125);
	assert_in_range(latency_percentile(&latency, now_us, 1000), 50000, 56250);
	assert_in_range(latency_percentile(&latency, now_us + MINUTE_US, 500), 50000, 56250);
	assert_int_equal(latency_percentile(&latency, now_us + 3 * (uint64_t)MINUTE_US, 500), 0);
	latency_add(&latency, now_us + 100 * (uint64_t)MINUTE_US, 7);
	assert_int_equal(latency_percentile(&latency, now_us + 100 * (uint64_t)MINUTE_US, 1000), 7);
}

/* Longer than the highest bucket says: counted there. */
static void no_value_is_too_high(void **state)
{
	struct latency latency = { 0 };

	(void)state;
	latency_add(&latency, 0, UINT32_MAX);
	assert_true(latency_percentile(&latency, 0, 1000) > 60 * SECOND_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_has_no_percentile),
		cmocka_unit_test(one_value_is_its_percentiles),
		cmocka_unit_test(percentiles_are_those_of_the_values),
		cmocka_unit_test(old_values_are_forgotten),
		cmocka_unit_test(no_value_is_too_high),
	};
	return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
