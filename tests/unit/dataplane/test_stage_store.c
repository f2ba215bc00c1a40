/* What goes to the message store, and what does not. */
#include "relay.h"

static struct relay relay;
static struct device_end alice, bob;
static struct share_up record;

static void start(uint32_t workers)
{
	relay_start(&relay, &(struct relay_options){ .workers = workers });
	const struct endpoint a = place(relay.port_ids[0], 4, 0, 10, 1000);
	const struct endpoint b = place(relay.port_ids[0], 6, 0, 11, 1001);
	device_connect(&relay, &alice, 1, 0, WIRE_SUITE_AES256GCM, &a);
	device_connect(&relay, &bob, 2, 0, WIRE_SUITE_CHACHA20POLY1305, &b);
	relay_connect_store(&relay);
}

/* Sends a frame of a kind and keeps what its inner header and payload were. */
static const uint8_t *send_frame(
	struct device_end *from, enum wire_kind kind, const uint8_t *route, uint32_t len)
{
	static uint8_t inner[WIRE_LARGE_BYTES];
	uint8_t frame[WIRE_LARGE_BYTES];

	inner_make(frame, len, kind, route);
	memcpy(inner, frame + WIRE_TRANSPORT_HEADER_BYTES, len - WIRE_TRANSPORT_OVERHEAD_BYTES);
	device_send(&relay, from, frame, len);
	return inner;
}

static bool taken(uint32_t worker)
{
	const bool got = ring_take(&relay.store.up[worker], &record);
	assert_true(!got || share_up_ok(&record, RELAY_DEVICES));
	return got;
}

static void a_stored_frame_is_handed_over_byte_for_byte(void **state)
{
	static const uint32_t lens[] = { WIRE_SMALL_BYTES, WIRE_LARGE_BYTES };

	(void)state;
	start(1);
	for (uint32_t i = 0; i < RTE_DIM(lens); i++) {
		const uint8_t *inner = send_frame(&alice, WIRE_STORED, bob.route, lens[i]);
		worker_poll(relay.workers[0]);
		assert_true(taken(0));
		assert_int_equal(record.kind, SHARE_STORED);
		assert_int_equal(record.len, lens[i] - WIRE_TRANSPORT_OVERHEAD_BYTES);
		assert_int_equal(record.device, bob.slot);
		assert_int_equal(record.index, alice.index);
		assert_memory_equal(record.frame, inner, record.len);
		assert_false(taken(0));
	}
	assert_int_equal(relay_counter(&relay, COUNTER_stored_frames), 2);
	assert_int_equal(relay_waiting(&relay), 0);
	relay_stop(&relay);
}

/* The sender learns nothing: what the store gets is the same, and nothing goes out. */
static void online_offline_and_gone_are_the_same(void **state)
{
	struct share_up first;

	(void)state;
	start(1);
	for (uint32_t i = 0; i < 3; i++) {
		if (i == 1)
			assert_int_equal(
				tables_session_remove(relay.tables, bob.index, TABLE_END_REMOVED),
				0);
		if (i == 2) { /* gone for so long that it has not come back since a restart */
			struct table_route route = { .device = 3 };
			assert_int_equal(tables_device_set(
						 relay.tables, &(struct table_device){ .slot = 3 }),
				0);
			randombytes_buf(bob.route, sizeof bob.route);
			memcpy(route.route, bob.route, sizeof route.route);
			assert_int_equal(tables_route_set(relay.tables, &route), 0);
		}
		send_frame(&alice, WIRE_STORED, bob.route, WIRE_SMALL_BYTES);
		relay_turn(&relay);
		assert_true(taken(0));
		if (i == 0)
			first = record;
		assert_int_equal(record.kind, first.kind);
		assert_int_equal(record.len, first.len);
		assert_int_equal(record.index, first.index);
		assert_int_equal(record.device, i < 2 ? bob.slot : 3);
		assert_int_equal(relay_waiting(&relay), 0);
	}
	assert_int_equal(relay_counter(&relay, COUNTER_stored_frames), 3);
	assert_int_equal(relay_counter(&relay, COUNTER_drop_offline), 0);
	relay_stop(&relay);
}

/* A payload has no place in an acknowledgement, and could be anything. */
static void of_an_acknowledgement_only_the_header_is_handed_over(void **state)
{
	static const uint32_t lens[] = { WIRE_SMALL_BYTES, WIRE_LARGE_BYTES };

	(void)state;
	start(1);
	for (uint32_t i = 0; i < RTE_DIM(lens); i++) {
		const uint8_t *inner = send_frame(&bob, WIRE_RECEIVED, bob.route, lens[i]);
		worker_poll(relay.workers[0]);
		assert_true(taken(0));
		assert_int_equal(record.kind, SHARE_RECEIVED);
		assert_int_equal(record.len, WIRE_INNER_HEADER_BYTES);
		assert_int_equal(record.device, bob.slot);
		assert_int_equal(record.index, bob.index);
		assert_memory_equal(record.frame, inner, WIRE_INNER_HEADER_BYTES);
		for (uint32_t byte = WIRE_INNER_HEADER_BYTES; byte < sizeof record.frame; byte++)
			assert_int_equal(record.frame[byte], 0);
	}
	assert_int_equal(relay_counter(&relay, COUNTER_received_frames), 2);
	relay_stop(&relay);
}

static void only_the_owner_acknowledges(void **state)
{
	(void)state;
	start(1);
	send_frame(&alice, WIRE_RECEIVED, bob.route, WIRE_SMALL_BYTES);
	worker_poll(relay.workers[0]);
	assert_false(taken(0));
	assert_int_equal(relay_counter(&relay, COUNTER_drop_not_owner), 1);
	relay_stop(&relay);
}

/* What the ring has no room for is dropped by name, and live frames do not notice. */
static void a_full_ring_stops_nothing_else(void **state)
{
	struct datagram datagram;
	uint32_t sent = 0;

	(void)state;
	start(1);
	for (; sent < SHARE_UP_SLOTS + 5; sent++) {
		send_frame(&alice, WIRE_STORED, bob.route, WIRE_SMALL_BYTES);
		worker_poll(relay.workers[0]);
	}
	assert_int_equal(relay_counter(&relay, COUNTER_stored_frames), SHARE_UP_SLOTS);
	assert_int_equal(relay_counter(&relay, COUNTER_drop_store_full), 5);
	send_frame(&alice, WIRE_LIVE, bob.route, WIRE_SMALL_BYTES);
	worker_poll(relay.workers[0]);
	assert_true(relay_transmitted(&relay, 0, &datagram));
	device_open(&bob, &datagram);
	assert_true(taken(0));
	send_frame(&alice, WIRE_STORED, bob.route, WIRE_SMALL_BYTES);
	worker_poll(relay.workers[0]);
	assert_int_equal(relay_counter(&relay, COUNTER_stored_frames), SHARE_UP_SLOTS + 1);
	relay_stop(&relay);
}

/* The store says that it has taken what was never there. */
static void a_broken_ring_takes_nothing(void **state)
{
	(void)state;
	start(1);
	const struct ring *up = &relay.workers[0]->store_up;
	up->shared->consumed = UINT64_MAX / 2;
	for (uint32_t i = 0; i < 2 * SHARE_UP_SLOTS; i++) {
		send_frame(&alice, WIRE_STORED, bob.route, WIRE_SMALL_BYTES);
		worker_poll(relay.workers[0]);
	}
	assert_true(up->broken);
	assert_int_equal(relay_counter(&relay, COUNTER_stored_frames), SHARE_UP_SLOTS);
	assert_int_equal(relay_counter(&relay, COUNTER_drop_store_full), SHARE_UP_SLOTS);
	relay_stop(&relay);
}

/* The route in its header does not stay in a buffer that nobody uses. */
static void the_buffer_is_wiped(void **state)
{
	uint8_t frame[WIRE_SMALL_BYTES];
	struct rte_mbuf *mbuf = NULL;

	(void)state;
	start(1);
	inner_make(frame, sizeof frame, WIRE_STORED, bob.route);
	device_send(&relay, &alice, frame, sizeof frame);
	assert_int_equal(rte_ring_dequeue(relay.rx[0][0], (void **)&mbuf), 0);
	assert_int_equal(rte_ring_enqueue(relay.rx[0][0], mbuf), 0);
	const uint8_t *at = rte_pktmbuf_mtod(mbuf, uint8_t *), *end = at + mbuf->data_len;
	worker_poll(relay.workers[0]);
	assert_true(taken(0));
	assert_null(memmem(at, (size_t)(end - at), bob.route, sizeof bob.route));
	relay_stop(&relay);
}

enum { HEADERS_BYTES = 14 + 40 + 8, CHECKSUM_AT = HEADERS_BYTES - 2 };

/* What went out to bob last: its headers without the checksum, and its counter. */
static struct rte_mbuf *gone_out(uint64_t *counter)
{
	struct rte_mbuf *mbuf = NULL;
	assert_int_equal(rte_ring_dequeue(relay.tx[0][0], (void **)&mbuf), 0);
	uint8_t *at = rte_pktmbuf_mtod(mbuf, uint8_t *);
	const struct wire_transport *transport =
		(const struct wire_transport *)(at + HEADERS_BYTES);
	*counter = get64(transport->counter);
	memset(at + CHECKSUM_AT, 0, 2);
	return mbuf;
}

/* On the wire nothing but its ciphertext differs from a live frame's: no header, no length, no
 * counter out of the row. */
static void what_is_delivered_looks_as_what_is_live(void **state)
{
	static const uint32_t lens[] = { WIRE_SMALL_BYTES, WIRE_LARGE_BYTES };
	uint64_t live_counter, stored_counter;

	(void)state;
	start(1);
	for (uint32_t i = 0; i < RTE_DIM(lens); i++) {
		send_frame(&alice, WIRE_LIVE, bob.route, lens[i]);
		worker_poll(relay.workers[0]);
		struct rte_mbuf *live = gone_out(&live_counter);

		send_frame(&alice, WIRE_STORED, bob.route, lens[i]);
		worker_poll(relay.workers[0]);
		assert_true(taken(0));
		/* As send_session() does it for the store. */
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(relay.pool);
		memcpy(rte_pktmbuf_append(mbuf, (uint16_t)lens[i]) + WIRE_TRANSPORT_HEADER_BYTES,
			record.frame, record.len);
		memset(frame_of(mbuf), 0, sizeof(struct frame));
		frame_of(mbuf)->work = FRAME_SEND_SESSION;
		frame_of(mbuf)->index = bob.index;
		assert_int_equal(rte_ring_enqueue(relay.workers[0]->inject, mbuf), 0);
		worker_poll(relay.workers[0]);
		struct rte_mbuf *stored = gone_out(&stored_counter);

		assert_int_equal(stored->pkt_len, live->pkt_len);
		assert_int_equal(stored->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK,
			live->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK);
		assert_memory_equal(rte_pktmbuf_mtod(stored, uint8_t *),
			rte_pktmbuf_mtod(live, uint8_t *),
			HEADERS_BYTES + offsetof(struct wire_transport, counter));
		assert_int_equal(stored_counter, live_counter + 1);
		rte_pktmbuf_free(live);
		rte_pktmbuf_free(stored);
	}
	relay_stop(&relay);
}

/* Every kind at once, in bursts, with two workers: each has a ring of its own, and no frame is
 * missing (relay_stop). */
static void kinds_mix_in_a_burst(void **state)
{
	enum { ROUNDS = 200, BURST = 20 };
	static const enum wire_kind kinds[] = { WIRE_LIVE, WIRE_STORED, WIRE_RECEIVED,
		WIRE_KEEPALIVE };
	uint32_t sent[RTE_DIM(kinds)] = { 0 }, out = 0;
	struct datagram datagram;

	(void)state;
	start(2);
	struct device_end carol;
	const struct endpoint c = place(relay.port_ids[0], 4, 0, 12, 1002);
	device_connect(&relay, &carol, 3, 1, WIRE_SUITE_AES256GCM, &c);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < BURST; i++) {
			const uint32_t kind = randombytes_uniform(RTE_DIM(kinds));
			struct device_end *from = randombytes_uniform(2) ? &alice : &carol;
			send_frame(from, kinds[kind],
				kinds[kind] == WIRE_RECEIVED ? from->route : bob.route,
				WIRE_SMALL_BYTES);
			sent[kind]++;
		}
		relay_turn(&relay);
		relay_turn(&relay);
		while (relay_transmitted(&relay, 0, &datagram))
			out++;
	}
	uint32_t stored = 0, received = 0;
	for (uint32_t worker = 0; worker < 2; worker++) {
		uint32_t n = stored + received;
		while (taken(worker)) {
			stored += record.kind == SHARE_STORED;
			received += record.kind == SHARE_RECEIVED;
		}
		assert_true(stored + received > n);
	}
	assert_int_equal(stored, sent[1]);
	assert_int_equal(received, sent[2]);
	assert_int_equal(out, sent[0] + sent[3]);
	relay_stop(&relay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stored_frame_is_handed_over_byte_for_byte),
		cmocka_unit_test(online_offline_and_gone_are_the_same),
		cmocka_unit_test(of_an_acknowledgement_only_the_header_is_handed_over),
		cmocka_unit_test(only_the_owner_acknowledges),
		cmocka_unit_test(a_full_ring_stops_nothing_else),
		cmocka_unit_test(a_broken_ring_takes_nothing),
		cmocka_unit_test(the_buffer_is_wiped),
		cmocka_unit_test(what_is_delivered_looks_as_what_is_live),
		cmocka_unit_test(kinds_mix_in_a_burst),
	};
	if (relay_eal() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
