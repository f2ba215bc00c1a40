/* Main's side of sessions: what workers find of them, and when. */
#include "tables_rig.h"

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
		TEST(the_dump_tells_what_is_known_of_a_session),
	};
	if (relay_eal() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
