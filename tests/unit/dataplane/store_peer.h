/* A chappe-store that a test plays, and devices that come and go: the main lcore's end is real. */
#ifndef CHAPPE_TESTS_STORE_PEER_H
#define CHAPPE_TESTS_STORE_PEER_H

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

static inline struct link_hello hear_hello(void)
{
	struct link_hello hello = { 0 };
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

static inline void say_ready(uint32_t version)
{
	const struct link_ready ready = { .version = version };
	assert_int_equal(send(peer, &ready, sizeof ready, 0), sizeof ready);
	store_link_receive(&link_);
}

static inline void dial(void)
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

static inline void hang_up(void)
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

static inline bool connected(void)
{
	assert_int_equal(
		dataplane.workers[0]->store_connected, dataplane.workers[1]->store_connected);
	return dataplane.workers[0]->store_connected;
}

static struct share_event event;
static inline bool told(void)
{
	const bool got = ring_take(&store.events, &event);
	assert_true(!got || share_event_ok(&event, LINKS_DEVICES));
	return got;
}

static inline void ask(const struct share_down *record)
{
	struct share_down *slot = ring_claim(&store.down);
	assert_non_null(slot);
	*slot = *record;
	ring_publish(&store.down);
}

static inline struct share_down down(
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

static inline void add_device(uint32_t slot)
{
	const struct table_device set = { .slot = slot };
	struct table_route route = { .device = slot, .flags = CONTROL_ROUTE_LIVE };
	assert_int_equal(tables_device_set(dataplane.tables, &set), 0);
	randombytes_buf(routes[slot], sizeof routes[slot]);
	memcpy(route.route, routes[slot], sizeof route.route);
	assert_int_equal(tables_route_set(dataplane.tables, &route), 0);
}

static inline void come_online(uint32_t slot)
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

static inline void go_offline(uint32_t slot)
{
	assert_int_equal(
		tables_session_remove(dataplane.tables, indices[slot], TABLE_END_REMOVED), 0);
}

static inline struct rte_mbuf *injected(uint32_t worker)
{
	struct rte_mbuf *mbuf = NULL;
	return rte_ring_dequeue(dataplane.workers[worker]->inject, (void **)&mbuf) == 0 ? mbuf
											: NULL;
}

/* The next frame for a session is these bytes. */
static inline void assert_injected(uint32_t index, const uint8_t *inner, uint32_t len)
{
	struct rte_mbuf *mbuf = injected(wire_index_owner(index));
	assert_non_null(mbuf);
	assert_int_equal(frame_of(mbuf)->work, FRAME_SEND_SESSION);
	assert_int_equal(frame_of(mbuf)->index, index);
	assert_int_equal(rte_pktmbuf_data_len(mbuf), len + WIRE_TRANSPORT_OVERHEAD_BYTES);
	assert_memory_equal(frame_inner(mbuf), inner, len);
	rte_pktmbuf_free(mbuf);
}

static inline uint32_t empty_inject_rings(void)
{
	struct rte_mbuf *mbuf;
	uint32_t n = 0;
	for (uint32_t i = 0; i < LINKS_WORKERS; i++)
		for (; (mbuf = injected(i)) != NULL; n++)
			rte_pktmbuf_free(mbuf);
	return n;
}

static inline void no_more(void *arg, const struct table_ended *ended)
{
	(void)arg, (void)ended;
}

static inline int up(void **state)
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

static inline int tear_down(void **state)
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

/* Before the tests of a program. */
static inline bool peer_start(void)
{
	epoll = epoll_create1(0);
	for (uint32_t i = 0; i < LINK_DESCRIPTORS; i++)
		descriptors[i] = -1;
	return links_make() == 0;
}

#endif
