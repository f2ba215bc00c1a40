/* Main's side of the tables: what workers find in them, and when. */
#include "relay.h"

#include "dataplane/tables_private.h"
#include <rte_malloc.h>

static struct relay relay;
static struct endpoint home;

struct ended {
	struct table_ended last;
	uint32_t n;
};

static void note_end(void *arg, const struct table_ended *ended)
{
	struct ended *all = arg;
	all->last = *ended;
	all->n++;
}

static int setup(void **state)
{
	(void)state;
	relay_start(&relay, &(struct relay_options){ .workers = 2, .queues = 2 });
	home = place(relay.port_ids[0], 4, 0, 9, 999);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	relay_stop(&relay);
	return 0;
}

static const struct tables_view *view(void)
{
	return tables_view(relay.tables);
}

/* Passes grace periods until everything unlinked is wiped. */
static void reclaim(struct ended *ended)
{
	for (uint32_t turn = 0; turn < 4; turn++) {
		tables_reclaim(relay.tables, note_end, ended);
		for (uint32_t i = 0; i < relay.worker_count; i++)
			rte_rcu_qsbr_quiescent(relay.qsbr, i);
	}
}

static void lease_all(uint32_t *indices, uint32_t *n)
{
	for (*n = 0; tables_lease(relay.tables, *n % 2, &indices[*n]) == 0; ++*n)
		assert_true(*n < 100);
}

static void leases_are_first_in_first_out_and_end_with_enospc(void **state)
{
	uint32_t indices[100], again[100], n, m;

	(void)state;
	lease_all(indices, &n);
	assert_int_equal(n, RELAY_DEVICES + RELAY_DEVICES / 8);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(wire_index_owner(indices[i]), i % 2);
		assert_null(session_of(view(), indices[i]));
		/* 31 out of order: what comes back comes out in that order. */
		assert_int_equal(tables_lease_return(relay.tables, indices[(i * 31) % n]), 0);
		assert_int_equal(tables_lease_return(relay.tables, indices[(i * 31) % n]), -ENOENT);
	}
	lease_all(again, &m);
	assert_int_equal(m, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(wire_index_slot(again[i]), wire_index_slot(indices[(i * 31) % n]));
		assert_int_equal(wire_index_generation(again[i]),
			(wire_index_generation(indices[(i * 31) % n]) + 1) & 63);
	}
	assert_int_equal(tables_lease(relay.tables, 2, &n), -EINVAL);
}

static void generations_begin_at_random(void **state)
{
	uint32_t indices[100], n, different = 0;

	(void)state;
	lease_all(indices, &n);
	for (uint32_t i = 1; i < n; i++)
		different += wire_index_generation(indices[i]) != wire_index_generation(indices[0]);
	assert_true(different > n / 2);
}

static void a_session_is_pending_then_current_then_replaced(void **state)
{
	struct device_end first, second;
	struct ended ended = { .n = 0 };

	(void)state;
	device_install(&relay, &first, 5, 1, WIRE_SUITE_AES256GCM, &home);
	assert_non_null(session_of(view(), first.index));
	assert_int_equal(view()->current[5], SESSION_NONE);
	assert_int_equal(tables_session_confirm(relay.tables, first.index), 0);
	assert_int_equal(tables_session_confirm(relay.tables, first.index), -ENOENT);
	assert_int_equal(view()->current[5], first.index);

	device_install(&relay, &second, 5, 0, WIRE_SUITE_CHACHA20POLY1305, &home);
	assert_int_equal(view()->current[5], first.index);
	assert_int_equal(tables_session_confirm(relay.tables, second.index), 0);
	assert_int_equal(view()->current[5], second.index);

	/* The old one lives on for its last seconds, then ends as replaced. */
	reclaim(&ended);
	assert_int_equal(ended.n, 0);
	const struct session *old = session_of(view(), first.index);
	assert_non_null(old);
	const uint32_t left = old->receive.expires - session_tick(rte_rdtsc());
	assert_true(left <= session_tick(WIRE_OLD_KEYS_S * rte_get_tsc_hz()) + 1);
	assert_true(left > session_tick((WIRE_OLD_KEYS_S - 2) * rte_get_tsc_hz()));
	relay.tables->slots[wire_index_slot(first.index)].deadline = 1;
	reclaim(&ended);
	assert_int_equal(ended.n, 1);
	assert_int_equal(ended.last.index, first.index);
	assert_int_equal(ended.last.device, 5);
	assert_int_equal(ended.last.reason, TABLE_END_REPLACED);
	assert_null(session_of(view(), first.index));
	assert_int_equal(view()->current[5], second.index);
}

static void a_new_pending_session_ends_the_one_before(void **state)
{
	struct device_end first, second;
	struct ended ended = { .n = 0 };

	(void)state;
	device_install(&relay, &first, 5, 1, WIRE_SUITE_AES256GCM, &home);
	device_install(&relay, &second, 5, 1, WIRE_SUITE_AES256GCM, &home);
	assert_null(session_of(view(), first.index));
	assert_int_equal(tables_session_confirm(relay.tables, first.index), -ENOENT);
	reclaim(&ended);
	assert_int_equal(ended.n, 1);
	assert_int_equal(ended.last.index, first.index);
	assert_int_equal(ended.last.reason, TABLE_END_REPLACED);
	assert_int_equal(tables_session_confirm(relay.tables, second.index), 0);
}

static void pending_and_confirmed_sessions_expire(void **state)
{
	struct device_end device;
	struct ended ended = { .n = 0 };

	(void)state;
	device_install(&relay, &device, 1, 0, WIRE_SUITE_AES256GCM, &home);
	struct slot *slot = &relay.tables->slots[wire_index_slot(device.index)];
	const uint64_t hz = rte_get_tsc_hz();
	assert_true(slot->deadline - rte_rdtsc() <= WIRE_PENDING_S * hz);
	slot->deadline = 1;
	reclaim(&ended);
	assert_int_equal(ended.n, 1);
	assert_int_equal(ended.last.reason, TABLE_END_UNCONFIRMED);

	device_install(&relay, &device, 1, 0, WIRE_SUITE_AES256GCM, &home);
	assert_int_equal(tables_session_confirm(relay.tables, device.index), 0);
	slot = &relay.tables->slots[wire_index_slot(device.index)];
	assert_true(slot->deadline - rte_rdtsc() > (WIRE_HARD_LIFETIME_S - 2) * hz);
	slot->deadline = 1;
	reclaim(&ended);
	assert_int_equal(ended.n, 2);
	assert_int_equal(ended.last.reason, TABLE_END_EXPIRED);
	assert_int_equal(view()->current[1], SESSION_NONE);
}

static void an_index_is_used_once_and_its_slot_comes_back_under_another(void **state)
{
	struct device_end device, other;
	struct ended ended = { .n = 0 };
	uint32_t indices[100], n, found = 0;

	(void)state;
	device_install(&relay, &device, 1, 0, WIRE_SUITE_AES256GCM, &home);
	const struct table_install again = { .index = device.index, .suite = WIRE_SUITE_AES256GCM };
	assert_int_equal(tables_session_install(relay.tables, &again), -ENOENT);
	assert_int_equal(tables_session_remove(relay.tables, device.index, TABLE_END_REMOVED), 0);
	assert_int_equal(
		tables_session_remove(relay.tables, device.index, TABLE_END_REMOVED), -ENOENT);
	reclaim(&ended);
	assert_int_equal(ended.last.reason, TABLE_END_REMOVED);
	assert_int_equal(tables_session_install(relay.tables, &again), -ENOENT);
	lease_all(indices, &n);
	for (uint32_t i = 0; i < n; i++) {
		if (wire_index_slot(indices[i]) != wire_index_slot(device.index))
			continue;
		found++;
		assert_int_not_equal(indices[i], device.index);
		const struct table_install install = { .index = indices[i],
			.suite = WIRE_SUITE_AES256GCM };
		assert_int_equal(tables_session_install(relay.tables, &install), 0);
		assert_non_null(session_of(view(), indices[i]));
		assert_null(session_of(view(), device.index));
	}
	assert_int_equal(found, 1);
	(void)other;
}

static bool all_zero(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	while (len > 0 && *at == 0)
		at++, len--;
	return len == 0;
}

static void keys_are_wiped_once_no_worker_can_hold_them(void **state)
{
	struct device_end device;

	(void)state;
	device_install(&relay, &device, 1, 0, WIRE_SUITE_CHACHA20POLY1305, &home);
	struct session *session = session_of(view(), device.index);
	assert_non_null(session);
	assert_memory_equal(session->receive.key.chacha, device.to_relay, WIRE_KEY_BYTES);
	tables_device_remove(relay.tables, 1);
	assert_null(session_of(view(), device.index));
	assert_null(session_to(view(), device.index));
	for (uint32_t i = 0; i < 5; i++)
		tables_reclaim(relay.tables, NULL, NULL);
	/* Worker 1 has passed a quiescent state, worker 0 has not: it may still be sealing. */
	rte_rcu_qsbr_quiescent(relay.qsbr, 1);
	tables_reclaim(relay.tables, NULL, NULL);
	assert_memory_equal(session->receive.key.chacha, device.to_relay, WIRE_KEY_BYTES);
	rte_rcu_qsbr_quiescent(relay.qsbr, 0);
	tables_reclaim(relay.tables, NULL, NULL);
	assert_true(all_zero(&session->receive.key, sizeof session->receive.key));
	assert_true(all_zero(&session->send.key, sizeof session->send.key));
	assert_true(all_zero(&session->send.endpoint, sizeof session->send.endpoint));
}

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

static void the_dump_tells_what_is_known_of_a_session(void **state)
{
	struct device_end devices[5];
	struct table_session out[3];
	uint32_t cursor = 0, n, seen = 0;

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		device_install(&relay, &devices[i], i, i % 2, i % 2 + 1, &home);
	assert_int_equal(tables_session_confirm(relay.tables, devices[2].index), 0);
	session_of(view(), devices[2].index)->receive.head.highest_plus_one = 8;
	session_of(view(), devices[2].index)->send.counter = 5;
	while ((n = tables_session_dump(relay.tables, &cursor, out, 3)) > 0) {
		for (uint32_t i = 0; i < n; i++) {
			const struct device_end *device = &devices[out[i].device];
			assert_int_equal(out[i].index, device->index);
			assert_int_equal(out[i].peer_index, device->peer_index);
			assert_int_equal(out[i].suite, out[i].device % 2 + 1);
			assert_int_equal(out[i].confirmed, out[i].device == 2);
			assert_int_equal(out[i].candidate.family, 0);
			assert_true(endpoint_same(&out[i].endpoint, &home));
			if (out[i].device == 2) {
				assert_int_equal(out[i].highest_received, 7);
				assert_int_equal(out[i].next_to_send, 5);
				assert_in_range(out[i].expires_in_s, 3590, 3600);
			} else {
				assert_in_range(out[i].expires_in_s, 3, 5);
			}
			seen |= 1u << out[i].device;
		}
	}
	assert_int_equal(seen, 31);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(leases_are_first_in_first_out_and_end_with_enospc),
		TEST(generations_begin_at_random),
		TEST(a_session_is_pending_then_current_then_replaced),
		TEST(a_new_pending_session_ends_the_one_before),
		TEST(pending_and_confirmed_sessions_expire),
		TEST(an_index_is_used_once_and_its_slot_comes_back_under_another),
		TEST(keys_are_wiped_once_no_worker_can_hold_them),
		TEST(routes_are_set_changed_and_removed),
		TEST(removing_a_device_removes_its_routes_and_no_others),
		TEST(a_full_route_table_says_so_and_has_room_again_after_a_grace_period),
		TEST(a_sync_removes_what_was_not_named),
		TEST(the_dump_tells_what_is_known_of_a_session),
		TEST(limits_change_in_live_sessions_and_share_classes),
		TEST(sizes_that_do_not_fit_an_index_are_refused),
		TEST(the_memory_asked_for_is_what_is_taken),
	};
	if (relay_eal() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
