/* Sixteen consecutive numbers of the index, as one record of the table: for each message that
 * waits, where its cell lies and what is sealed of it. Arrivals come in such groups, so that the
 * table has a sixteenth of the records. */
#ifndef CHAPPE_STORE_GROUP_H
#define CHAPPE_STORE_GROUP_H

#include "record.h"
#include "segment.h"

enum { GROUP_NUMBERS = 16 };

/* As it lies on disk. */
struct group_entry {
	uint8_t low; /* of the number: below GROUP_NUMBERS */
	le32 segment;
	le32 offset; /* a multiple of RECORD_ALIGN; and 1 where the cell is large */
	struct record_index_bytes index;
};
_Static_assert(sizeof(struct group_entry) == 59, "no padding");

struct group {
	uint64_t number; /* numbers / GROUP_NUMBERS */
	uint32_t count;
	struct group_entry entries[GROUP_NUMBERS]; /* ascending */
};

static inline uint64_t group_of(uint64_t number)
{
	return number / GROUP_NUMBERS;
}

static inline size_t group_bytes(const struct group *group)
{
	return group->count * sizeof *group->entries;
}

/* Takes what was read for a group: 0, or -EBADMSG with an empty group. */
int group_read(struct group *group, uint64_t number, const void *bytes, size_t len);

/* NULL where the number is not there. */
struct group_entry *group_find(struct group *group, uint64_t number);
/* Makes place for a number, or gives the one that is there. */
struct group_entry *group_add(struct group *group, uint64_t number);
void group_remove(struct group *group, struct group_entry *entry);

static inline uint64_t group_entry_number(
	const struct group *group, const struct group_entry *entry)
{
	return group->number * GROUP_NUMBERS + entry->low;
}

static inline struct segment_place group_entry_place(const struct group_entry *entry)
{
	return (struct segment_place){ get32(entry->segment),
		get32(entry->offset) & ~(uint32_t)(RECORD_ALIGN - 1) };
}

static inline size_t group_entry_length(const struct group_entry *entry)
{
	return get32(entry->offset) & 1 ? RECORD_LARGE_BYTES : RECORD_SMALL_BYTES;
}

static inline void group_entry_set_place(
	struct group_entry *entry, struct segment_place place, size_t len)
{
	entry->segment = put32(place.segment);
	entry->offset = put32(place.offset | (len == RECORD_LARGE_BYTES));
}

#endif
