#include "table_link_private.h"

#include "send.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	TABLE_LINK_MESSAGES_PER_TURN = 64,
	TABLE_LINK_INSTALLS_MAX = /* of one message */
	(TABLE_MESSAGE_BYTES - sizeof(struct table_head)) / sizeof(struct table_install),
	TABLE_LINK_ROUTES_AHEAD = 16, /* fetched before they are set */
	TABLE_LINK_SLOTS = 1 << WIRE_INDEX_SLOT_BITS,
};

int table_link_init(struct table_link *table, struct dataplane *dataplane)
{
	memset(table, 0, sizeof *table);
	table->dataplane = dataplane;
	table->link.listener = table->link.connection = -1;
	table->leases = calloc(TABLE_LINK_SLOTS, sizeof *table->leases);
	table->in = malloc(TABLE_MESSAGE_BYTES);
	return table->leases && table->in ? 0 : -ENOMEM;
}

void table_link_free(struct table_link *table)
{
	table_queue_clear(&table->queue);
	free(table->leases);
	free(table->in);
}

/* What was leased and not used goes back: a control that returns gets new ones. */
static void table_link_return_leases(struct table_link *table)
{
	for (uint32_t slot = 0; slot < table->slots; slot++) {
		struct table_lease *lease = &table->leases[slot];
		if (lease->open)
			(void)tables_lease_return(table->dataplane->tables, lease->index);
		lease->open = false;
	}
}

static void table_link_forget(struct table_link *table)
{
	table_link_return_leases(table);
	table_queue_clear(&table->queue);
	table->greeted = false;
	table->dump_count = 0;
}

void table_link_lose(struct table_link *table, const char *why)
{
	link_disconnect(&table->link, why);
	table_link_forget(table);
}

void table_link_add(struct table_link *table, enum table_op op, uint64_t seq, uint16_t flags,
	const void *records, uint32_t count, size_t record_bytes)
{
	if (table_queue_add(&table->queue, op, seq, flags, records, count, record_bytes) < 0)
		table_link_lose(table, "out of memory for what control is to be told");
}

void table_link_accept(struct table_link *table)
{
	const struct dataplane *dataplane = table->dataplane;
	if (!link_accept(&table->link))
		return;
	table_link_forget(table);
	struct table_hello hello = { .version = TABLE_VERSION,
		.owners = dataplane->worker_count,
		.boot = dataplane->boot,
		.devices_max = dataplane->config.devices,
		.routes_per_device = dataplane->config.routes_per_device,
		.suites = dataplane->suites,
		.idle_sleep_us = dataplane->config.idle_sleep_us };
	table_link_add(table, TABLE_HELLO, 0, 0, &hello, 1, sizeof hello);
}

/* Messages without records of their own. */
static int table_link_command(struct table_link *table, const struct table_head *head)
{
	switch (head->op) {
	case TABLE_SYNC_BEGIN:
		tables_sync_begin(table->dataplane->tables);
		return 0;
	case TABLE_SYNC_END:
		tables_sync_end(table->dataplane->tables);
		if (table->store)
			store_link_resync(table->store);
		return 0;
	case TABLE_SESSION_LIST:
		return table_link_ask_dump(table, head->seq);
	case TABLE_STATS_GET:
		table_link_stats(table, head->seq);
		return 0;
	case TABLE_STAGES_GET:
		table_link_stages(table, head->seq);
		return 0;
	default:
		return 0;
	}
}

static void table_link_handle(struct table_link *table, size_t len)
{
	const struct table_head *head = table->in;
	const uint8_t *records = (const uint8_t *)table->in + sizeof *head;
	struct table_ack ack = { .op = head->op };
	if (head->op == TABLE_HELLO) {
		table_link_greet(table, (const void *)records);
		return;
	}
	size_t record_bytes = head->count ? (len - sizeof *head) / head->count : 0;
	int result = head->count ? 0 : table_link_command(table, head);
	if (result < 0)
		ack.failed = 1, ack.error = result;
	for (uint32_t i = 0; i < head->count; i++) {
		if (head->op == TABLE_ROUTE_SET && i + TABLE_LINK_ROUTES_AHEAD < head->count)
			tables_route_prefetch(table->dataplane->tables,
				(const struct table_route *)records + i + TABLE_LINK_ROUTES_AHEAD);
		result = table_link_apply(table, head->op, records + i * record_bytes);
		if (result == 0)
			continue;
		if (ack.failed++ == 0)
			ack.first = i, ack.error = result;
	}
	table_link_add(table, TABLE_ACK, head->seq, 0, &ack, 1, sizeof ack);
}

static bool table_link_receive_one(struct table_link *table)
{
	struct table_head *head = table->in;
	ssize_t got = recv(
		table->link.connection, table->in, TABLE_MESSAGE_BYTES, MSG_DONTWAIT | MSG_TRUNC);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0)
		table_link_lose(table, got ? strerror(errno) : "closed");
	else if (table_message_check(table->in, (size_t)got, TABLE_TO_DATAPLANE) < 0)
		table_link_lose(table, "it sent a message that is not one");
	else if (table->greeted == (head->op == TABLE_HELLO))
		table_link_lose(
			table, table->greeted ? "it said hello twice" : "it did not say hello");
	else
		table_link_handle(table, (size_t)got);
	/* Keys of sessions and the reset secret went through here. */
	if (got > 0 && (size_t)got <= TABLE_MESSAGE_BYTES)
		sodium_memzero(table->in, (size_t)got);
	return table->link.connection >= 0;
}

/* Whether the responses of one more message would find room, whoever owns the sessions: what is not
 * read yet waits in the socket, and control with it. */
static bool table_link_room(const struct table_link *table)
{
	const struct dataplane *dataplane = table->dataplane;
	for (uint32_t i = 0; i < dataplane->worker_count; i++)
		if (!send_room(dataplane, i, TABLE_LINK_INSTALLS_MAX))
			return false;
	return true;
}

void table_link_receive(struct table_link *table)
{
	for (uint32_t i = 0; i < TABLE_LINK_MESSAGES_PER_TURN && table->link.connection >= 0 &&
			     table->queue.bytes < TABLE_LINK_QUEUE_BYTES && table_link_room(table);
		i++)
		if (!table_link_receive_one(table))
			return;
}

void table_link_turn(struct table_link *table)
{
	table_link_confirm(table);
	table_link_stages_end(table);
	table_link_reclaim(table);
	table_link_dump(table);
	if (table->link.connection < 0)
		return;
	int result = table_queue_flush(&table->queue, table->link.connection);
	if (result < 0)
		table_link_lose(table, strerror(-result));
}
