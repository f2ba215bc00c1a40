/* Main's side of the tables: devices, routes, limits, synchronisation, memory. */
#include "tables_rig.h"

#include <rte_malloc.h>

static int look_up(const uint8_t *route, uint32_t *device)
{
	const struct route_table *table = &view()->routes;
	const uint32_t value = route_find(table, route_bucket_of(table, route), route, NULL);
	if (value == ROUTE_NONE)
		return -1;
	*device = route_device(value);
	return (int)route_flags(value);
}

static struct table_route route_of(uint32_t device, uint8_t number, uint32_t flags)
{
	return (struct table_route){
		.route = { number, 1, 2, 3 }, .device = device, .flags = flags
	};
}

static void routes_are_set_changed_and_removed(void **state)
{
	uint32_t device = SESSION_NONE;
	struct table_route route = route_of(3, 1, CONTROL_ROUTE_LIVE);

	(void)state;
	assert_int_equal(tables_route_set(relay.tables, &route), -ENOENT);
	tables_device_set(relay.tables, &(struct table_device){ .slot = 3 });
	tables_device_set(relay.tables, &(struct table_device){ .slot = 4 });
	assert_int_equal(tables_route_set(relay.tables, &route), 0);
	assert_int_equal(look_up(route.route, &device), CONTROL_ROUTE_LIVE);
	assert_int_equal(device, 3);
	route.flags = 0;
	assert_int_equal(tables_route_set(relay.tables, &route), 0);
	assert_int_equal(look_up(route.route, &device), 0);
	route.device = 4;
	assert_int_equal(tables_route_set(relay.tables, &route), -EEXIST);
	const struct route_table *table = &view()->routes;
	uint32_t position = 0;
	assert_int_not_equal(ROUTE_NONE,
		route_find(table, route_bucket_of(table, route.route), route.route, &position));
	const struct route_bucket *bucket = &table->buckets[position / ROUTE_BUCKET_ROUTES];
	const void *key = bucket->routes[position % ROUTE_BUCKET_ROUTES];
	assert_memory_equal(key, route.route, WIRE_ROUTE_BYTES);
	assert_int_equal(tables_route_remove(relay.tables, route.route), 0);
	assert_int_equal(look_up(route.route, &device), -1);
	assert_memory_not_equal(key, route.route, WIRE_ROUTE_BYTES);
	assert_int_equal(tables_route_remove(relay.tables, route.route), -ENOENT);
	assert_int_equal(
		tables_route_set(relay.tables, &(struct table_route){ .device = RELAY_DEVICES }),
		-EINVAL);
}

static void removing_a_device_removes_its_routes_and_no_others(void **state)
{
	uint32_t device = SESSION_NONE;

	(void)state;
	for (uint32_t slot = 0; slot < 4; slot++) {
		tables_device_set(relay.tables, &(struct table_device){ .slot = slot });
		for (uint8_t i = 0; i < 3; i++) {
			struct table_route route = route_of(slot, (uint8_t)(slot * 3 + i), 1);
			assert_int_equal(tables_route_set(relay.tables, &route), 0);
		}
	}
	/* One from the middle of a device's list first. */
	assert_int_equal(tables_route_remove(relay.tables, route_of(0, 2 * 3 + 1, 0).route), 0);
	assert_int_equal(tables_device_remove(relay.tables, 2), 0);
	assert_int_equal(tables_device_remove(relay.tables, 2), -ENOENT);
	for (uint8_t i = 0; i < 12; i++)
		assert_int_equal(look_up(route_of(0, i, 0).route, &device), i / 3 == 2 ? -1 : 1);
}

static void a_full_route_table_says_so_and_has_room_again_after_a_grace_period(void **state)
{
	struct ended ended = { .n = 0 };
	uint32_t n = 0;
	int result = 0;

	(void)state;
	tables_device_set(relay.tables, &(struct table_device){ .slot = 0 });
	for (struct table_route route = route_of(0, 0, 1); n < 1000; n++) {
		memcpy(route.route + 4, &n, sizeof n);
		result = tables_route_set(relay.tables, &route);
		if (result != 0)
			break;
	}
	assert_int_equal(result, -ENOSPC);
	assert_true(n >= RELAY_DEVICES * RELAY_ROUTES_PER_DEVICE);
	struct table_route other = route_of(0, 99, 1);
	assert_int_equal(tables_route_remove(relay.tables, route_of(0, 0, 0).route), 0);
	assert_int_equal(tables_route_set(relay.tables, &other), -ENOSPC);
	reclaim(&ended);
	assert_int_equal(tables_route_set(relay.tables, &other), 0);
}

static void a_sync_removes_what_was_not_named(void **state)
{
	struct device_end named, unnamed, dropped;
	struct ended ended = { .n = 0 };
	uint32_t device = SESSION_NONE;

	(void)state;
	device_install(&relay, &named, 1, 0, WIRE_SUITE_AES256GCM, &home);
	device_install(&relay, &unnamed, 2, 0, WIRE_SUITE_AES256GCM, &home);
	device_install(&relay, &dropped, 3, 0, WIRE_SUITE_AES256GCM, &home);
	struct table_route extra = route_of(1, 1, 1);
	assert_int_equal(tables_route_set(relay.tables, &extra), 0);

	/* A first attempt breaks off: nothing is removed, and what it named counts no more. */
	tables_sync_begin(relay.tables);
	tables_device_set(relay.tables, &(struct table_device){ .slot = 3 });
	assert_int_equal(tables_session_keep(relay.tables, dropped.index), 0);
	assert_non_null(session_of(view(), unnamed.index));

	tables_sync_begin(relay.tables);
	tables_device_set(relay.tables, &(struct table_device){ .slot = 1 });
	tables_device_set(relay.tables, &(struct table_device){ .slot = 2 });
	struct table_route route = { .device = 1, .flags = 0 };
	memcpy(route.route, named.route, sizeof route.route);
	assert_int_equal(tables_route_set(relay.tables, &route), 0);
	assert_int_equal(tables_session_keep(relay.tables, named.index), 0);
	assert_int_equal(tables_session_keep(relay.tables, named.index + 1), -ENOENT);
	assert_non_null(session_of(view(), dropped.index));
	tables_sync_end(relay.tables);

	assert_non_null(session_of(view(), named.index));
	assert_null(session_of(view(), unnamed.index)); /* its device stays, it does not */
	assert_null(session_of(view(), dropped.index)); /* nor does its device */
	assert_int_equal(look_up(named.route, &device), 0);
	assert_int_equal(look_up(extra.route, &device), -1);
	assert_int_equal(look_up(unnamed.route, &device), -1);
	assert_int_equal(look_up(dropped.route, &device), -1);
	reclaim(&ended);
	assert_int_equal(ended.n, 2);
	assert_int_equal(ended.last.reason, TABLE_END_REMOVED);
	assert_int_equal(tables_device_remove(relay.tables, 3), -ENOENT);
}

static void limits_change_in_live_sessions_and_share_classes(void **state)
{
	struct device_end device;

	(void)state;
	device_install(&relay, &device, 1, 0, WIRE_SUITE_AES256GCM, &home);
	const struct session *session = session_of(view(), device.index);
	assert_int_equal(session->receive.limits, LIMIT_NONE);
	struct table_device set = { .slot = 1, .frames_per_s = 100, .bytes_per_s = 5000 };
	assert_int_equal(tables_device_set(relay.tables, &set), 0);
	const uint32_t first = session->receive.limits;
	assert_int_not_equal(first, LIMIT_NONE);
	set.slot = 2;
	assert_int_equal(tables_device_set(relay.tables, &set), 0);
	assert_int_equal(relay.tables->devices[2].limits, first);
	set = (struct table_device){ .slot = 1, .frames_per_s = 101, .bytes_per_s = 5000 };
	assert_int_equal(tables_device_set(relay.tables, &set), 0);
	assert_int_not_equal(session->receive.limits, first);
	/* Every device one of its own: more than there are. */
	struct limits *limits = &relay.tables->limits;
	uint32_t number, taken = 0;
	while (limit_take(limits, relay.qsbr, 1000 + taken, 0, &number) == 0)
		taken++;
	assert_int_equal(taken, LIMIT_CLASSES - 3); /* two in use, and the one without limits */
	set.frames_per_s = 7;
	assert_int_equal(tables_device_set(relay.tables, &set), -ENOSPC);
}

static void sizes_that_do_not_fit_an_index_are_refused(void **state)
{
	struct tables_limits limits = {
		.devices_max = 1864136, .routes_per_device = 1, .owners = 1
	};

	(void)state;
	assert_null(tables_create(&limits, relay.qsbr));
	assert_int_equal(errno, EINVAL);
	limits = (struct tables_limits){
		.devices_max = 1000000, .routes_per_device = 1, .owners = 1
	};
	assert_null(tables_create(&limits, relay.qsbr)); /* 3 GB of 128 MB */
	assert_int_equal(errno, ENOMEM);
}

static void the_memory_asked_for_is_what_is_taken(void **state)
{
	const struct tables_limits limits = {
		.devices_max = 1024, .routes_per_device = 32, .owners = 1
	};
	struct rte_malloc_socket_stats before, after;

	(void)state;
	assert_int_equal(rte_malloc_get_socket_stats(0, &before), 0);
	struct tables *tables = tables_create(&limits, relay.qsbr);
	assert_non_null(tables);
	assert_int_equal(rte_malloc_get_socket_stats(0, &after), 0);
	const double taken = (double)(after.heap_allocsz_bytes - before.heap_allocsz_bytes);
	const double said = (double)tables_memory_bytes(&limits);
	tables_destroy(tables);
	print_message("%.0f bytes taken, %.0f said\n", taken, said);
	assert_true(taken <= said * 1.01);
	assert_true(taken > said * 0.8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(routes_are_set_changed_and_removed),
		TEST(removing_a_device_removes_its_routes_and_no_others),
		TEST(a_full_route_table_says_so_and_has_room_again_after_a_grace_period),
		TEST(a_sync_removes_what_was_not_named),
		TEST(limits_change_in_live_sessions_and_share_classes),
		TEST(sizes_that_do_not_fit_an_index_are_refused),
		TEST(the_memory_asked_for_is_what_is_taken),
	};
	if (relay_eal() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
