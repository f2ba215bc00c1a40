/* How far the index has got: durable with each commit, so that a start sees which cells came after
 * it, be it that the process ended between the two or that the last writes of the index are lost.
 * And messages of which the index can't be written, found again by their cells. */
#include "engine_private.h"

#include <errno.h>

struct mark_bytes {
	le64 number, entries;
	le32 segment, offset;
};

void engine_read_mark(struct engine *engine)
{
	struct mark_bytes bytes;

	if (engine->table &&
		table_get(engine->table, TABLE_MARK, 0, &bytes, sizeof bytes) == sizeof bytes)
		engine->mark = (struct engine_mark){ get64(bytes.number), get64(bytes.entries),
			{ get32(bytes.segment), get32(bytes.offset) } };
}

void engine_put_mark(struct engine *engine)
{
	const struct engine_mark *mark = &engine->mark;
	const struct mark_bytes bytes = { put64(mark->number), put64(mark->entries),
		put32(mark->place.segment), put32(mark->place.offset) };

	table_put(engine->table, TABLE_MARK, 0, &bytes, sizeof bytes);
}

void engine_mark_number(struct engine *engine, uint64_t number)
{
	if (number > engine->mark.number)
		engine->mark.number = number;
}

bool engine_is_behind(const struct engine *engine)
{
	const struct segment_place place = engine->mark.place;

	for (uint32_t at = 0;; at++) {
		const struct segment *segment = segments_at(engine->segments, at);
		if (!segment)
			return false;
		if (segment->number > place.segment ||
			(segment->number == place.segment && segment->bytes > place.offset))
			return true;
	}
}

void engine_mark_all(struct engine *engine)
{
	const struct segment *segment;

	for (uint32_t at = 0; (segment = segments_at(engine->segments, at)) != NULL; at++)
		engine->mark.place = (struct segment_place){ segment->number, segment->bytes };
}

void engine_keep(struct engine *engine, const struct engine_list *restored)
{
	const struct engine_entry *entries = restored->items;

	for (size_t i = 0; i < restored->count; i++) {
		struct engine_entry *entry = engine_list_add(&engine->kept, sizeof *entry);
		if (!entry)
			return; /* it can't be read, and is found again at the next start */
		*entry = entries[i];
	}
}

static const struct engine_entry *find_kept(const struct engine *engine, uint64_t number)
{
	const struct engine_entry *entries = engine->kept.items;
	size_t low = 0, high = engine->kept.count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (entries[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < engine->kept.count && entries[low].number == number ? &entries[low] : NULL;
}

int engine_find(struct engine *engine, uint64_t number, struct engine_entry *found)
{
	const struct engine_entry *kept = find_kept(engine, number);
	struct group group;

	if (kept) {
		*found = *kept;
		return 0;
	}
	const int result = engine_get_group(engine, number, &group);
	const struct group_entry *entry = result < 0 ? NULL : group_find(&group, number);
	if (!entry)
		return result < 0 ? result : -ENOENT;
	*found = (struct engine_entry){ number, group_entry_place(entry), group_entry_length(entry),
		entry->index };
	return 0;
}
