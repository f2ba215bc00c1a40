/* The duplicate window, at its edges and against a model that simply remembers every number. */
#include "src/message/window.h"
#include "testing.h"

static void edges(void **state)
{
	(void)state;
	struct window window = { .base = 1 };
	assert_true(window_ok(&window));
	assert_true(window_has(&window, 0));
	assert_false(window_has(&window, 1));
	assert_true(window_reaches(&window, MESSAGE_WINDOW));
	assert_false(window_reaches(&window, MESSAGE_WINDOW + 1));
	window_mark(&window, MESSAGE_WINDOW);
	assert_true(window_has(&window, MESSAGE_WINDOW));
	assert_int_equal(window.base, 1);
	window_mark(&window, 1);
	assert_int_equal(window.base, 2);
	for (uint64_t n = 2; n < MESSAGE_WINDOW; n++)
		window_mark(&window, n);
	assert_int_equal(window.base, MESSAGE_WINDOW + 1);
	assert_true(window_ok(&window));
	window_mark(&window, 5); /* below: nothing changes */
	assert_int_equal(window.base, MESSAGE_WINDOW + 1);
	window_mark(&window, window.base + 3);
	window_advance(&window, window.base + 3); /* up to a marked one: past it */
	assert_int_equal(window.base, MESSAGE_WINDOW + 5);
	window_advance(&window, 7); /* never back */
	assert_int_equal(window.base, MESSAGE_WINDOW + 5);
	window_mark(&window, window.base + MESSAGE_WINDOW - 1);
	window_advance(&window, window.base + 5 * MESSAGE_WINDOW);
	for (uint64_t n = window.base; n < window.base + 2 * MESSAGE_WINDOW; n++)
		assert_false(window_has(&window, n));
}

static void impossible_ones_are_known(void **state)
{
	(void)state;
	struct window window = { .base = 0 };
	assert_false(window_ok(&window));
	window.base = 64;
	window.bits[1] = 1; /* base itself is marked */
	assert_false(window_ok(&window));
}

static void agrees_with_a_model(void **state)
{
	(void)state;
	enum { NUMBERS = 20000 };
	static bool done[NUMBERS + 2 * MESSAGE_WINDOW];
	struct window window = { .base = 1 };
	memset(done, 0, sizeof done);
	done[0] = true;
	for (unsigned round = 0; window.base < NUMBERS; round++) {
		uint64_t number = window.base + randombytes_uniform(MESSAGE_WINDOW + 50);
		if (round % 50 == 49) {
			number = window.base + randombytes_uniform(40);
			window_advance(&window, number);
			for (uint64_t n = 0; n < number; n++)
				done[n] = true;
		} else if (window_reaches(&window, number)) {
			window_mark(&window, number);
			done[number] = true;
		}
		assert_true(window_ok(&window));
		uint64_t base = window.base > 5 ? window.base - 5 : 0;
		for (uint64_t n = base; n < window.base + MESSAGE_WINDOW; n++)
			assert_int_equal(window_has(&window, n), done[n]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges),
		cmocka_unit_test(impossible_ones_are_known),
		cmocka_unit_test(agrees_with_a_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
