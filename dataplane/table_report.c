/* What control is told: sessions that were confirmed, that ended and that there are; counters. */
#include "table_link_private.h"

#include <errno.h>

enum {
	TABLE_LINK_EVENTS_PER_TURN = 256, /* of each worker */
	TABLE_LINK_DUMP_RECORDS =
		(TABLE_MESSAGE_BYTES - sizeof(struct table_head)) / sizeof(struct table_session),
};

void table_link_stats(struct table_link *table, uint64_t seq)
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

void table_link_stages(struct table_link *table, uint64_t seq)
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

void table_link_stages_end(struct table_link *table)
{
	if (table->stages_until > 0 && rte_rdtsc() > table->stages_until)
		table_link_time_stages(table, false);
}

void table_link_confirm(struct table_link *table)
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

void table_link_reclaim(struct table_link *table)
{
	tables_reclaim(table->dataplane->tables, table_link_ended, table);
	table_link_tell_ended(table);
}

int table_link_ask_dump(struct table_link *table, uint64_t seq)
{
	if (table->dump_count == TABLE_LINK_DUMPS_MAX)
		return -EBUSY;
	table->dumps[table->dump_count++] = seq;
	return 0;
}

void table_link_dump(struct table_link *table)
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
