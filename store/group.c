#include "group.h"

#include <errno.h>

int group_read(struct group *group, uint64_t number, const void *bytes, size_t len)
{
	group->number = number;
	group->count = 0;
	if (len % sizeof *group->entries != 0 || len > sizeof group->entries)
		return -EBADMSG;
	const uint32_t count = (uint32_t)(len / sizeof *group->entries);
	memcpy(group->entries, bytes, len);
	for (uint32_t at = 0; at < count; at++)
		if (group->entries[at].low >= GROUP_NUMBERS ||
			(at > 0 && group->entries[at].low <= group->entries[at - 1].low))
			return -EBADMSG;
	group->count = count;
	return 0;
}

struct group_entry *group_find(struct group *group, uint64_t number)
{
	for (uint32_t at = 0; at < group->count; at++)
		if (group->entries[at].low == number % GROUP_NUMBERS)
			return &group->entries[at];
	return NULL;
}

struct group_entry *group_add(struct group *group, uint64_t number)
{
	const uint8_t low = number % GROUP_NUMBERS;
	uint32_t at = group->count;

	while (at > 0 && group->entries[at - 1].low >= low)
		at--;
	struct group_entry *entry = &group->entries[at];
	if (at < group->count && entry->low == low)
		return entry;
	memmove(entry + 1, entry, (group->count - at) * sizeof *entry);
	group->count++;
	entry->low = low;
	return entry;
}

void group_remove(struct group *group, struct group_entry *entry)
{
	const size_t behind = group->count - 1 - (size_t)(entry - group->entries);

	memmove(entry, entry + 1, behind * sizeof *entry);
	group->count--;
}
