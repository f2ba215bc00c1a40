/* All that is read at start. */
#include "engine_private.h"

#include <errno.h>
#include <stdlib.h>

struct load {
	struct engine *engine;
	const struct engine_visits *visits;
	void *arg;
	uint64_t next;    /* behind all that the index holds */
	uint64_t entries; /* that were read */
	bool damaged;     /* there were others */
};

static int visit_delivered(void *arg, uint64_t number, const void *value, size_t len)
{
	const struct load *load = arg;
	struct record_delivered_bytes *copy = malloc(len > 0 ? len : 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, len);
	/* None of this process takes the number of one that is there. */
	if ((uint32_t)number > load->engine->delivered_count)
		load->engine->delivered_count = (uint32_t)number;
	const int result = load->visits->delivered(load->arg, number, copy, len);
	free(copy);
	return result;
}

static int skip_damaged(void *arg, uint64_t first, uint64_t end)
{
	(void)arg;
	(void)first;
	(void)end;
	return 0; /* repetitions of what it held are new messages */
}

static uint64_t first_number(uint64_t group)
{
	return group > UINT64_MAX / GROUP_NUMBERS ? UINT64_MAX : group * GROUP_NUMBERS;
}

static int visit_group(void *arg, uint64_t number, const void *value, size_t len)
{
	struct load *load = arg;
	struct segments *segments = load->engine->segments;
	struct group group;
	int result = 0;

	if (group_read(&group, number, value, len) < 0) {
		load->next = first_number(number + 1);
		load->damaged = true;
		return load->visits->damaged(load->arg, first_number(number), load->next);
	}
	load->entries += group.count;
	for (uint32_t at = 0; at < group.count && result == 0; at++) {
		const struct group_entry *entry = &group.entries[at];
		segments_hold(segments, group_entry_place(entry), group_entry_length(entry));
		result = load->visits->index(
			load->arg, group_entry_number(&group, entry), &entry->index);
		load->next = group_entry_number(&group, entry) + 1;
	}
	return result;
}

static int damaged_groups(void *arg, uint64_t first, uint64_t end)
{
	struct load *load = arg;

	load->next = first_number(end);
	load->damaged = true;
	return load->visits->damaged(load->arg, first_number(first), load->next);
}

/* With the last block damaged, the cells have been looked through up to the highest number. */
static int end_index(const struct load *load)
{
	const uint64_t known = load->engine->mark.number + 1;
	const bool all_seen = load->next == UINT64_MAX;
	const uint64_t next = all_seen || known > load->next ? known : load->next;

	load->engine->next = next;
	load->engine->ended = load->engine->mark.place;
	return load->visits->ended(load->arg, next, !all_seen && engine_is_behind(load->engine));
}

int engine_load(struct engine *engine, const struct engine_visits *visits, void *arg)
{
	struct load load = { .engine = engine, .visits = visits, .arg = arg };

	if (engine->rebuilding) {
		const int rebuilt = visits->damaged(arg, 0, UINT64_MAX);
		engine_mark_all(engine);
		return rebuilt;
	}
	engine_read_mark(engine);
	const uint64_t entries = engine->mark.entries;
	int result = table_scan(engine->table, TABLE_DELIVERED, 0, UINT64_MAX, visit_delivered,
		skip_damaged, &load);
	if (result == 0)
		result = table_scan(engine->table, TABLE_GROUPS, 0, UINT64_MAX, visit_group,
			damaged_groups, &load);
	/* A table of it is missing, as a list of its files says that ends early. */
	if (result == 0 && !load.damaged && load.entries < entries &&
		engine_lose_table(engine) == 0)
		return -EUCLEAN;
	engine->mark.entries += load.entries - entries; /* what was erased meanwhile is counted */
	if (result == 0)
		result = end_index(&load);
	engine_mark_all(engine);
	return result;
}

void engine_loaded(struct engine *engine, bool complete)
{
	pthread_mutex_lock(&engine->work);
	engine->is_loaded = true;
	engine_rebuilt(engine);
	for (uint32_t at = 0; !complete && segments_at(engine->segments, at); at++)
		segments_at(engine->segments, at)->kept = true;
	if (atomic_load(&engine->failed) == 0)
		(void)segments_remove_empty(engine->segments);
	pthread_mutex_unlock(&engine->work);
}

struct cells {
	uint64_t first, end;
	const struct engine_cell_visits *visits;
	void *arg;
	struct engine_list found; /* struct engine_entry */
};

/* Notes those in a piece of a segment. Returns how many bytes were looked through. */
static int64_t look(struct cells *cells, const uint8_t *bytes, size_t got, struct segment_place at)
{
	size_t done = 0;

	while (done + RECORD_SMALL_BYTES <= got) {
		const struct record_body_bytes *body =
			(const struct record_body_bytes *)&bytes[done];
		const uint64_t number = record_body_number(body);
		const size_t len = record_body_length(body);
		if (done + len > got && got == ENGINE_STEP_BYTES)
			break; /* the next piece begins with it */
		if (len == 0 || done + len > got ||
			!cells->visits->is_one(cells->arg, number, body, len)) {
			done += RECORD_ALIGN;
			continue;
		}
		if (number >= cells->first && number < cells->end) {
			struct engine_entry *entry = engine_list_add(&cells->found, sizeof *entry);
			if (!entry)
				return -ENOMEM;
			*entry = (struct engine_entry){ .number = number,
				.place = { at.segment, at.offset + (uint32_t)done },
				.len = len };
		}
		done += len;
	}
	return (int64_t)done;
}

static int look_through(
	struct engine *engine, struct cells *cells, struct segment_place at, uint8_t *bytes)
{
	for (;;) {
		const ssize_t got = segments_scan(engine->segments, at, bytes, ENGINE_STEP_BYTES);
		if (got < 0) {
			at.offset += ENGINE_STEP_BYTES; /* a block that can't be read */
			struct segment *whole = segments_find(engine->segments, at.segment);
			whole->kept = true;
			if (at.offset >= whole->bytes)
				return 0;
			continue;
		}
		const int64_t done = look(cells, bytes, (size_t)got, at);
		if (done < 0)
			return (int)done;
		at.offset += (uint32_t)(done > 0 ? done : RECORD_ALIGN);
		if (got < ENGINE_STEP_BYTES)
			return 0;
	}
}

/* By number; of copies of the same the last one is used. */
static int compare(const void *left, const void *right)
{
	const struct engine_entry *a = left, *b = right;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	if (a->place.segment != b->place.segment)
		return a->place.segment < b->place.segment ? -1 : 1;
	return (a->place.offset > b->place.offset) - (a->place.offset < b->place.offset);
}

static int visit_found(struct engine *engine, const struct cells *cells)
{
	const struct engine_entry *found = cells->found.items;
	struct record_body_bytes body;
	int result = 0;

	if (cells->found.count > 1)
		qsort(cells->found.items, cells->found.count, sizeof *found, compare);
	for (size_t i = 0; i < cells->found.count && result == 0; i++) {
		if (i + 1 < cells->found.count && found[i + 1].number == found[i].number)
			continue;
		if (segments_scan(engine->segments, found[i].place, &body, found[i].len) ==
			(ssize_t)found[i].len)
			result = cells->visits->cell(
				cells->arg, found[i].number, &body, found[i].len, found[i].place);
	}
	return result;
}

int engine_scan_cells(struct engine *engine, uint64_t first, uint64_t end,
	const struct engine_cell_visits *visits, void *arg)
{
	struct cells cells = { .first = first, .end = end, .visits = visits, .arg = arg };
	/* What came after the mark lies behind it. */
	const struct segment_place none = { 0, 0 },
				   from = first >= engine->next ? engine->ended : none;
	uint8_t *bytes = malloc(ENGINE_STEP_BYTES);
	int result = bytes ? 0 : -ENOMEM;

	for (uint32_t at = 0; result == 0; at++) {
		const struct segment *segment = segments_at(engine->segments, at);
		if (!segment)
			break;
		const struct segment_place begin = { segment->number,
			segment->number == from.segment ? from.offset : 0 };
		if (segment->number >= from.segment)
			result = look_through(engine, &cells, begin, bytes);
	}
	if (result == 0)
		result = visit_found(engine, &cells);
	free(cells.found.items);
	free(bytes);
	return result;
}
