#include "numbered.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 64 };

static uint32_t number_at(const void *items, uint32_t at, size_t bytes)
{
	uint32_t number;

	memcpy(&number, (const char *)items + at * bytes, sizeof number);
	return number;
}

/* The position of the first whose number is not below this one. */
static uint32_t position(const void *items, uint32_t count, size_t bytes, uint32_t number)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		if (number_at(items, middle, bytes) < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void *numbered_find(const void *items, uint32_t count, size_t bytes, uint32_t number)
{
	const uint32_t at = position(items, count, bytes, number);

	return at < count && number_at(items, at, bytes) == number
		       ? (char *)(uintptr_t)items + at * bytes
		       : NULL;
}

void *numbered_grow(void *items, uint32_t count, uint32_t *room, size_t bytes)
{
	if (count < *room)
		return items;
	const uint32_t more = *room ? 2 * *room : ROOM_FIRST;
	void *grown = realloc(items, more * bytes);
	if (grown)
		*room = more;
	return grown;
}

void *numbered_insert(void *items, uint32_t count, size_t bytes, uint32_t number)
{
	const uint32_t at = position(items, count, bytes, number);
	char *place = (char *)items + at * bytes;

	memmove(place + bytes, place, (count - at) * bytes);
	return place;
}
