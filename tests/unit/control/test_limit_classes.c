/* As many different limits as the dataplane can tell apart, and no more. */
#include "control/limit_classes.h"
#include "tests/unit/src/testing.h"

#include <stdlib.h>

static struct control *control;
static struct config config;

static void enrol(uint32_t slot, int64_t frames_per_s, int64_t bytes_per_s)
{
	struct store_device device = { .id = slot + 1,
		.slot = slot,
		.limits = { STORE_LIMIT_DEFAULT, frames_per_s, bytes_per_s } };

	memcpy(device.key, &device.id, sizeof device.id);
	assert_int_equal(directory_enrol(&control->directory, &device), 0);
}

static bool fit(int64_t frames_per_s, int64_t bytes_per_s)
{
	const struct store_limits limits = { STORE_LIMIT_DEFAULT, frames_per_s, bytes_per_s };

	return limit_classes_fit(control, &limits);
}

static int setup(void **state)
{
	(void)state;
	config_defaults(&config);
	control = calloc(1, sizeof *control);
	if (!control)
		return -1;
	control->config = &config;
	return directory_init(&control->directory);
}

static int teardown(void **state)
{
	(void)state;
	directory_wipe(&control->directory);
	free(control);
	return 0;
}

static void one_more_than_there_are_classes_is_refused(void **state)
{
	(void)state;
	enrol(0, 0, 0); /* takes no class */
	for (uint32_t i = 1; i < TABLE_LIMIT_CLASSES; i++) {
		assert_true(fit(i, 1000));
		enrol(i, i, 1000);
	}
	assert_false(fit(TABLE_LIMIT_CLASSES, 1000));
	assert_false(fit(1, 1001));
	/* What another device has is there, and so is no limit. */
	assert_true(fit(7, 1000));
	assert_true(fit(0, 0));
	assert_true(fit(STORE_LIMIT_DEFAULT, STORE_LIMIT_DEFAULT));
	directory_release(&control->directory, 5);
	assert_true(fit(1, 1001));
}

static void the_default_takes_a_class_too(void **state)
{
	(void)state;
	config.limits.frames_per_s = 12345;
	for (uint32_t i = 1; i < TABLE_LIMIT_CLASSES - 1; i++)
		enrol(i, i, 1000);
	enrol(0, STORE_LIMIT_DEFAULT, STORE_LIMIT_DEFAULT);
	assert_false(fit(1, 1001));
	assert_true(fit(STORE_LIMIT_DEFAULT, 0));
	assert_true(fit(12345, 0));
	assert_false(fit(STORE_LIMIT_DEFAULT, 1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_more_than_there_are_classes_is_refused),
		TEST(the_default_takes_a_class_too),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
