/* The store's tally of rows against what a store counts that was opened anew. */
#include "store_files.h"

#include <errno.h>

static struct store_counts counts(void)
{
	struct store_counts all;

	assert_int_equal(store_counts(store, 0, &all), 0);
	return all;
}

static void reopen(void)
{
	store_close(store);
	assert_int_equal(store_open(directory, &store, error), 0);
}

/* The tally is what is in the files. */
static void check(uint64_t devices, uint64_t revoked, uint64_t routes, uint64_t audits)
{
	for (int i = 0; i < 2; i++) {
		const struct store_counts all = counts();
		assert_int_equal(all.devices, devices);
		assert_int_equal(all.revoked, revoked);
		assert_int_equal(all.routes, routes);
		assert_int_equal(all.audits, audits);
		assert_int_equal(store_commit(store), 0);
		reopen();
	}
}

/* Devices 1, 2 and 3; three routes of each. */
static void add_some(void)
{
	for (uint8_t i = 1; i <= 3; i++) {
		struct store_device device = device_of(i);
		assert_int_equal(store_device_add(store, &device), 0);
		for (uint8_t k = 0; k < 3; k++) {
			const struct store_route route = route_of(i, (uint8_t)(3 * i + k));
			assert_int_equal(store_route_add(store, &route), 0);
		}
	}
}

static void follows_every_change(void **state)
{
	const struct store_route route = route_of(1, 3);
	uint32_t deleted;

	(void)state;
	check(0, 0, 0, 0);
	add_some();
	check(3, 0, 9, 0);
	assert_int_equal(store_route_delete(store, 1, route.route), 0);
	assert_int_equal(store_audit_add(store, 1, "who", "what", "done"), 0);
	check(3, 0, 8, 1);
	assert_int_equal(store_device_revoke(store, 2, 1000), 0);
	check(2, 1, 5, 1);
	assert_int_equal(store_expire(store, 1000 + STORE_REVOKED_KEEP_S - 1, &deleted), 0);
	check(2, 1, 5, 1);
	assert_int_equal(store_expire(store, 1000 + STORE_REVOKED_KEEP_S, &deleted), 0);
	assert_true(deleted >= 1);
	check(2, 0, 5, 1);
}

static void ignores_what_is_refused(void **state)
{
	struct store_device device = device_of(1);
	struct store_route route = route_of(1, 3);

	(void)state;
	add_some();
	assert_int_equal(store_device_add(store, &device), -EEXIST);
	assert_int_equal(store_route_add(store, &route), -EEXIST);
	assert_int_equal(store_route_delete(store, 2, route.route), -ENOENT);
	assert_int_equal(store_device_revoke(store, 9, 1000), -ENOENT);
	check(3, 0, 9, 0);
}

static void goes_back_with_the_transaction(void **state)
{
	(void)state;
	add_some();
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(store_device_revoke(store, 2, 1000), 0);
	assert_int_equal(store_audit_add(store, 1, "who", "what", "done"), 0);
	assert_int_equal(counts().devices, 2);
	assert_int_equal(counts().routes, 6);
	store_rollback(store);
	check(3, 0, 9, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(follows_every_change),
		TEST(ignores_what_is_refused),
		TEST(goes_back_with_the_transaction),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
