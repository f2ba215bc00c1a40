/* A table link of the dataplane's, and control's end of it, for tests of the link. */
#ifndef CHAPPE_TESTS_TABLE_CONTROL_H
#define CHAPPE_TESTS_TABLE_CONTROL_H

#include "links.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct table_link table;
static int control = -1;
static uint64_t control_seq;
static union {
	struct table_head head;
	uint8_t bytes[TABLE_MESSAGE_BYTES];
} message;

static uint32_t leased[LINKS_DEVICES * 2], leased_count;

static inline void say(enum table_op op, const void *records, uint32_t count, size_t record_bytes)
{
	static uint8_t bytes[TABLE_MESSAGE_BYTES];
	const struct table_head head = { .op = (uint16_t)op, .count = count, .seq = ++control_seq };
	memcpy(bytes, &head, sizeof head);
	if (count)
		memcpy(bytes + sizeof head, records, count * record_bytes);
	const size_t len = sizeof head + count * record_bytes;
	assert_int_equal(send(control, bytes, len, 0), len);
	table_link_receive(&table);
	table_link_turn(&table);
}

/* The next message, which must be of this op; its records. */
static inline const void *hear(enum table_op op)
{
	const ssize_t got = recv(control, message.bytes, sizeof message.bytes, 0);
	assert_true(got >= (ssize_t)sizeof message.head);
	assert_int_equal(table_message_check(message.bytes, (size_t)got, TABLE_TO_CONTROL), 0);
	assert_int_equal(message.head.op, op);
	return message.bytes + sizeof message.head;
}

static inline bool silent(void)
{
	char byte;
	return recv(control, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static inline struct table_ack acked(void)
{
	struct table_ack ack;
	memcpy(&ack, hear(TABLE_ACK), sizeof ack);
	assert_int_equal(message.head.seq, control_seq);
	return ack;
}

static inline void greet(void)
{
	struct table_hello hello = {
		.version = TABLE_VERSION, .relay_public = { 1 }, .reset_secret = { 2 }
	};
	hear(TABLE_HELLO);
	say(TABLE_HELLO, &hello, 1, sizeof hello);
	leased_count = 0;
	for (uint32_t owner = 0; owner < LINKS_WORKERS; owner++) {
		const uint32_t *indices = hear(TABLE_LEASE);
		for (uint32_t i = 0; i < message.head.count; i++) {
			assert_int_equal(wire_index_owner(indices[i]), owner);
			leased[leased_count++] = indices[i];
		}
	}
	do
		hear(TABLE_SESSION_DUMP);
	while (!(message.head.flags & TABLE_LAST));
}

static inline void dial(void)
{
	control = links_connect("table.sock");
	assert_true(control >= 0);
	table_link_accept(&table);
	table_link_turn(&table);
}

static inline void hang_up(void)
{
	close(control);
	control = -1;
	table_link_receive(&table);
	assert_int_equal(table.link.connection, -1);
}

static inline int up(void **state)
{
	(void)state;
	dial();
	greet();
	return 0;
}

static inline int down(void **state)
{
	(void)state;
	if (control >= 0)
		hang_up();
	/* Ends every session and removes every device. */
	tables_sync_begin(dataplane.tables);
	tables_sync_end(dataplane.tables);
	for (int i = 0; i < 10; i++)
		table_link_turn(&table);
	return 0;
}

static inline struct table_install install_of(uint32_t index, uint32_t device)
{
	struct table_install install = { .index = index,
		.device = device,
		.peer_index = 5,
		.suite = WIRE_SUITE_CHACHA20POLY1305,
		.keepalive_s = 25,
		.hard_lifetime_s = 3600,
		.endpoint = { .family = 4 } };
	randombytes_buf(install.receive_key, sizeof install.receive_key);
	randombytes_buf(install.send_key, sizeof install.send_key);
	randombytes_buf(install.response, sizeof install.response);
	return install;
}

static inline void set_device(uint32_t slot)
{
	const struct table_device device = { .slot = slot };
	say(TABLE_DEVICE_SET, &device, 1, sizeof device);
	assert_int_equal(acked().failed, 0);
}

static inline void installed(uint32_t index, uint32_t device)
{
	const struct table_install install = install_of(index, device);
	say(TABLE_SESSION_INSTALL, &install, 1, sizeof install);
	assert_int_equal(acked().failed, 0);
}

/* What a worker does when it has opened the first keepalive. */
static inline void confirm(uint32_t index)
{
	assert_int_equal(rte_ring_enqueue_elem(dataplane.workers[wire_index_owner(index)]->events,
				 &index, sizeof index),
		0);
	table_link_turn(&table);
}

/* Sessions in the dump that comes; of the question seq, 0: unasked. */
static inline uint32_t dumped(uint64_t seq)
{
	uint32_t n = 0;
	do {
		hear(TABLE_SESSION_DUMP);
		if (seq)
			assert_int_equal(message.head.seq, seq);
		n += message.head.count;
	} while (!(message.head.flags & TABLE_LAST));
	return n;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

/* cmocka_run_group_tests() for tests that use the link. */
static inline int table_control_run(const struct CMUnitTest *tests, size_t n)
{
	char error[256] = "";
	const int epoll = epoll_create1(0);
	if (links_make() < 0 || table_link_init(&table, &dataplane) < 0 ||
		link_listen(&table.link, "table.sock", "chappe-control", links_directory, epoll, 1,
			&dataplane.account, error, sizeof error) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	const int failed = _cmocka_run_group_tests("table link", tests, n, NULL, NULL);
	link_close(&table.link);
	table_link_free(&table);
	links_free();
	return failed;
}

#endif
