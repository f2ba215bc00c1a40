/* Segments that hold little are emptied: what lives in them is copied as it lies, and the index
 * leads to the copy once that is durable. The segment goes once that part of the index is in one of
 * RocksDB's tables: a log that ends early must not lead back to a segment that is gone. */
#include "engine_private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { PAUSE_NS = 1000000 /* so that commits have their turn */ };

/* Whether a segment is worth it: less than half is live; where all is asked for, 15 of 16 parts. */
static bool is_sparse(const struct segment *segment, uint32_t all)
{
	if (!segment->ended || segment->kept || segment->stuck || segment->live == segment->bytes)
		return false;
	if (segment->number <= all)
		return segment->live < segment->bytes - segment->bytes / 16;
	return segment->live < segment->bytes / 2;
}

/* The segment that is being emptied, or the next one that should be. */
static struct segment *choose(struct engine *engine, uint32_t all)
{
	struct segment *next = NULL;

	for (uint32_t at = 0;; at++) {
		struct segment *segment = segments_at(engine->segments, at);
		if (!segment)
			break;
		if (segment->number == engine->emptying.segment)
			return segment;
		if (!next && is_sparse(segment, all))
			next = segment;
	}
	engine->emptying = (struct segment_place){ next ? next->number : 0, 0 };
	return next;
}

struct copy {
	uint64_t number;
	struct segment_place from, to;
	size_t len;
};

struct copies {
	const uint8_t *from;
	uint8_t *to;
	size_t bytes;
	uint32_t count;
	struct copy list[ENGINE_STEP_BYTES / RECORD_SMALL_BYTES];
};

static bool is_at(const struct group_entry *entry, struct segment_place place)
{
	const struct segment_place at = group_entry_place(entry);

	return at.segment == place.segment && at.offset == place.offset;
}

static bool is_live(
	struct engine *engine, struct group *group, uint64_t number, struct segment_place place)
{
	if (group->number != group_of(number))
		(void)engine_get_group(engine, number, group);
	const struct group_entry *entry = group_find(group, number);
	return entry && is_at(entry, place);
}

/* Gathers the live cells among so many bytes. Returns how many bytes were looked through. */
static size_t gather(struct engine *engine, size_t got, struct copies *copies)
{
	struct group group = { .number = UINT64_MAX };
	size_t at = 0;

	while (at + RECORD_SMALL_BYTES <= got) {
		const struct record_body_bytes *body =
			(const struct record_body_bytes *)&copies->from[at];
		const struct segment_place place = { engine->emptying.segment,
			engine->emptying.offset + (uint32_t)at };
		const size_t len = record_body_length(body);
		if (len == 0 || !is_live(engine, &group, record_body_number(body), place)) {
			at += RECORD_ALIGN; /* the next one begins somewhere behind it */
			continue;
		}
		if (at + len > got)
			break;
		memcpy(&copies->to[copies->bytes], body, len);
		copies->list[copies->count++] =
			(struct copy){ record_body_number(body), place, { 0, 0 }, len };
		copies->bytes += len;
		at += len;
	}
	return at;
}

static int compare(const void *left, const void *right)
{
	const struct copy *a = left, *b = right;

	return (a->number > b->number) - (a->number < b->number);
}

/* Leads the index to the copies. */
static int repoint(struct engine *engine, struct copies *copies)
{
	struct group *group;

	qsort(copies->list, copies->count, sizeof *copies->list, compare);
	for (uint32_t i = 0; i < copies->count; i++) {
		const struct copy *copy = &copies->list[i];
		if (engine_open_group(engine, copy->number, &group) < 0)
			continue;
		struct group_entry *entry = group_find(group, copy->number);
		if (!entry || !is_at(entry, copy->from))
			continue;
		group_entry_set_place(entry, copy->to, copy->len);
		engine_group_changed(engine, group);
		segments_release(engine->segments, copy->from, copy->len);
		segments_hold(engine->segments, copy->to, copy->len);
	}
	engine_close_groups(engine);
	engine_put_mark(engine);
	return table_commit(engine->table);
}

static int move(struct engine *engine, struct copies *copies)
{
	struct segment_place place;
	int result = segments_reserve(engine->segments, copies->bytes, &place);

	if (result == 0)
		result = segments_write(engine->segments, copies->to, copies->bytes);
	if (result == 0)
		result = segments_sync(engine->segments);
	for (uint32_t i = 0; i < copies->count; i++) {
		copies->list[i].to = place;
		place.offset += (uint32_t)copies->list[i].len;
	}
	return result == 0 ? repoint(engine, copies) : result;
}

/* Lets go of segments that were emptied. 1 where there may be more to do. */
static int end_flush(struct engine *engine)
{
	const int flushed = table_is_flushed(engine->table);

	if (flushed < 0)
		return flushed;
	for (uint32_t at = 0; flushed && segments_at(engine->segments, at); at++)
		segments_at(engine->segments, at)->moved = false;
	engine->flushing = !flushed;
	(void)segments_remove_empty(engine->segments);
	return 1;
}

static int step(struct engine *engine, struct segment *segment)
{
	struct copies copies = { .from = engine->step, .to = engine->step + ENGINE_STEP_BYTES };
	const ssize_t got =
		segments_scan(engine->segments, engine->emptying, engine->step, ENGINE_STEP_BYTES);

	if (got < 0) { /* a disk that does not read: it stays */
		segment->stuck = true;
		engine->emptying.segment = 0;
		return 1;
	}
	const size_t seen = gather(engine, (size_t)got, &copies);
	segment->moved |= copies.count > 0;
	const int result = copies.count > 0 ? move(engine, &copies) : 0;
	if (result < 0) {
		atomic_store(&engine->failed, result);
		return result;
	}
	engine->emptying.offset += (uint32_t)seen;
	if (got == ENGINE_STEP_BYTES)
		return 1;
	segment = segments_find(engine->segments, engine->emptying.segment);
	segment->stuck = segment->live > 0;
	engine->emptying.segment = 0;
	engine->flushing = segment->moved;
	if (engine->flushing)
		table_flush(engine->table);
	else
		(void)segments_remove_empty(engine->segments);
	return 1;
}

int engine_empty_some(struct engine *engine, uint32_t all)
{
	if (atomic_load(&engine->failed) != 0 || !engine->is_loaded || engine->copying)
		return 0;
	if (engine->flushing)
		return end_flush(engine);
	struct segment *segment = choose(engine, all);
	if (!segment)
		return 0;
	if (!engine->step)
		engine->step = malloc(2 * ENGINE_STEP_BYTES);
	return engine->step ? step(engine, segment) : 0;
}

int engine_compact(struct engine *engine)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	uint32_t all = 0;
	int result = engine->table ? table_compact(engine->table) : atomic_load(&engine->failed);

	for (bool begun = false; result >= 0; begun = true) {
		pthread_mutex_lock(&engine->work);
		if (!begun) {
			segments_end(engine->segments);
			all = segments_last(engine->segments);
			if (engine->is_loaded && !engine->copying)
				(void)segments_remove_empty(engine->segments);
		}
		result = engine_empty_some(engine, all);
		pthread_mutex_unlock(&engine->work);
		if (result == 0)
			return atomic_load(&engine->failed);
		nanosleep(&pause, NULL);
	}
	return result;
}
