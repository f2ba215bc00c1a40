/* Whole turns of workers: what goes in at one port and what comes out. */
#include "relay.h"

static struct relay relay;

/* The relay forwards inner header and payload as they are, to where the recipient is. */
static void relay_one(const struct endpoint *from, const struct endpoint *to,
	enum wire_suite suite_a, enum wire_suite suite_b, uint32_t len)
{
	struct device_end alice, bob;
	struct datagram datagram;
	uint8_t frame[WIRE_LARGE_BYTES], sent[WIRE_LARGE_BYTES], sealed[WIRE_LARGE_BYTES];

	device_connect(&relay, &alice, 1, 0, suite_a, from);
	device_connect(&relay, &bob, 2, 0, suite_b, to);
	inner_make(frame, len, WIRE_LIVE, bob.route);
	memcpy(sent, frame, len);
	device_send(&relay, &alice, frame, len);
	memcpy(sealed, frame, len);
	const uint64_t relayed = relay_counter(&relay, COUNTER_relayed_frames);
	relay_turn(&relay);
	assert_int_equal(relay_counter(&relay, COUNTER_relayed_frames), relayed + 1);
	assert_true(relay_transmitted(&relay, 0, &datagram));
	assert_int_equal(datagram.len, len);
	assert_true(endpoint_same(&datagram.to, to));
	/* Nothing in common beyond the 16 header bytes. */
	for (uint32_t i = WIRE_TRANSPORT_HEADER_BYTES; i + 8 <= len; i++)
		for (uint32_t j = WIRE_TRANSPORT_HEADER_BYTES; j + 8 <= len; j++)
			assert_true(memcmp(sealed + i, datagram.payload + j, 8) != 0);
	device_open(&bob, &datagram);
	assert_memory_equal(datagram.payload + WIRE_TRANSPORT_HEADER_BYTES,
		sent + WIRE_TRANSPORT_HEADER_BYTES, len - WIRE_TRANSPORT_OVERHEAD_BYTES);
	tables_device_remove(relay.tables, 1);
	tables_device_remove(relay.tables, 2);
	relay_turn(&relay);
	relay_turn(&relay);
	assert_int_equal(relay_waiting(&relay), 0);
}

static void live_frames_are_forwarded_between_all_kinds_of_places(void **state)
{
	static const struct {
		uint8_t family;
		uint16_t vlan;
	} kinds[] = { { 4, 0 }, { 6, 0 }, { 4, RELAY_VLAN }, { 6, RELAY_VLAN } };
	(void)state;
	static const struct relay_options checksums[] = { { .tx_checksum = false },
		{ .tx_checksum = true }, { .udp_unsummed = true },
		{ .tx_checksum = true, .udp_unsummed = true } };
	for (uint32_t by = 0; by < RTE_DIM(checksums); by++) {
		relay_start(&relay, &checksums[by]);
		for (uint32_t i = 0; i < RTE_DIM(kinds); i++) {
			for (uint32_t j = 0; j < RTE_DIM(kinds); j++) {
				const uint16_t port = relay.port_ids[0];
				const struct endpoint from =
					place(port, kinds[i].family, kinds[i].vlan, 10, 1000);
				const struct endpoint to =
					place(port, kinds[j].family, kinds[j].vlan, 11, 1001);
				relay_one(&from, &to, i % 2 + 1, j / 2 + 1,
					j % 2 ? WIRE_LARGE_BYTES : WIRE_SMALL_BYTES);
			}
		}
		relay_stop(&relay);
	}
}

/* One queue, three workers: sessions of the others live from the rings. */
static void frames_are_steered_to_owners_and_leave_by_a_queue(void **state)
{
	struct device_end devices[3];
	uint8_t frame[WIRE_SMALL_BYTES];
	struct datagram datagram;

	(void)state;
	relay_start(&relay, &(struct relay_options){ .workers = 3, .queues = 1 });
	for (uint32_t i = 0; i < 3; i++) {
		const struct endpoint at =
			place(relay.port_ids[0], 4, 0, (uint8_t)(10 + i), (uint16_t)(1000 + i));
		device_connect(&relay, &devices[i], i, i, WIRE_SUITE_AES256GCM, &at);
	}
	const uint64_t steered = relay_counter(&relay, COUNTER_steered_frames);
	for (uint32_t from = 0; from < 3; from++) {
		for (uint32_t to = 0; to < 3; to++) {
			inner_make(frame, sizeof frame, WIRE_LIVE, devices[to].route);
			device_send(&relay, &devices[from], frame, sizeof frame);
			for (uint32_t turn = 0; turn < 3; turn++)
				relay_turn(&relay);
			assert_true(relay_transmitted(&relay, 0, &datagram));
			device_open(&devices[to], &datagram);
		}
	}
	assert_int_equal(relay_counter(&relay, COUNTER_steered_frames), steered + 6);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(worker_counter(relay.workers[i], COUNTER_relayed_frames), 3);
		assert_int_equal(
			worker_counter(relay.workers[i], COUNTER_egress_frames) > 0, i > 0);
	}
	relay_stop(&relay);
}

static void full_rings_drop_by_name(void **state)
{
	struct device_end alice;
	uint8_t frame[WIRE_SMALL_BYTES];

	(void)state;
	relay_start(&relay, &(struct relay_options){ .workers = 2, .queues = 1 });
	const struct endpoint at = place(relay.port_ids[0], 4, 0, 10, 1000);
	device_connect(&relay, &alice, 1, 1, WIRE_SUITE_AES256GCM, &at);
	/* Worker 1 stands still. */
	for (uint32_t i = 0; i < WORKER_STEER_RING_FRAMES + 40; i++) {
		inner_make(frame, sizeof frame, WIRE_KEEPALIVE, NULL);
		device_send(&relay, &alice, frame, sizeof frame);
		worker_poll(relay.workers[0]);
	}
	assert_int_equal(relay_counter(&relay, COUNTER_drop_steer_full), 41);
	/* Now worker 0 does, and worker 1 has answers to send. */
	for (uint32_t i = 0; i < WORKER_STEER_RING_FRAMES; i++)
		worker_poll(relay.workers[1]);
	for (uint32_t i = 0; i < 40; i++) {
		inner_make(frame, sizeof frame, WIRE_KEEPALIVE, NULL);
		hop_seal(&alice.seal, alice.index, alice.counter++, frame, sizeof frame);
		struct rte_mbuf *mbuf = packet(&relay, &at, frame, sizeof frame);
		mbuf->port = relay.port_ids[0];
		assert_int_equal(stage_classify(relay.workers[0], &mbuf, 1), 1);
		assert_int_equal(rte_ring_sp_enqueue(relay.workers[1]->steer_in[0], mbuf), 0);
		worker_poll(relay.workers[1]);
	}
	assert_int_equal(relay_counter(&relay, COUNTER_drop_egress_full), 40);
	relay_stop(&relay);
}

/* What crossed a ring is looked up again. */
static void a_session_that_ends_while_its_frames_are_in_rings_gets_none(void **state)
{
	struct device_end alice, bob;
	uint8_t frame[WIRE_SMALL_BYTES];

	(void)state;
	relay_start(&relay, &(struct relay_options){ .workers = 2, .queues = 1 });
	const struct endpoint at = place(relay.port_ids[0], 4, 0, 10, 1000);
	device_connect(&relay, &alice, 1, 1, WIRE_SUITE_AES256GCM, &at);
	device_connect(&relay, &bob, 2, 0, WIRE_SUITE_AES256GCM, &at);
	inner_make(frame, sizeof frame, WIRE_KEEPALIVE, NULL);
	device_send(&relay, &alice, frame, sizeof frame);
	worker_poll(relay.workers[0]); /* it lies in the steering ring now */

	struct rte_mbuf *injected = rte_pktmbuf_alloc(relay.pool);
	rte_pktmbuf_append(injected, WIRE_SMALL_BYTES);
	frame_of(injected)->work = FRAME_SEND_SESSION;
	frame_of(injected)->index = bob.index;
	assert_int_equal(rte_ring_sp_enqueue(relay.workers[0]->inject, injected), 0);

	tables_session_remove(relay.tables, alice.index, TABLE_END_REMOVED);
	tables_session_remove(relay.tables, bob.index, TABLE_END_REMOVED);
	for (uint32_t i = 0; i < 4; i++)
		relay_turn(&relay);
	assert_int_equal(relay_counter(&relay, COUNTER_drop_unknown_index), 1);
	assert_int_equal(relay_counter(&relay, COUNTER_drop_stale_session), 1);
	relay_stop(&relay);
}

static void injected_frames_join_the_path(void **state)
{
	struct device_end alice;
	struct datagram datagram;
	uint8_t inner[WIRE_SMALL_BYTES], raw[WIRE_SMALL_BYTES];

	(void)state;
	relay_start(&relay, &(struct relay_options){ .workers = 2, .queues = 1 });
	const struct endpoint at = place(relay.port_ids[0], 6, 0, 10, 1000);
	device_connect(&relay, &alice, 1, 1, WIRE_SUITE_AES256GCM, &at);
	inner_make(inner, sizeof inner, WIRE_CONTROL, NULL);
	for (int sealed = 0; sealed < 2; sealed++) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(relay.pool);
		memset(frame_of(mbuf), 0, sizeof(struct frame));
		memcpy(rte_pktmbuf_append(mbuf, WIRE_SMALL_BYTES), inner, sizeof inner);
		frame_of(mbuf)->work = sealed ? FRAME_SEND_SESSION : FRAME_SEND_RAW;
		frame_of(mbuf)->index = alice.index;
		frame_of(mbuf)->endpoint = at;
		assert_int_equal(rte_ring_sp_enqueue(relay.workers[1]->inject, mbuf), 0);
		relay_turn(&relay);
		relay_turn(&relay);
		assert_true(relay_transmitted(&relay, 0, &datagram));
		assert_true(endpoint_same(&datagram.to, &at));
		assert_int_equal(datagram.len, sizeof inner);
		if (sealed) {
			device_open(&alice, &datagram);
			assert_memory_equal(datagram.payload + WIRE_TRANSPORT_HEADER_BYTES,
				inner + WIRE_TRANSPORT_HEADER_BYTES,
				sizeof inner - WIRE_TRANSPORT_OVERHEAD_BYTES);
		} else {
			memcpy(raw, datagram.payload, sizeof raw);
			assert_memory_equal(raw, inner, sizeof raw);
		}
	}
	assert_int_equal(relay_counter(&relay, COUNTER_injected_frames), 2);
	relay_stop(&relay);
}

static void a_frame_without_room_for_headers_is_dropped(void **state)
{
	(void)state;
	relay_start(&relay, &(struct relay_options){ 0 });
	for (uint8_t family = 4; family <= 6; family += 2) {
		const uint16_t headers = family == 4 ? 14 + 20 + 8 : 14 + 40 + 8;
		for (int missing = 0; missing < 2; missing++) {
			struct rte_mbuf *mbuf = rte_pktmbuf_alloc(relay.pool);
			mbuf->data_off = (uint16_t)(headers - missing);
			assert_non_null(rte_pktmbuf_append(mbuf, WIRE_SMALL_BYTES));
			frame_of(mbuf)->work = FRAME_SEND_RAW;
			frame_of(mbuf)->endpoint = place(relay.port_ids[0], family, 0, 10, 1000);
			assert_int_equal(rte_ring_sp_enqueue(relay.workers[0]->inject, mbuf), 0);
			relay_turn(&relay);
		}
	}
	assert_int_equal(relay_counter(&relay, COUNTER_drop_endpoint), 2);
	assert_int_equal(relay_waiting(&relay), 2);
	relay_stop(&relay);
}

static void control_frames_reach_main_open(void **state)
{
	struct device_end alice;
	uint8_t frame[WIRE_SMALL_BYTES], sent[WIRE_SMALL_BYTES];
	struct rte_mbuf *mbuf = NULL;

	(void)state;
	relay_start(&relay, &(struct relay_options){ 0 });
	const struct endpoint at = place(relay.port_ids[0], 6, 0, 10, 1000);
	device_connect(&relay, &alice, 9, 0, WIRE_SUITE_AES256GCM, &at);
	inner_make(frame, sizeof frame, WIRE_CONTROL, NULL);
	memcpy(sent, frame, sizeof frame);
	device_send(&relay, &alice, frame, sizeof frame);
	relay_turn(&relay);
	assert_int_equal(rte_ring_sc_dequeue(relay.workers[0]->punt, (void **)&mbuf), 0);
	assert_int_equal(frame_of(mbuf)->work, FRAME_PUNT_CONTROL);
	assert_int_equal(frame_of(mbuf)->index, alice.index);
	assert_int_equal(frame_of(mbuf)->device, 9);
	assert_memory_equal(frame_inner(mbuf), sent + WIRE_TRANSPORT_HEADER_BYTES,
		sizeof sent - WIRE_TRANSPORT_OVERHEAD_BYTES);
	rte_pktmbuf_free(mbuf);
	relay_stop(&relay);
}

/* One device that asks all the time takes neither control nor the punt ring from the others. */
static void a_session_sends_so_many_control_frames_a_second(void **state)
{
	enum { PER_S = 64, TOO_MANY = 200 };
	struct device_end alice, bob;
	uint8_t frame[WIRE_SMALL_BYTES];

	(void)state;
	relay_start(&relay, &(struct relay_options){ 0 });
	const struct endpoint at = place(relay.port_ids[0], 4, 0, 10, 1000);
	const struct endpoint other = place(relay.port_ids[0], 4, 0, 11, 1000);
	device_connect(&relay, &alice, 1, 0, WIRE_SUITE_AES256GCM, &at);
	device_connect(&relay, &bob, 2, 0, WIRE_SUITE_AES256GCM, &other);
	struct worker *worker = relay.workers[0];
	const uint64_t hz = worker->tsc_hz;
	worker->tsc_hz = UINT64_MAX; /* it is always the same second */
	for (uint32_t i = 0; i < TOO_MANY; i++) {
		inner_make(frame, sizeof frame, WIRE_CONTROL, NULL);
		device_send(&relay, &alice, frame, sizeof frame);
		relay_turn(&relay);
	}
	assert_int_equal(relay_counter(&relay, COUNTER_punted_controls), PER_S);
	assert_int_equal(relay_counter(&relay, COUNTER_drop_control_rate), TOO_MANY - PER_S);
	inner_make(frame, sizeof frame, WIRE_CONTROL, NULL);
	device_send(&relay, &bob, frame, sizeof frame);
	relay_turn(&relay);
	assert_int_equal(relay_counter(&relay, COUNTER_punted_controls), PER_S + 1);
	worker->tsc_hz = hz; /* another second */
	inner_make(frame, sizeof frame, WIRE_CONTROL, NULL);
	device_send(&relay, &alice, frame, sizeof frame);
	relay_turn(&relay);
	assert_int_equal(relay_counter(&relay, COUNTER_punted_controls), PER_S + 2);
	struct rte_mbuf *mbuf = NULL;
	while (rte_ring_sc_dequeue(worker->punt, (void **)&mbuf) == 0)
		rte_pktmbuf_free(mbuf);
	relay_stop(&relay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_frames_are_forwarded_between_all_kinds_of_places),
		cmocka_unit_test(frames_are_steered_to_owners_and_leave_by_a_queue),
		cmocka_unit_test(full_rings_drop_by_name),
		cmocka_unit_test(a_session_that_ends_while_its_frames_are_in_rings_gets_none),
		cmocka_unit_test(injected_frames_join_the_path),
		cmocka_unit_test(a_frame_without_room_for_headers_is_dropped),
		cmocka_unit_test(control_frames_reach_main_open),
		cmocka_unit_test(a_session_sends_so_many_control_frames_a_second),
	};
	if (relay_eal() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
