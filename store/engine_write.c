/* A batch becomes durable: cells first, then the index that leads to them. */
#include "engine_private.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

enum {
	PIECE_BYTES = 512 << 10, /* of cells, a write */
	DELIVERED_MAX = 4096,    /* in one record of the table, 96 KiB */
	BLANK_BYTES = 64,        /* about a group of one */
};

static int compare_numbers(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* A group that can't be read stays as it is: a start that finds it damaged makes it anew. */
static void erase(struct engine *engine, struct engine_list *erased)
{
	const uint64_t *numbers = erased->items;
	struct group *group;

	if (erased->count > 1)
		qsort(erased->items, erased->count, sizeof *numbers, compare_numbers);
	for (size_t i = 0; i < erased->count; i++) {
		if (engine_open_group(engine, numbers[i], &group) < 0)
			continue;
		struct group_entry *entry = group_find(group, numbers[i]);
		if (!entry)
			continue;
		segments_release(
			engine->segments, group_entry_place(entry), group_entry_length(entry));
		group_remove(group, entry);
		engine->mark.entries--;
		engine_group_changed(engine, group);
	}
}

static int compare_entries(const void *left, const void *right)
{
	return compare_numbers(&((const struct engine_entry *)left)->number,
		&((const struct engine_entry *)right)->number);
}

static void restore(struct engine *engine, struct engine_list *restored)
{
	const struct engine_entry *entries = restored->items;
	struct group *group;

	if (restored->count > 1)
		qsort(restored->items, restored->count, sizeof *entries, compare_entries);
	for (size_t i = 0; i < restored->count; i++) {
		(void)engine_open_group(engine, entries[i].number, &group);
		const uint32_t before = group->count;
		struct group_entry *entry = group_add(group, entries[i].number);
		engine->mark.entries += group->count - before;
		group_entry_set_place(entry, entries[i].place, entries[i].len);
		entry->index = entries[i].index;
		engine_group_changed(engine, group);
		segments_hold(engine->segments, entries[i].place, entries[i].len);
		engine_mark_number(engine, entries[i].number);
	}
}

/* The group that arrivals go to; the one before is put. */
static struct group *tail_of(struct engine *engine, uint64_t number)
{
	if (engine->tail.number != group_of(number)) {
		engine_close_groups(engine);
		engine->tail.number = group_of(number);
		engine->tail.count = 0;
		if (number % GROUP_NUMBERS != 0) /* begun before */
			(void)engine_get_group(engine, number, &engine->tail);
	}
	engine->tail_changed = true;
	return &engine->tail;
}

static void seal_one(struct group *group, struct record_body_bytes *body, size_t len,
	struct segment_place place, const struct epoch_key *key)
{
	const struct wire_inner *inner = (const struct wire_inner *)body->rest;
	const uint64_t number = record_body_number(body);
	struct group_entry *entry = group_add(group, number);
	struct record_index index = { .epoch = get32(body->epoch),
		.frame_id = get64(inner->frame_id),
		.arrived = get32(body->arrived),
		.ttl = inner->ttl,
		.large = len == RECORD_LARGE_BYTES };

	memcpy(index.route, inner->route, sizeof index.route);
	group_entry_set_place(entry, place, len);
	record_seal_index(&entry->index, number, &index, key);
	record_seal_body(body, key);
}

/* Seals and writes in pieces: the disk writes one while the next is sealed. */
static int write_cells(struct engine *engine, struct engine_batch *batch)
{
	struct segment_place place;
	size_t at = 0, written = 0;

	if (batch->count == 0)
		return 0;
	int result = segments_reserve(engine->segments, batch->bytes, &place);
	for (uint32_t i = 0; i < batch->count && result == 0; i++) {
		struct record_body_bytes *body = (struct record_body_bytes *)&batch->cells[at];
		const size_t len = record_body_length(body);
		seal_one(tail_of(engine, record_body_number(body)), body, len, place,
			batch->keys[i]);
		place.offset += (uint32_t)len;
		at += len;
		engine_mark_number(engine, record_body_number(body));
		if (at - written < PIECE_BYTES && i + 1 < batch->count)
			continue;
		result = segments_write(engine->segments, &batch->cells[written], at - written);
		written = at;
	}
	if (result == 0)
		result = segments_sync(engine->segments);
	if (result == 0)
		segments_hold(engine->segments, place, batch->bytes);
	engine->mark.place = place;
	engine->mark.entries += batch->count;
	return result;
}

/* What a message takes, in place of one: a cell that no index leads to and no key opens, and a
 * record of the table. */
static int write_blank(struct engine *engine)
{
	uint8_t noise[RECORD_SMALL_BYTES];
	struct segment_place place;
	int result = segments_reserve(engine->segments, sizeof noise, &place);

	randombytes_buf(noise, sizeof noise);
	table_put(engine->table, TABLE_BLANK, 0, noise, BLANK_BYTES);
	if (result == 0)
		result = segments_write(engine->segments, noise, sizeof noise);
	place.offset += sizeof noise;
	engine->mark.place = place;
	return result == 0 ? segments_sync(engine->segments) : result;
}

static int compare_delivered(const void *left, const void *right)
{
	const struct engine_delivered *a = left, *b = right;

	if (a->epoch != b->epoch)
		return a->epoch < b->epoch ? -1 : 1;
	return (a->arrived > b->arrived) - (a->arrived < b->arrived);
}

/* Those from `first` on that share epoch and minute, as one record. Returns how many. */
static size_t put_delivered(struct engine *engine, const struct engine_delivered *first,
	size_t left, struct record_delivered_bytes *bytes)
{
	const uint64_t number = (uint64_t)first->arrived << 32 | ++engine->delivered_count;
	uint32_t count = 0;

	bytes->epoch = put32(first->epoch);
	for (; count < left && count < DELIVERED_MAX &&
		compare_delivered(first, first + count) == 0;
		count++)
		bytes->frames[count] = first[count].frame;
	record_seal_delivered(bytes, number, count, first->key);
	table_put(engine->table, TABLE_DELIVERED, number, bytes, record_delivered_length(count));
	return count;
}

static int remember(struct engine *engine, const struct engine_list *list)
{
	struct engine_delivered *delivered = list->items;

	if (list->count == 0)
		return 0;
	const size_t most = list->count < DELIVERED_MAX ? list->count : DELIVERED_MAX;
	struct record_delivered_bytes *bytes = malloc(record_delivered_length((uint32_t)most));
	if (!bytes)
		return -ENOMEM;
	qsort(delivered, list->count, sizeof *delivered, compare_delivered);
	for (size_t at = 0; at < list->count;)
		at += put_delivered(engine, &delivered[at], list->count - at, bytes);
	free(bytes);
	return 0;
}

int engine_write(struct engine *engine, struct engine_batch *batch)
{
	int result = atomic_load(&engine->failed);

	if (result == 0) {
		erase(engine, &batch->erased);
		restore(engine, &batch->restored);
		engine_close_groups(engine);
		if (batch->forget != 0)
			table_erase_below(
				engine->table, TABLE_DELIVERED, (uint64_t)batch->forget << 32);
		result = remember(engine, &batch->delivered);
	}
	if (result == 0)
		result = batch->blank && batch->count == 0 ? write_blank(engine)
							   : write_cells(engine, batch);
	engine_close_groups(engine);
	if (result == 0) {
		engine_put_mark(engine);
		result = table_commit(engine->table);
	} else if (engine->table) {
		table_abandon(engine->table);
	}
	/* A segment that stays costs room, and goes with the next one. */
	if (result == 0 && batch->erased.count > 0 && engine->is_loaded && !engine->copying)
		(void)segments_remove_empty(engine->segments);
	if (result < 0) {
		atomic_store(&engine->failed, result);
		engine_keep(engine, &batch->restored);
	} else {
		batch->bytes = 0; /* sealed they are no secret */
	}
	engine_batch_clear(batch);
	return result;
}

void engine_batch_clear(struct engine_batch *batch)
{
	if (batch->bytes > 0)
		sodium_memzero(batch->cells, batch->bytes);
	if (batch->delivered.count > 0)
		sodium_memzero(batch->delivered.items,
			batch->delivered.count * sizeof(struct engine_delivered));
	batch->bytes = batch->erased.count = batch->delivered.count = batch->restored.count = 0;
	batch->count = batch->forget = 0;
	batch->blank = false;
}
