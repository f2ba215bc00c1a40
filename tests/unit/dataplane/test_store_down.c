/* What a chappe-store wants sent, and one that is hostile. */
#include "store_peer.h"

/* ---- What is sent ---- */

static void delivers_to_the_session_of_now(void **state)
{
	(void)state;
	const struct share_down small = down(SHARE_DELIVER, routes[1], 7, CELL_BYTES);
	const struct share_down large = down(SHARE_DELIVER, routes[2], 8, LARGE_BYTES);
	come_online(1);
	come_online(2);
	ask(&small);
	ask(&large);
	(void)store_link_turn(&link_);
	assert_injected(indices[1], small.frame, CELL_BYTES);
	assert_injected(indices[2], large.frame, LARGE_BYTES);
	const uint32_t before = indices[1];
	come_online(1);
	ask(&small);
	(void)store_link_turn(&link_);
	assert_int_not_equal(before, indices[1]);
	assert_injected(indices[1], small.frame, CELL_BYTES);
	assert_int_equal(dataplane.counters[COUNTER_delivered_frames], 3);
	/* Of what passed nothing stays. */
	assert_true(sodium_is_zero((const uint8_t *)&link_.record, sizeof link_.record));
}

static void gives_back_what_nobody_is_there_for(void **state)
{
	uint8_t nowhere[WIRE_ROUTE_BYTES] = { 9 };
	(void)state;
	come_online(1);
	go_offline(1);
	assert_true(told());
	struct share_down record = down(SHARE_DELIVER, routes[1], 7, CELL_BYTES);
	ask(&record);
	record = down(SHARE_DELIVER, nowhere, 7, CELL_BYTES);
	ask(&record);
	(void)store_link_turn(&link_);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_OFFLINE);
	assert_int_equal(event.device, 1);
	assert_memory_equal(event.route, routes[1], WIRE_ROUTE_BYTES);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_NO_ROUTE);
	assert_int_equal(empty_inject_rings(), 0);
	assert_int_equal(dataplane.counters[COUNTER_returned_frames], 1);
}

static void acknowledges_to_the_session_that_sent(void **state)
{
	(void)state;
	come_online(1);
	come_online(2);
	struct share_down record = down(SHARE_SEND, routes[2], 77, WIRE_INNER_HEADER_BYTES);
	record.index = indices[1];
	ask(&record);
	(void)store_link_turn(&link_);
	assert_injected(indices[1], record.frame, CELL_BYTES);
	assert_int_equal(dataplane.counters[COUNTER_accepted_frames], 1);
	/* It has ended since; the slot may be another device's soon. */
	go_offline(1);
	ask(&record);
	record.index = indices[2] ^ 1u << WIRE_INDEX_SLOT_BITS;
	ask(&record);
	record.index = UINT32_MAX;
	ask(&record);
	(void)store_link_turn(&link_);
	assert_int_equal(empty_inject_rings(), 0);
	assert_int_equal(dataplane.counters[COUNTER_drop_stale_session], 3);
}

/* The store has no words of its own: an acknowledgement is its header, a frame is what came. */
static void an_acknowledgement_carries_nothing(void **state)
{
	(void)state;
	come_online(1);
	struct share_down record = down(SHARE_SEND, routes[2], 77, WIRE_INNER_HEADER_BYTES);
	const struct share_down clean = record;
	record.index = indices[1];
	struct wire_inner *inner = (struct wire_inner *)record.frame;
	inner->ttl = 3;
	inner->flags = 1;
	inner->hops = 1;
	memset(inner->payload, 0x55, WIRE_SMALL_PAYLOAD_BYTES);
	ask(&record);
	(void)store_link_turn(&link_);
	assert_injected(indices[1], clean.frame, CELL_BYTES);
}

/* Each waits while its inject ring is full, and all come in the end, in order. */
static void waits_while_a_worker_is_busy(void **state)
{
	enum { FRAMES = WORKER_INJECT_RING_FRAMES + 500 };
	(void)state;
	come_online(1);
	for (uint64_t id = 0; id < FRAMES; id++) {
		const struct share_down record = down(SHARE_DELIVER, routes[1], id, CELL_BYTES);
		ask(&record);
	}
	for (uint32_t i = 0; i < 10; i++)
		(void)store_link_turn(&link_);
	const struct rte_ring *inject = dataplane.workers[wire_index_owner(indices[1])]->inject;
	/* Room for control's answers is left. */
	assert_true(rte_ring_free_count(inject) >= STORE_INJECT_RESERVE_FRAMES - 1);
	assert_true(rte_ring_count(inject) > WORKER_INJECT_RING_FRAMES / 2);
	uint64_t expected = 0;
	struct rte_mbuf *mbuf;
	for (uint32_t i = 0; i < 100; i++) {
		while ((mbuf = injected(wire_index_owner(indices[1]))) != NULL) {
			uint64_t id;
			memcpy(&id, &frame_inner(mbuf)->frame_id, sizeof id);
			assert_int_equal(id, expected++);
			rte_pktmbuf_free(mbuf);
		}
		(void)store_link_turn(&link_);
	}
	assert_int_equal(expected, FRAMES);
	assert_int_equal(dataplane.counters[COUNTER_drop_inject_full], 0);
}

/* ---- A hostile store ---- */

static void closes_on_a_record_that_is_none(void **state)
{
	struct share_down bad[12];
	(void)state;
	come_online(1);
	for (uint32_t i = 0; i < RTE_DIM(bad); i++)
		bad[i] = down(SHARE_DELIVER, routes[1], 1, CELL_BYTES);
	struct wire_inner *inner[RTE_DIM(bad)];
	for (uint32_t i = 0; i < RTE_DIM(bad); i++)
		inner[i] = (struct wire_inner *)bad[i].frame;
	bad[0].kind = 0;
	bad[1].kind = SHARE_RESOLVE + 1;
	bad[2].len = 0;
	bad[3].len = CELL_BYTES + 1;
	bad[4].len = UINT16_MAX;
	inner[5]->kind = WIRE_LIVE;
	inner[6]->kind = WIRE_KEEPALIVE;
	inner[7]->flags = 1;
	inner[8]->hops = 1;
	inner[9]->reserved.b[0] = 1;
	bad[10] = down(SHARE_SEND, routes[1], 1, WIRE_INNER_HEADER_BYTES);
	bad[10].index = indices[1];
	((struct wire_inner *)bad[10].frame)->kind = WIRE_CONTROL;
	bad[11] = down(SHARE_SEND, routes[1], 1, WIRE_INNER_HEADER_BYTES);
	bad[11].index = indices[1];
	bad[11].len = LARGE_BYTES;
	for (uint32_t i = 0; i < RTE_DIM(bad); i++) {
		ask(&bad[i]);
		(void)store_link_turn(&link_);
		assert_true(links_closed(peer));
		assert_false(connected());
		assert_int_equal(dataplane.counters[COUNTER_drop_store_record], i + 1);
		assert_int_equal(empty_inject_rings(), 0);
		hang_up();
		dial();
		say_ready(LINK_VERSION);
	}
}

/* Nothing more passes, and nobody is let in any more. */
static void assert_shut(void)
{
	(void)store_link_turn(&link_);
	assert_false(connected());
	assert_true(links_closed(peer));
	assert_int_equal(link_.link.listener, -1);
	for (uint32_t i = 0; i < 100; i++)
		(void)store_link_turn(&link_);
	assert_int_equal(empty_inject_rings(), 0);
	assert_int_equal(links_connect("store.sock"), -1);
}

static void a_broken_down_ring_is_shut_out(void **state)
{
	const struct share_down record = down(SHARE_DELIVER, routes[1], 1, CELL_BYTES);
	(void)state;
	come_online(1);
	for (uint32_t i = 0; i < SHARE_DOWN_SLOTS; i++)
		ask(&record);
	store.down.shared->produced = SHARE_DOWN_SLOTS + 1;
	(void)store_link_turn(&link_);
	assert_shut();
}

static void a_broken_event_ring_is_shut_out(void **state)
{
	const struct share_down record = down(SHARE_RESOLVE, routes[1], 1, WIRE_INNER_HEADER_BYTES);
	(void)state;
	store.events.shared->consumed = 1000;
	ask(&record);
	(void)store_link_turn(&link_);
	assert_shut();
}

static void a_broken_up_ring_is_shut_out(void **state)
{
	(void)state;
	store.up[1].shared->consumed = UINT64_MAX;
	for (uint32_t i = 0; i < SHARE_UP_SLOTS; i++) {
		assert_non_null(ring_claim(&dataplane.workers[1]->store_up));
		ring_publish(&dataplane.workers[1]->store_up);
	}
	assert_null(ring_claim(&dataplane.workers[1]->store_up));
	(void)store_link_turn(&link_);
	assert_shut();
}

/* Random bytes all over the memory: whatever happens, it is an end by name. */
static void random_memory_harms_nothing(void **state)
{
	(void)state;
	come_online(1);
	for (uint32_t round = 0; round < 20; round++) {
		uint8_t *memory = store.memory;
		for (uint32_t i = 0; i < 10000; i++)
			memory[randombytes_uniform((uint32_t)store.bytes)] =
				(uint8_t)randombytes_uniform(256);
		randombytes_buf(store.down.slots, (size_t)SHARE_DOWN_SLOTS * store.down.slot_bytes);
		store.down.shared->produced += randombytes_uniform(SHARE_DOWN_SLOTS);
		(void)store_link_turn(&link_);
		for (uint32_t i = 0; i < 100; i++) {
			struct share_up *slot = ring_claim(&dataplane.workers[0]->store_up);
			if (slot)
				ring_publish(&dataplane.workers[0]->store_up);
			(void)store_link_turn(&link_);
		}
		empty_inject_rings();
	}
	assert_false(connected());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, tear_down)
		TEST(delivers_to_the_session_of_now),
		TEST(gives_back_what_nobody_is_there_for),
		TEST(acknowledges_to_the_session_that_sent),
		TEST(an_acknowledgement_carries_nothing),
		TEST(waits_while_a_worker_is_busy),
		TEST(closes_on_a_record_that_is_none),
		TEST(a_broken_down_ring_is_shut_out),
		TEST(a_broken_event_ring_is_shut_out),
		TEST(a_broken_up_ring_is_shut_out),
		TEST(random_memory_harms_nothing),
	};
	if (!peer_start())
		return 1;
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	links_free();
	return failed;
}
