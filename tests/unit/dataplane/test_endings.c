/* One frame through a whole turn: each way to end has its counter. */
#include "relay.h"

#include <rte_cycles.h>

static struct relay relay;

/* One frame in one turn: which counter grows, and what comes out. */
struct ending {
	const char *name;
	void (*prepare)(struct device_end *alice, struct device_end *bob);
	enum wire_kind kind;
	enum counter expected;
	uint32_t out; /* packets on the port afterwards, resets among them */
};

static void nothing(struct device_end *alice, struct device_end *bob)
{
	(void)alice, (void)bob;
}

static void other_slot(struct device_end *alice, struct device_end *bob)
{
	(void)bob;
	alice->index = wire_index(0, 0, tables_view(relay.tables)->slots - 1);
}

static void slot_beyond_the_table(struct device_end *alice, struct device_end *bob)
{
	(void)bob;
	alice->index = wire_index(0, 0, 0x1ffffe);
}

static void other_generation(struct device_end *alice, struct device_end *bob)
{
	(void)bob;
	alice->index ^= 1u << WIRE_INDEX_SLOT_BITS;
}

static void owner_that_is_not_there(struct device_end *alice, struct device_end *bob)
{
	(void)bob;
	alice->index |= 31u << 27;
}

static void wrong_key(struct device_end *alice, struct device_end *bob)
{
	(void)bob;
	alice->to_relay[0] ^= 1;
	assert_int_equal(hop_key_init(&alice->seal, alice->seal.suite, alice->to_relay), 0);
}

static void past_its_lifetime(struct device_end *alice, struct device_end *bob)
{
	(void)bob;
	session_of(tables_view(relay.tables), alice->index)->receive.expires = 1;
}

static void counter_repeated(struct device_end *alice, struct device_end *bob)
{
	(void)bob;
	alice->counter--;
}

static void counter_past_the_last(struct device_end *alice, struct device_end *bob)
{
	(void)bob;
	alice->counter = WIRE_LAST_COUNTER;
}

static void counter_below_the_window(struct device_end *alice, struct device_end *bob)
{
	(void)bob;
	struct session *session = session_of(tables_view(relay.tables), alice->index);
	session->receive.head.highest_plus_one = 100000;
	alice->counter = 1000;
}

/* Of a bucket of one a second, from which so many were taken just now. */
static uint64_t full_after(uint64_t seconds)
{
	return (rte_rdtsc() + seconds * rte_get_tsc_hz()) << LIMIT_TIME_SHIFT;
}

static void over_frames(struct device_end *alice, struct device_end *bob)
{
	(void)bob;
	const struct table_device set = { .slot = alice->slot, .frames_per_s = 1 };
	assert_int_equal(tables_device_set(relay.tables, &set), 0);
	struct session *session = session_of(tables_view(relay.tables), alice->index);
	session->receive.meter.frames_full = full_after(LIMIT_BURST_FRAMES_MIN);
}

static void over_bytes(struct device_end *alice, struct device_end *bob)
{
	(void)bob;
	const struct table_device set = { .slot = alice->slot, .bytes_per_s = 1 };
	assert_int_equal(tables_device_set(relay.tables, &set), 0);
	struct session *session = session_of(tables_view(relay.tables), alice->index);
	session->receive.meter.bytes_full = full_after(LIMIT_BURST_BYTES_MIN - 511);
}

static void within_bytes(struct device_end *alice, struct device_end *bob)
{
	over_bytes(alice, bob);
	session_of(tables_view(relay.tables), alice->index)->receive.meter.bytes_full =
		full_after(LIMIT_BURST_BYTES_MIN - 512);
}

static void session_pending(struct device_end *alice, struct device_end *bob)
{
	(void)bob;
	session_of(tables_view(relay.tables), alice->index)->receive.confirmed = 0;
}

static void unknown_route(struct device_end *alice, struct device_end *bob)
{
	(void)alice;
	bob->route[15] ^= 1;
}

static void stored_only(struct device_end *alice, struct device_end *bob)
{
	struct table_route route = { .device = bob->slot, .flags = 0 };
	(void)alice;
	memcpy(route.route, bob->route, sizeof route.route);
	assert_int_equal(tables_route_set(relay.tables, &route), 0);
}

static void recipient_offline(struct device_end *alice, struct device_end *bob)
{
	(void)alice;
	assert_int_equal(tables_session_remove(relay.tables, bob->index, TABLE_END_REMOVED), 0);
}

static void recipient_ended_meanwhile(struct device_end *alice, struct device_end *bob)
{
	(void)alice;
	session_of(tables_view(relay.tables), bob->index)->send.tag = SESSION_NO_TAG;
}

static void send_counter_used_up(struct device_end *alice, struct device_end *bob)
{
	(void)alice;
	session_of(tables_view(relay.tables), bob->index)->send.counter = WIRE_LAST_COUNTER;
}

static void endpoint_without_port(struct device_end *alice, struct device_end *bob)
{
	(void)alice;
	session_of(tables_view(relay.tables), bob->index)->send.endpoint.port = 31;
}

static void endpoint_beyond_ports(struct device_end *alice, struct device_end *bob)
{
	(void)alice;
	session_of(tables_view(relay.tables), bob->index)->send.endpoint.port = 4096;
}

static void punt_ring_full(struct device_end *alice, struct device_end *bob)
{
	struct rte_mbuf *mbuf = NULL;
	(void)alice, (void)bob;
	while ((mbuf = rte_pktmbuf_alloc(relay.pool)) != NULL &&
		rte_ring_sp_enqueue(relay.workers[0]->punt, mbuf) == 0)
		;
	rte_pktmbuf_free(mbuf);
}

static void transmit_ring_full(struct device_end *alice, struct device_end *bob)
{
	(void)alice, (void)bob;
	struct rte_mbuf *mbuf = NULL;
	while ((mbuf = rte_pktmbuf_alloc(relay.pool)) != NULL &&
		rte_ring_enqueue(relay.tx[0][0], mbuf) == 0)
		;
	rte_pktmbuf_free(mbuf);
}

static void send_ends_at_its_last_counter(struct device_end *alice, struct device_end *bob)
{
	(void)alice;
	session_of(tables_view(relay.tables), bob->index)->send.counter = WIRE_LAST_COUNTER - 1;
}

static void store_connected(struct device_end *alice, struct device_end *bob)
{
	(void)alice, (void)bob;
	relay_connect_store(&relay);
}

static void store_ring_full(struct device_end *alice, struct device_end *bob)
{
	store_connected(alice, bob);
	while (ring_claim(&relay.workers[0]->store_up))
		ring_publish(&relay.workers[0]->store_up);
}

static void store_and_unknown_route(struct device_end *alice, struct device_end *bob)
{
	store_connected(alice, bob);
	unknown_route(alice, bob);
}

static void store_and_removed_device(struct device_end *alice, struct device_end *bob)
{
	store_connected(alice, bob);
	assert_int_equal(tables_device_remove(relay.tables, bob->slot), 0);
}

static void store_and_own_route(struct device_end *alice, struct device_end *bob)
{
	store_connected(alice, bob);
	memcpy(bob->route, alice->route, sizeof bob->route);
}

static void store_ring_full_own_route(struct device_end *alice, struct device_end *bob)
{
	store_ring_full(alice, bob);
	memcpy(bob->route, alice->route, sizeof bob->route);
}

static void store_and_offline(struct device_end *alice, struct device_end *bob)
{
	store_connected(alice, bob);
	recipient_offline(alice, bob);
}

static void store_and_stored_only(struct device_end *alice, struct device_end *bob)
{
	store_connected(alice, bob);
	stored_only(alice, bob);
}

static void store_and_over_frames(struct device_end *alice, struct device_end *bob)
{
	store_connected(alice, bob);
	over_frames(alice, bob);
}

enum { FULL = RELAY_RING_FRAMES - 1 };

static const struct ending endings[] = {
	{ "good", nothing, WIRE_LIVE, COUNTER_relayed_frames, 1 },
	{ "control", nothing, WIRE_CONTROL, COUNTER_punted_controls, 0 },
	{ "keepalive", nothing, WIRE_KEEPALIVE, COUNTER_keepalives, 1 },
	{ "last send counter", send_ends_at_its_last_counter, WIRE_LIVE, COUNTER_relayed_frames,
		1 },
	{ "bytes just enough", within_bytes, WIRE_LIVE, COUNTER_relayed_frames, 1 },
	{ "other slot", other_slot, WIRE_LIVE, COUNTER_drop_unknown_index, 1 },
	{ "no such slot", slot_beyond_the_table, WIRE_LIVE, COUNTER_drop_unknown_index, 1 },
	{ "other generation", other_generation, WIRE_LIVE, COUNTER_drop_unknown_index, 1 },
	{ "no such owner", owner_that_is_not_there, WIRE_LIVE, COUNTER_drop_unknown_index, 1 },
	{ "wrong key", wrong_key, WIRE_LIVE, COUNTER_drop_aead, 1 },
	{ "expired", past_its_lifetime, WIRE_LIVE, COUNTER_drop_expired, 0 },
	{ "replayed", counter_repeated, WIRE_LIVE, COUNTER_drop_replay, 0 },
	{ "past the last counter", counter_past_the_last, WIRE_LIVE, COUNTER_drop_replay, 0 },
	{ "below the window", counter_below_the_window, WIRE_LIVE, COUNTER_drop_replay, 0 },
	{ "over frames", over_frames, WIRE_LIVE, COUNTER_drop_meter, 0 },
	{ "over bytes", over_bytes, WIRE_LIVE, COUNTER_drop_meter, 0 },
	{ "pending", session_pending, WIRE_LIVE, COUNTER_drop_unconfirmed, 0 },
	{ "pending, control", session_pending, WIRE_CONTROL, COUNTER_drop_unconfirmed, 0 },
	{ "accepted from a device", nothing, WIRE_ACCEPTED, COUNTER_drop_inner, 0 },
	{ "kind 0", nothing, 0, COUNTER_drop_inner, 0 },
	{ "kind 7", nothing, 7, COUNTER_drop_inner, 0 },
	{ "stored", nothing, WIRE_STORED, COUNTER_drop_no_store, 0 },
	{ "received", nothing, WIRE_RECEIVED, COUNTER_drop_no_store, 0 },
	{ "stored, to the store", store_connected, WIRE_STORED, COUNTER_stored_frames, 0 },
	{ "stored, offline", store_and_offline, WIRE_STORED, COUNTER_stored_frames, 0 },
	{ "stored, route not live", store_and_stored_only, WIRE_STORED, COUNTER_stored_frames, 0 },
	{ "stored, unknown route", store_and_unknown_route, WIRE_STORED, COUNTER_drop_no_route, 0 },
	{ "stored, removed", store_and_removed_device, WIRE_STORED, COUNTER_drop_no_route, 0 },
	{ "stored, ring full", store_ring_full, WIRE_STORED, COUNTER_drop_store_full, 0 },
	{ "stored, over frames", store_and_over_frames, WIRE_STORED, COUNTER_drop_meter, 0 },
	{ "received, own", store_and_own_route, WIRE_RECEIVED, COUNTER_received_frames, 0 },
	{ "received, another's", store_connected, WIRE_RECEIVED, COUNTER_drop_not_owner, 0 },
	{ "received, unknown", store_and_unknown_route, WIRE_RECEIVED, COUNTER_drop_no_route, 0 },
	{ "received, ring full", store_ring_full_own_route, WIRE_RECEIVED, COUNTER_drop_store_full,
		0 },
	{ "live, store there", store_connected, WIRE_LIVE, COUNTER_relayed_frames, 1 },
	{ "live, ring full", store_ring_full, WIRE_LIVE, COUNTER_relayed_frames, 1 },
	{ "unknown route", unknown_route, WIRE_LIVE, COUNTER_drop_no_route, 0 },
	{ "route not live", stored_only, WIRE_LIVE, COUNTER_drop_not_live, 0 },
	{ "offline", recipient_offline, WIRE_LIVE, COUNTER_drop_offline, 0 },
	{ "ended meanwhile", recipient_ended_meanwhile, WIRE_LIVE, COUNTER_drop_offline, 0 },
	{ "send counter", send_counter_used_up, WIRE_LIVE, COUNTER_drop_send_counter, 0 },
	{ "no such port", endpoint_without_port, WIRE_LIVE, COUNTER_drop_endpoint, 0 },
	{ "port beyond all", endpoint_beyond_ports, WIRE_LIVE, COUNTER_drop_endpoint, 0 },
	{ "punt ring full", punt_ring_full, WIRE_CONTROL, COUNTER_drop_punt_full, 0 },
	{ "transmit queue full", transmit_ring_full, WIRE_LIVE, COUNTER_drop_tx_full, FULL },
};

static void assert_ending(const struct ending *ending)
{
	struct device_end alice, bob;
	uint8_t frame[WIRE_SMALL_BYTES];

	relay_start(&relay, &(struct relay_options){ 0 });
	const struct endpoint a = place(relay.port_ids[0], 4, 0, 10, 1000);
	const struct endpoint b = place(relay.port_ids[0], 6, 0, 11, 1001);
	device_connect(&relay, &alice, 1, 0, WIRE_SUITE_AES256GCM, &a);
	device_connect(&relay, &bob, 2, 0, WIRE_SUITE_CHACHA20POLY1305, &b);
	ending->prepare(&alice, &bob);
	inner_make(frame, sizeof frame, ending->kind, bob.route);
	device_send(&relay, &alice, frame, sizeof frame);
	const uint64_t drops = relay_drops(&relay),
		       before = relay_counter(&relay, ending->expected);
	worker_poll(relay.workers[0]);
	if (relay_counter(&relay, ending->expected) != before + 1 ||
		relay_drops(&relay) - drops != (ending->expected >= COUNTER_drop_not_ip) ||
		relay_waiting(&relay) != ending->out) {
		relay_print(&relay);
		fail_msg("%s: did not end as expected", ending->name);
	}
	relay_stop(&relay);
}

static void every_ending_has_its_name(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(endings); i++)
		assert_ending(&endings[i]);
}

/* A frame that is forged, replayed or garbage leaves no trace in any session. */
static void frames_that_do_not_open_write_nothing(void **state)
{
	struct device_end alice;
	uint8_t frame[WIRE_SMALL_BYTES];
	static uint8_t before[sizeof(struct session)];

	(void)state;
	relay_start(&relay, &(struct relay_options){ 0 });
	const struct endpoint a = place(relay.port_ids[0], 4, 0, 10, 1000);
	device_connect(&relay, &alice, 1, 0, WIRE_SUITE_AES256GCM, &a);
	const struct session *session = session_of(tables_view(relay.tables), alice.index);
	memcpy(before, session, sizeof before);
	for (uint32_t bit = 64; bit < sizeof frame * 8; bit += 37) {
		inner_make(frame, sizeof frame, WIRE_KEEPALIVE, NULL);
		hop_seal(&alice.seal, alice.index, 1000 + bit, frame, sizeof frame);
		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		const struct endpoint spoofed = place(relay.port_ids[0], 6, 0, 77, 7);
		relay_receive(&relay, 0, 0, packet(&relay, &spoofed, frame, sizeof frame));
		worker_poll(relay.workers[0]);
	}
	assert_memory_equal(session, before, sizeof before);
	assert_true(relay_counter(&relay, COUNTER_drop_aead) > 100);
	relay_stop(&relay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_ending_has_its_name),
		cmocka_unit_test(frames_that_do_not_open_write_nothing),
	};
	if (relay_eal() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
