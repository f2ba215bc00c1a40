#include "table_link.h"

#include "send.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	TABLE_LINK_MESSAGES_PER_TURN = 64,
	TABLE_LINK_EVENTS_PER_TURN = 256, /* of each worker */
	TABLE_LINK_INSTALLS_MAX =         /* of one message */
	(TABLE_MESSAGE_BYTES - sizeof(struct table_head)) / sizeof(struct table_install),
	TABLE_LINK_ROUTES_AHEAD = 16, /* fetched before they are set */
	TABLE_LINK_SLOTS = 1 << WIRE_INDEX_SLOT_BITS,
	TABLE_LINK_DUMP_RECORDS =
		(TABLE_MESSAGE_BYTES - sizeof(struct table_head)) / sizeof(struct table_session),
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

static void table_link_lose(struct table_link *table, const char *why)
{
	link_disconnect(&table->link, why);
	table_link_forget(table);
}

static void table_link_add(struct table_link *table, enum table_op op, uint64_t seq, uint16_t flags,
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

/* Leases up to count indices of an owner and tells control. Returns 0, or -ENOSPC where there is
 * not one left. */
static int table_link_lease(struct table_link *table, uint32_t owner, uint32_t count)
{
	uint32_t indices[TABLE_LINK_LEASES_MAX], n = 0;
	int result = 0;
	while (n < count && n < TABLE_LINK_LEASES_MAX && result == 0) {
		result = tables_lease(table->dataplane->tables, owner, &indices[n]);
		if (result < 0)
			break;
		uint32_t slot = wire_index_slot(indices[n]);
		table->leases[slot] = (struct table_lease){ .index = indices[n], .open = true };
		if (slot >= table->slots)
			table->slots = slot + 1;
		n++;
	}
	if (n > 0)
		table_link_add(table, TABLE_LEASE, 0, 0, indices, n, sizeof *indices);
	return n > 0 || count == 0 ? 0 : result;
}

static void table_link_ask_dump(struct table_link *table, uint64_t seq)
{
	table->dumps[table->dump_count++] = seq;
}

/* All owners' blocks together are at most a quarter of the table. */
static void table_link_greet(struct table_link *table, const struct table_hello *hello)
{
	struct dataplane *dataplane = table->dataplane;
	uint32_t block = dataplane->config.devices / (4 * dataplane->worker_count);
	if (hello->version != TABLE_VERSION) {
		fprintf(stderr, "error table.sock: control speaks version %u, this is %d\n",
			hello->version, TABLE_VERSION);
		table_link_lose(table, "other version");
		return;
	}
	table->greeted = true;
	secrets_set(&dataplane->secrets, hello->relay_public, hello->reset_secret);
	if (block < 1)
		block = 1;
	for (uint32_t owner = 0; owner < dataplane->worker_count; owner++)
		(void)table_link_lease(
			table, owner, block < TABLE_LINK_LEASES ? block : TABLE_LINK_LEASES);
	table_link_ask_dump(table, 0);
}

static int table_link_install(struct table_link *table, const struct table_install *install)
{
	struct dataplane *dataplane = table->dataplane;
	struct table_lease *lease = &table->leases[wire_index_slot(install->index)];
	const struct endpoint *to = &install->endpoint;
	if (!lease->open || lease->index != install->index || to->port >= dataplane->ports.count ||
		(to->family != 4 && to->family != 6))
		return -EINVAL;
	int result = tables_session_install(dataplane->tables, install);
	if (result < 0)
		return result;
	lease->open = false;
	lease->device = install->device;
	/* A response that finds no room is as one lost on the way: the device asks again. */
	(void)send_raw(dataplane, wire_index_owner(install->index), to, install->response,
		sizeof install->response);
	return 0;
}

static int table_link_lease_get(struct table_link *table, const struct table_lease_get *get)
{
	if (get->owner >= table->dataplane->worker_count || get->count > TABLE_LINK_LEASES_MAX)
		return -EINVAL;
	return table_link_lease(table, get->owner, get->count);
}

static int table_link_apply(struct table_link *table, uint16_t op, const void *record)
{
	struct tables *tables = table->dataplane->tables;
	switch (op) {
	case TABLE_DEVICE_SET:
		return tables_device_set(tables, record);
	case TABLE_DEVICE_REMOVE:
		return tables_device_remove(tables, *(const uint32_t *)record);
	case TABLE_ROUTE_SET:
		return tables_route_set(tables, record);
	case TABLE_ROUTE_REMOVE:
		return tables_route_remove(tables, ((const struct table_route *)record)->route);
	case TABLE_SESSION_INSTALL:
		return table_link_install(table, record);
	case TABLE_SESSION_KEEP:
		return tables_session_keep(tables, *(const uint32_t *)record);
	case TABLE_SESSION_REMOVE:
		return tables_session_remove(tables, *(const uint32_t *)record, TABLE_END_REMOVED);
	case TABLE_LEASE_GET:
		return table_link_lease_get(table, record);
	default:
		return -EINVAL;
	}
}

static void table_link_stats(struct table_link *table, uint64_t seq)
{
	const struct dataplane *dataplane = table->dataplane;
	uint64_t values[COUNTER_COUNT];
	for (uint32_t i = 0; i < dataplane->worker_count; i++) {
		for (uint32_t n = 0; n < COUNTER_COUNT; n++)
			values[n] = worker_counter(dataplane->workers[i], (enum counter)n);
		table_link_add(table, TABLE_STATS, seq, 0, values, COUNTER_COUNT, sizeof *values);
	}
	table_link_add(table, TABLE_STATS, seq, TABLE_LAST, dataplane->counters, COUNTER_COUNT,
		sizeof *dataplane->counters);
}

/* Stages are timed as long as somebody asks: who is gone need not switch anything off. */
static void table_link_time_stages(struct table_link *table, bool on)
{
	for (uint32_t i = 0; i < table->dataplane->worker_count; i++)
		__atomic_store_n(&table->dataplane->workers[i]->times.on, on, __ATOMIC_RELAXED);
	table->stages_until = on ? rte_rdtsc() + TABLE_STAGES_S * rte_get_tsc_hz() : 0;
}

static void table_link_stages(struct table_link *table, uint64_t seq)
{
	const struct dataplane *dataplane = table->dataplane;
	struct stage_sum sums[STAGE_COUNT];
	table_link_time_stages(table, true);
	for (uint32_t i = 0; i < dataplane->worker_count; i++) {
		for (uint32_t n = 0; n < STAGE_COUNT; n++)
			sums[n] = stage_time_sum(&dataplane->workers[i]->times, (enum stage)n);
		table_link_add(table, TABLE_STAGES, seq,
			i + 1 == dataplane->worker_count ? TABLE_LAST : 0, sums, STAGE_COUNT,
			sizeof *sums);
	}
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
		if (table->dump_count == TABLE_LINK_DUMPS_MAX)
			return -EBUSY;
		table_link_ask_dump(table, head->seq);
		return 0;
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

static void table_link_confirm(struct table_link *table)
{
	const struct dataplane *dataplane = table->dataplane;
	uint32_t indices[TABLE_LINK_EVENTS_PER_TURN];
	struct table_confirmed confirmed[TABLE_LINK_EVENTS_PER_TURN];
	for (uint32_t i = 0; i < dataplane->worker_count; i++) {
		uint32_t count = 0;
		uint32_t n = rte_ring_sc_dequeue_burst_elem(dataplane->workers[i]->events, indices,
			sizeof *indices, TABLE_LINK_EVENTS_PER_TURN, NULL);
		for (uint32_t k = 0; k < n; k++)
			if (tables_session_confirm(dataplane->tables, indices[k]) == 0)
				confirmed[count++] = (struct table_confirmed){ indices[k],
					table->leases[wire_index_slot(indices[k])].device };
		for (uint32_t k = 0; k < count && table->store; k++)
			store_link_online(table->store, confirmed[k].device);
		if (count > 0 && table->greeted)
			table_link_add(table, TABLE_SESSION_CONFIRMED, 0, 0, confirmed, count,
				sizeof *confirmed);
	}
}

static void table_link_tell_ended(struct table_link *table)
{
	if (table->ended_count > 0 && table->greeted)
		table_link_add(table, TABLE_SESSION_ENDED, 0, 0, table->ended, table->ended_count,
			sizeof *table->ended);
	table->ended_count = 0;
}

static void table_link_ended(void *arg, const struct table_ended *ended)
{
	struct table_link *table = arg;
	table->ended[table->ended_count++] = *ended;
	if (table->ended_count == TABLE_LINK_ENDED_MAX)
		table_link_tell_ended(table);
}

static void table_link_dump(struct table_link *table)
{
	struct table_session sessions[TABLE_LINK_DUMP_RECORDS];
	while (table->dump_count > 0 && table->queue.bytes < TABLE_LINK_QUEUE_BYTES) {
		uint32_t n = tables_session_dump(table->dataplane->tables, &table->dump_cursor,
			sessions, TABLE_LINK_DUMP_RECORDS);
		table_link_add(table, TABLE_SESSION_DUMP, table->dumps[0], n ? 0 : TABLE_LAST,
			sessions, n, sizeof *sessions);
		if (n > 0 || table->dump_count == 0)
			continue;
		table->dump_cursor = 0;
		table->dump_count--;
		memmove(table->dumps, table->dumps + 1, table->dump_count * sizeof *table->dumps);
	}
}

void table_link_turn(struct table_link *table)
{
	table_link_confirm(table);
	if (table->stages_until > 0 && rte_rdtsc() > table->stages_until)
		table_link_time_stages(table, false);
	tables_reclaim(table->dataplane->tables, table_link_ended, table);
	table_link_tell_ended(table);
	table_link_dump(table);
	if (table->link.connection < 0)
		return;
	int result = table_queue_flush(&table->queue, table->link.connection);
	if (result < 0)
		table_link_lose(table, strerror(-result));
}
