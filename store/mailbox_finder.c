#include "mailbox_finder.h"

#include <errno.h>
#include <stdlib.h>

enum {
	ROOM_FIRST = 2 * MAILBOX_LOOKED_AT, /* of a mailbox with a finder */
	HASH_MASK = (1 << MAILBOX_HASH_BITS) - 1,
};

/* A slot is an entry's number 44 bits, hash 20; 0 is an empty one, as numbers begin with 1. Linear
 * probing, at most 3/4 full; mailboxes that grow together get a new one at different times, from
 * half full on, by a byte of their routes. The word in front of the mailbox's entries points to it.
 */
struct finder {
	uint64_t *base;  /* what was allocated for entries and the word in front of them */
	uint64_t number; /* of the first entry that it knows: those before are looked at */
	/* A bit for each of those before, by 8 bits of their frame_ids: most need no look. */
	uint64_t earlier[4];
	uint32_t size, used;
	uint64_t slots[];
};

static struct finder *finder_of(const struct mailbox *box)
{
	struct finder *finder;

	memcpy(&finder, &box->entries[-1], sizeof finder);
	return finder;
}

/* Entries begin behind the first `front` of base's room. */
static void set_front(struct mailbox *box, struct finder *finder, uint32_t front)
{
	box->entries = finder->base + 1 + front;
	memcpy(&box->entries[-1], &finder, sizeof finder);
}

static uint32_t home(const struct finder *finder, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * finder->size >> MAILBOX_HASH_BITS);
}

static void insert(struct finder *finder, uint64_t slot)
{
	uint32_t at = home(finder, (uint32_t)slot & HASH_MASK);

	while (finder->slots[at] != 0)
		at = (at + 1) & (finder->size - 1);
	finder->slots[at] = slot;
	finder->used++;
}

static struct finder *make_finder(uint32_t entries)
{
	uint32_t size = 2 * ROOM_FIRST;

	while (size < 2 * entries)
		size *= 2;
	struct finder *finder = calloc(1, sizeof *finder + size * sizeof *finder->slots);
	if (finder)
		finder->size = size;
	return finder;
}

static uint64_t *earlier_word(struct finder *finder, uint64_t frame_id)
{
	return &finder->earlier[frame_id >> 6 & 3];
}

static uint64_t earlier_bit(uint64_t frame_id)
{
	return UINT64_C(1) << (frame_id & 63);
}

/* A finder with room for another entry, without those that are gone. */
static int renew_finder(struct mailbox *box)
{
	struct finder *old = finder_of(box);

	const uint64_t most = old->size / 2 + (uint64_t)old->size / 4 * box->route[0] / UINT8_MAX;
	if (old->used + 1 <= most)
		return 0;
	struct finder *finder = make_finder(box->count + 1);
	if (!finder)
		return -ENOMEM;
	finder->base = old->base;
	finder->number = old->number;
	memcpy(finder->earlier, old->earlier, sizeof finder->earlier);
	const bool all = old->used == box->count - mailbox_from(box, old->number);
	for (uint32_t i = 0; i < old->size; i++)
		if (old->slots[i] != 0 &&
			(all || mailbox_position(box, old->slots[i] >> MAILBOX_HASH_BITS) >= 0))
			insert(finder, old->slots[i]);
	free(old);
	set_front(box, finder, (uint32_t)(box->entries - finder->base - 1));
	return 0;
}

/* Room behind the last entry: what is free in front of the first one, or half as much again. */
static int make_room(struct mailbox *box)
{
	struct finder *finder = finder_of(box);
	const uint32_t front = (uint32_t)(box->entries - finder->base - 1);

	if (front + box->count < box->room)
		return 0;
	if (front > box->room / 2) {
		memmove(finder->base + 1, box->entries, box->count * sizeof *box->entries);
		set_front(box, finder, 0);
		return 0;
	}
	const uint32_t room = box->room + box->room / 2;
	uint64_t *base = malloc((room + 1) * sizeof *base);
	if (!base)
		return -ENOMEM;
	memcpy(base + 1, box->entries, box->count * sizeof *base);
	free(finder->base);
	finder->base = base;
	box->room = room;
	set_front(box, finder, 0);
	return 0;
}

static int append_large(struct mailbox *box, uint64_t entry, uint32_t hash)
{
	int result = renew_finder(box);

	if (result == 0)
		result = make_room(box);
	if (result < 0)
		return result;
	box->entries[box->count] = entry;
	insert(finder_of(box), mailbox_number(entry) << MAILBOX_HASH_BITS | hash);
	return 0;
}

/* By two entries at a time. */
static int append_small(struct mailbox *box, uint64_t entry)
{
	if (box->count == box->room) {
		const uint32_t room = box->room + 2;
		uint64_t *entries = realloc(box->entries, room * sizeof *entries);
		if (!entries)
			return -ENOMEM;
		box->entries = entries;
		box->room = room;
	}
	box->entries[box->count] = entry;
	return 0;
}

static int become_large(struct mailbox *box, uint64_t number)
{
	struct finder *finder = make_finder(ROOM_FIRST);
	uint64_t *base = malloc((ROOM_FIRST + 1) * sizeof *base);

	if (!finder || !base) {
		free(finder);
		free(base);
		return -ENOMEM;
	}
	memcpy(base + 1, box->entries, box->count * sizeof *base);
	free(box->entries);
	finder->base = base;
	finder->number = number;
	for (uint32_t i = 0; i < box->count; i++)
		*earlier_word(finder, base[1 + i]) |= earlier_bit(base[1 + i]);
	box->room = ROOM_FIRST;
	box->has_finder = true;
	set_front(box, finder, 0);
	return 0;
}

int mailbox_append(struct mailbox *box, uint64_t entry, uint32_t hash)
{
	if (box->count >= MAILBOX_ENTRIES_MAX)
		return -ENOSPC;
	if (!box->has_finder && box->count < MAILBOX_LOOKED_AT)
		return append_small(box, entry);
	if (!box->has_finder && become_large(box, mailbox_number(entry)) < 0)
		return -ENOMEM;
	return append_large(box, entry, hash);
}

uint32_t mailbox_moved(const struct mailbox *box, uint32_t at)
{
	return box->has_finder && at < box->count / 2 ? at : box->count - 1 - at;
}

void mailbox_cut(struct mailbox *box, uint32_t at)
{
	const size_t moved = mailbox_moved(box, at) * sizeof *box->entries;
	uint64_t *entries = box->entries;

	if (box->has_finder && at < box->count / 2) {
		struct finder *finder = finder_of(box);
		memmove(entries + 1, entries, moved);
		set_front(box, finder, (uint32_t)(entries - finder->base));
	} else {
		memmove(entries + at, entries + at + 1, moved);
	}
}

void mailbox_free_entries(struct mailbox *box)
{
	if (box->has_finder) {
		struct finder *finder = finder_of(box);
		free(finder->base);
		free(finder);
	} else {
		free(box->entries);
	}
	box->entries = NULL;
	box->has_finder = false;
}

/* The cursor counts positions that were looked at, then, from FOUND on, slots. */
enum { FOUND = 1 << 30 };

static int64_t next_slot(
	const struct mailbox *box, uint64_t frame_id, uint32_t hash, uint32_t *cursor)
{
	const struct finder *finder = finder_of(box);
	uint32_t at = home(finder, hash) + (*cursor - FOUND);

	for (uint64_t slot; (slot = finder->slots[at & (finder->size - 1)]) != 0; at++) {
		++*cursor;
		if ((slot & HASH_MASK) != hash)
			continue;
		const int64_t position = mailbox_position(box, slot >> MAILBOX_HASH_BITS);
		if (position >= 0 && mailbox_may_be(box->entries[position], frame_id))
			return position;
	}
	return -1;
}

int64_t mailbox_next_maybe(
	const struct mailbox *box, uint64_t frame_id, uint32_t hash, uint32_t *cursor)
{
	struct finder *finder = box->has_finder ? finder_of(box) : NULL;
	const uint64_t known = finder ? finder->number : UINT64_MAX;

	if (finder && (*earlier_word(finder, frame_id) & earlier_bit(frame_id)) == 0 &&
		*cursor < FOUND)
		*cursor = FOUND;
	for (; *cursor < box->count && mailbox_number(box->entries[*cursor]) < known; ++*cursor)
		if (mailbox_may_be(box->entries[*cursor], frame_id))
			return (*cursor)++;
	if (!finder)
		return -1;
	if (*cursor < FOUND)
		*cursor = FOUND;
	return next_slot(box, frame_id, hash, cursor);
}

void mailbox_prefetch_entries(const struct mailbox *box)
{
	__builtin_prefetch(box->entries - box->has_finder);
	__builtin_prefetch(box->entries + box->count, 1);
}

void mailbox_prefetch_finder(const struct mailbox *box)
{
	if (box->has_finder)
		__builtin_prefetch(finder_of(box), 1);
}

void mailbox_prefetch_slot(const struct mailbox *box, uint32_t hash)
{
	if (box->has_finder)
		__builtin_prefetch(&finder_of(box)->slots[home(finder_of(box), hash)], 1);
}
