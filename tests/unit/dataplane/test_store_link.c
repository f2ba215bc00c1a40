/* The dataplane's main lcore and a chappe-store that is played by the test: as it should be,
 * killed, and hostile. */
#include "links.h"

#include "dataplane/session.h"
#include "src/control_op.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>

#include <cmocka.h>

enum {
	CELL_BYTES = WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES,
	LARGE_BYTES = SHARE_FRAME_MAX_BYTES,
};

static struct store_link link_;
static struct share store; /* the other side's view */
static int peer = -1, descriptors[LINK_DESCRIPTORS], epoll;
static uint8_t routes[LINKS_DEVICES][WIRE_ROUTE_BYTES];
static uint32_t indices[LINKS_DEVICES];

/* ---- The store ---- */

static struct link_hello hear_hello(void)
{
	struct link_hello hello;
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof descriptors)];
	} control;
	struct iovec data = { .iov_base = &hello, .iov_len = sizeof hello };
	struct msghdr message = { .msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control };
	assert_int_equal(recvmsg(peer, &message, MSG_CMSG_CLOEXEC), sizeof hello);
	const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	assert_non_null(head);
	assert_int_equal(head->cmsg_type, SCM_RIGHTS);
	assert_int_equal(head->cmsg_len, CMSG_LEN(sizeof descriptors));
	memcpy(descriptors, CMSG_DATA(head), sizeof descriptors);
	return hello;
}

static void say_ready(uint32_t version)
{
	const struct link_ready ready = { .version = version };
	assert_int_equal(send(peer, &ready, sizeof ready, 0), sizeof ready);
	store_link_receive(&link_);
}

static void dial(void)
{
	peer = links_connect("store.sock");
	assert_true(peer >= 0);
	store_link_accept(&link_);
	const struct link_hello hello = hear_hello();
	assert_int_equal(hello.version, LINK_VERSION);
	assert_int_equal(hello.workers, LINKS_WORKERS);
	assert_int_equal(hello.devices_max, LINKS_DEVICES);
	assert_int_equal(hello.boot, dataplane.boot);
	assert_int_equal(share_map(&store, hello.workers, descriptors[LINK_MEMORY]), 0);
}

static void hang_up(void)
{
	for (uint32_t i = 0; i < LINK_DESCRIPTORS; i++) {
		if (descriptors[i] >= 0)
			close(descriptors[i]);
		descriptors[i] = -1;
	}
	if (peer >= 0)
		close(peer);
	peer = -1;
	share_unmap(&store);
	if (link_.link.connection >= 0)
		store_link_receive(&link_);
	assert_int_equal(link_.link.connection, -1);
}

static bool connected(void)
{
	assert_int_equal(
		dataplane.workers[0]->store_connected, dataplane.workers[1]->store_connected);
	return dataplane.workers[0]->store_connected;
}

static struct share_event event;
static bool told(void)
{
	const bool got = ring_take(&store.events, &event);
	assert_true(!got || share_event_ok(&event, LINKS_DEVICES));
	return got;
}

static void ask(const struct share_down *record)
{
	struct share_down *slot = ring_claim(&store.down);
	assert_non_null(slot);
	*slot = *record;
	ring_publish(&store.down);
}

static struct share_down down(
	enum share_down_kind kind, const uint8_t *route, uint64_t frame_id, uint16_t len)
{
	struct share_down record = { .kind = (uint16_t)kind, .len = len };
	struct wire_inner *inner = (struct wire_inner *)record.frame;
	memset(record.frame, 0xab, len);
	*inner = (struct wire_inner){
		.kind = kind == SHARE_SEND ? WIRE_ACCEPTED : WIRE_STORED,
		.frame_id = { { 0 } },
	};
	memcpy(&inner->frame_id, &frame_id, sizeof frame_id);
	memcpy(inner->route, route, WIRE_ROUTE_BYTES);
	if (kind == SHARE_SEND)
		memset(inner->payload, 0, len - sizeof *inner);
	return record;
}

/* ---- The relay ---- */

static void add_device(uint32_t slot)
{
	const struct table_device set = { .slot = slot };
	struct table_route route = { .device = slot, .flags = CONTROL_ROUTE_LIVE };
	assert_int_equal(tables_device_set(dataplane.tables, &set), 0);
	randombytes_buf(routes[slot], sizeof routes[slot]);
	memcpy(route.route, routes[slot], sizeof route.route);
	assert_int_equal(tables_route_set(dataplane.tables, &route), 0);
}

static void come_online(uint32_t slot)
{
	struct table_install install = { .device = slot,
		.suite = WIRE_SUITE_CHACHA20POLY1305,
		.hard_lifetime_s = 60,
		.endpoint = { .family = 4 } };
	assert_int_equal(tables_lease(dataplane.tables, slot % LINKS_WORKERS, &install.index), 0);
	assert_int_equal(tables_session_install(dataplane.tables, &install), 0);
	assert_int_equal(tables_session_confirm(dataplane.tables, install.index), 0);
	indices[slot] = install.index;
	store_link_online(&link_, slot);
}

static void go_offline(uint32_t slot)
{
	assert_int_equal(
		tables_session_remove(dataplane.tables, indices[slot], TABLE_END_REMOVED), 0);
}

static struct rte_mbuf *injected(uint32_t worker)
{
	struct rte_mbuf *mbuf = NULL;
	return rte_ring_dequeue(dataplane.workers[worker]->inject, (void **)&mbuf) == 0 ? mbuf
											: NULL;
}

/* The next frame for a session is these bytes. */
static void assert_injected(uint32_t index, const uint8_t *inner, uint32_t len)
{
	struct rte_mbuf *mbuf = injected(wire_index_owner(index));
	assert_non_null(mbuf);
	assert_int_equal(frame_of(mbuf)->work, FRAME_SEND_SESSION);
	assert_int_equal(frame_of(mbuf)->index, index);
	assert_int_equal(rte_pktmbuf_data_len(mbuf), len + WIRE_TRANSPORT_OVERHEAD_BYTES);
	assert_memory_equal(frame_inner(mbuf), inner, len);
	rte_pktmbuf_free(mbuf);
}

static uint32_t empty_inject_rings(void)
{
	struct rte_mbuf *mbuf;
	uint32_t n = 0;
	for (uint32_t i = 0; i < LINKS_WORKERS; i++)
		for (; (mbuf = injected(i)) != NULL; n++)
			rte_pktmbuf_free(mbuf);
	return n;
}

static void no_more(void *arg, const struct table_ended *ended)
{
	(void)arg, (void)ended;
}

static int up(void **state)
{
	char error[256] = "";
	(void)state;
	memset(dataplane.counters, 0, sizeof dataplane.counters);
	if (store_link_init(&link_, &dataplane) < 0 ||
		link_listen(&link_.link, "store.sock", "chappe-store", links_directory, epoll, 5,
			&dataplane.account, error, sizeof error) < 0) {
		fprintf(stderr, "%s\n", error);
		return -1;
	}
	for (uint32_t slot = 1; slot <= 3; slot++)
		add_device(slot);
	dial();
	say_ready(LINK_VERSION);
	(void)store_link_turn(&link_);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_RESYNC);
	assert_false(told());
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	hang_up();
	store_link_free(&link_);
	empty_inject_rings();
	for (uint32_t slot = 0; slot < LINKS_DEVICES; slot++)
		(void)tables_device_remove(dataplane.tables, slot);
	for (uint32_t i = 0; i < 10; i++)
		tables_reclaim(dataplane.tables, no_more, NULL);
	return rte_mempool_in_use_count(dataplane.pool) == 0 ? 0 : -1;
}

/* ---- Connections ---- */

static void workers_hand_over_while_a_store_is_ready(void **state)
{
	(void)state;
	assert_true(connected());
	hang_up();
	assert_false(connected());
	dial();
	assert_false(connected());
	say_ready(LINK_VERSION);
	assert_true(connected());
}

static void refuses_another_version(void **state)
{
	(void)state;
	hang_up();
	dial();
	say_ready(LINK_VERSION + 1);
	assert_true(links_closed(peer));
	assert_false(connected());
}

static void refuses_what_is_no_message(void **state)
{
	const uint8_t bytes[100] = { 1 };
	(void)state;
	for (uint32_t len = 1; len < sizeof bytes; len += 3) {
		hang_up();
		dial();
		assert_int_equal(send(peer, bytes, len, 0), len);
		store_link_receive(&link_);
		if (len == sizeof(struct link_ready))
			continue;
		assert_true(links_closed(peer));
		assert_false(connected());
	}
}

static void ready_is_said_once(void **state)
{
	(void)state;
	say_ready(LINK_VERSION);
	assert_true(links_closed(peer));
	assert_false(connected());
}

static void refuses_a_second_store(void **state)
{
	(void)state;
	int second = links_connect("store.sock");
	store_link_accept(&link_);
	assert_true(links_closed(second));
	close(second);
	assert_true(connected());
	assert_false(links_closed(peer));
}

/* A store that was killed in the middle: the next one finds what it had not taken, in order. */
static void the_next_store_goes_on_where_the_last_one_stopped(void **state)
{
	struct share_up record;
	(void)state;
	struct ring *ring = &dataplane.workers[1]->store_up;
	for (uint32_t i = 0; i < 10; i++) {
		struct share_up *slot = ring_claim(ring);
		slot->kind = SHARE_STORED;
		slot->index = i;
		ring_publish(ring);
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_true(ring_take(&store.up[1], &record));
	const struct share_down left = down(SHARE_DELIVER, routes[1], 1, CELL_BYTES);
	come_online(1);
	ask(&left);
	hang_up();
	(void)store_link_turn(&link_);
	assert_injected(indices[1], left.frame, CELL_BYTES);
	dial();
	say_ready(LINK_VERSION);
	for (uint32_t i = 4; i < 10; i++) {
		assert_true(ring_take(&store.up[1], &record));
		assert_int_equal(record.index, i);
	}
	assert_false(ring_take(&store.up[1], &record));
	ask(&left);
	(void)store_link_turn(&link_);
	assert_injected(indices[1], left.frame, CELL_BYTES);
}

static uint32_t bell(void)
{
	uint64_t value;
	uint32_t n = 0;
	while (recv(descriptors[LINK_UP], &value, sizeof value, MSG_DONTWAIT) == sizeof value)
		n++;
	return n;
}

static void rings_while_something_waits(void **state)
{
	struct share_up record;
	(void)state;
	(void)bell();
	assert_false(store_link_turn(&link_));
	assert_int_equal(bell(), 0);
	assert_non_null(ring_claim(&dataplane.workers[1]->store_up));
	ring_publish(&dataplane.workers[1]->store_up);
	assert_true(store_link_turn(&link_));
	assert_int_equal(bell(), 1);
	assert_true(ring_take(&store.up[1], &record));
	(void)store_link_turn(&link_);
	assert_int_equal(bell(), 0);
	come_online(1);
	(void)store_link_turn(&link_);
	assert_int_equal(bell(), 1);
}

/* A store that never reads, and makes its end of everything block. */
static void is_never_blocked_by_the_store(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < LINK_DESCRIPTORS; i++)
		(void)fcntl(descriptors[i], F_SETFL, 0);
	assert_int_equal(eventfd_write(descriptors[LINK_DOWN], UINT64_MAX - 1), 0);
	assert_non_null(ring_claim(&dataplane.workers[0]->store_up));
	ring_publish(&dataplane.workers[0]->store_up);
	for (uint32_t i = 0; i < 100000; i++)
		(void)store_link_turn(&link_);
	assert_true(bell() > 0);
}

/* ---- Events ---- */

static void tells_who_is_online(void **state)
{
	(void)state;
	come_online(1);
	come_online(2);
	for (uint32_t slot = 1; slot <= 2; slot++) {
		assert_true(told());
		assert_int_equal(event.kind, SHARE_ONLINE);
		assert_int_equal(event.device, slot);
	}
	assert_false(told());
	go_offline(1);
	hang_up();
	come_online(3);
	dial();
	say_ready(LINK_VERSION);
	(void)store_link_turn(&link_);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_RESYNC);
	for (uint32_t slot = 2; slot <= 3; slot++) {
		assert_true(told());
		assert_int_equal(event.kind, SHARE_ONLINE);
		assert_int_equal(event.device, slot);
	}
	assert_false(told());
}

static void what_found_no_room_is_made_up_for(void **state)
{
	(void)state;
	come_online(1);
	for (uint32_t i = 0; i < SHARE_EVENT_SLOTS + 10; i++)
		store_link_online(&link_, 1);
	come_online(2);
	uint32_t n = 0;
	for (; told(); n++)
		assert_int_equal(event.device, 1);
	assert_int_equal(n, SHARE_EVENT_SLOTS);
	(void)store_link_turn(&link_);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_RESYNC);
	for (uint32_t slot = 1; slot <= 2; slot++) {
		assert_true(told());
		assert_int_equal(event.kind, SHARE_ONLINE);
		assert_int_equal(event.device, slot);
	}
	assert_false(told());
}

static void control_in_step_means_ask_anew(void **state)
{
	(void)state;
	store_link_resync(&link_);
	(void)store_link_turn(&link_);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_RESYNC);
	assert_false(told());
}

static void answers_where_a_route_leads(void **state)
{
	uint8_t nowhere[WIRE_ROUTE_BYTES] = { 9 };
	(void)state;
	struct share_down record = down(SHARE_RESOLVE, routes[3], 0, WIRE_INNER_HEADER_BYTES);
	ask(&record);
	record = down(SHARE_RESOLVE, nowhere, 0, WIRE_INNER_HEADER_BYTES);
	ask(&record);
	(void)store_link_turn(&link_);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_RESOLVED);
	assert_int_equal(event.device, 3);
	assert_memory_equal(event.route, routes[3], WIRE_ROUTE_BYTES);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_NO_ROUTE);
	assert_memory_equal(event.route, nowhere, WIRE_ROUTE_BYTES);
	assert_false(told());
}

/* An answer waits for room, with what is behind it; nothing is lost. */
static void answers_wait_for_room(void **state)
{
	enum { QUESTIONS = SHARE_DOWN_SLOTS };
	const struct share_down record = down(SHARE_RESOLVE, routes[3], 0, WIRE_INNER_HEADER_BYTES);
	uint32_t answers = 0, asked = 0;
	(void)state;
	for (; asked < QUESTIONS; asked++)
		ask(&record);
	for (uint32_t i = 0; i < 100; i++)
		(void)store_link_turn(&link_);
	for (bool more = true; more;) {
		for (more = false; told(); more = true, answers++)
			assert_int_equal(event.kind, SHARE_RESOLVED);
		(void)store_link_turn(&link_);
	}
	assert_int_equal(answers, asked);
}

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
	struct share_down record = down(SHARE_SEND, routes[2], 77, CELL_BYTES);
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
	struct share_down record = down(SHARE_SEND, routes[2], 77, CELL_BYTES);
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
	bad[10] = down(SHARE_SEND, routes[1], 1, CELL_BYTES);
	bad[10].index = indices[1];
	((struct wire_inner *)bad[10].frame)->kind = WIRE_CONTROL;
	bad[11] = down(SHARE_SEND, routes[1], 1, CELL_BYTES);
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
		TEST(workers_hand_over_while_a_store_is_ready),
		TEST(refuses_another_version),
		TEST(refuses_what_is_no_message),
		TEST(ready_is_said_once),
		TEST(refuses_a_second_store),
		TEST(the_next_store_goes_on_where_the_last_one_stopped),
		TEST(rings_while_something_waits),
		TEST(is_never_blocked_by_the_store),
		TEST(tells_who_is_online),
		TEST(what_found_no_room_is_made_up_for),
		TEST(control_in_step_means_ask_anew),
		TEST(answers_where_a_route_leads),
		TEST(answers_wait_for_room),
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
	epoll = epoll_create1(0);
	for (uint32_t i = 0; i < LINK_DESCRIPTORS; i++)
		descriptors[i] = -1;
	if (links_make() < 0)
		return 1;
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	links_free();
	return failed;
}
