/* Which messages wait under which route: the index in memory, rebuilt from disk at start. One
 * thread uses it. A mailbox is there while something waits in it.
 *
 * Memory of a mailbox with ten messages, 174 bytes: 64 itself, 6 to 11 in the hash table,
 * ten entries of 8 bytes in a block of 96. */
#ifndef CHAPPE_STORE_MAILBOX_H
#define CHAPPE_STORE_MAILBOX_H

#include "record.h"

enum { MAILBOX_NO_DEVICE = UINT32_MAX, MAILBOX_ENTRIES_MAX = 1 << 20 };

struct mailbox {
	uint8_t route[WIRE_ROUTE_BYTES];
	uint32_t device; /* slot it leads to, MAILBOX_NO_DEVICE while that is not known */
	uint32_t next,
		previous; /* of the device; mailbox_device.c's own, as `next` of unused ones */
	uint32_t count, large;
	uint32_t room;
	/* deliver.h: of the first entries, how many are out; since when nothing of them was
	 * received, in ms; how often they have been sent again in vain since. */
	uint32_t sent;
	uint32_t since_ms;
	uint8_t tries;
	bool has_finder;   /* mailbox_finder.h */
	uint64_t *entries; /* ascending numbers: mailbox_number() */
};

struct mailboxes;

/* An entry: number 44 bits, size 1, ttl 5, and 14 bits of the frame_id, which tell most frames
 * apart without a look at the disk. A ttl above 31 is 31: either is longer than any limit. */
static inline uint64_t mailbox_entry(uint64_t number, uint64_t frame_id, uint8_t ttl, bool large)
{
	return number << 20 | (uint64_t)large << 19 | (uint64_t)(ttl < 31 ? ttl : 31) << 14 |
	       (frame_id & 0x3fff);
}

static inline uint64_t mailbox_number(uint64_t entry)
{
	return entry >> 20;
}

static inline bool mailbox_large(uint64_t entry)
{
	return entry >> 19 & 1;
}

static inline uint8_t mailbox_ttl(uint64_t entry)
{
	return entry >> 14 & 31;
}

static inline bool mailbox_may_be(uint64_t entry, uint64_t frame_id)
{
	return (entry & 0x3fff) == (frame_id & 0x3fff);
}

/* Bytes of cells on the wire, what quotas count. */
static inline uint64_t mailbox_bytes(uint32_t count, uint32_t large)
{
	return (uint64_t)(count - large) * WIRE_SMALL_BYTES + (uint64_t)large * WIRE_LARGE_BYTES;
}

/* What waits for a device, under all its routes. */
struct mailbox_load {
	uint32_t count, large;
};

/* NULL where memory is short. */
struct mailboxes *mailboxes_create(uint32_t devices_max);
void mailboxes_destroy(struct mailboxes *boxes);
uint32_t mailboxes_count(const struct mailboxes *boxes);
/* What waits altogether. */
struct mailbox_load mailboxes_load(const struct mailboxes *boxes);

struct mailbox *mailbox_find(const struct mailboxes *boxes, const uint8_t *route);
/* The next position from a cursor on, which is 0 at first, of an entry that may be a frame's: look
 * at the frame_id itself. -1 where there is no other. */
int64_t mailbox_seek(const struct mailboxes *boxes, const struct mailbox *box, uint64_t frame_id,
	uint32_t *cursor);
/* Adds a frame's entry, whose number is above all of the mailbox, to *box as it was found: it is
 * made where that is NULL. 0, -ENOMEM, or -ENOSPC above MAILBOX_ENTRIES_MAX. */
int mailbox_put(struct mailboxes *boxes, struct mailbox **box, const uint8_t *route, uint64_t entry,
	uint64_t frame_id);
/* The same without having looked for it. */
int mailbox_add(struct mailboxes *boxes, const uint8_t *route, uint64_t entry, uint64_t frame_id);
/* Brings nearer what the look-ups for these frames will read, one step of all of them after the
 * other. */
void mailbox_prefetch(
	const struct mailboxes *boxes, const struct wire_inner *const *frames, uint32_t count);
/* How many entries mailbox_remove() moves for that. */
uint32_t mailbox_moved(const struct mailbox *box, uint32_t at);
/* Removes the entry at a position; the mailbox is gone with its last one: then false. */
bool mailbox_remove(struct mailboxes *boxes, struct mailbox *box, uint32_t at);
/* The position of the first entry whose number is not below this one; count where there is none. */
uint32_t mailbox_from(const struct mailbox *box, uint64_t number);
/* The position of a number; -1 where it is not there. */
int64_t mailbox_position(const struct mailbox *box, uint64_t number);

/* Forgets which slots routes lead to; from now on slots are 0..devices_max-1. 0 or -ENOMEM, then
 * nothing has changed. */
int mailboxes_set_devices(struct mailboxes *boxes, uint32_t devices_max);
/* -EINVAL for a slot that can't be. */
int mailbox_set_device(struct mailboxes *boxes, struct mailbox *box, uint32_t device);
struct mailbox_load mailbox_device_load(const struct mailboxes *boxes, uint32_t device);
/* The mailboxes of a device, one after the other; NULL at the end. */
struct mailbox *mailbox_first(const struct mailboxes *boxes, uint32_t device);
struct mailbox *mailbox_next(const struct mailboxes *boxes, const struct mailbox *box);

/* The mailbox at a place, below mailboxes_places(), NULL where there is none: to look at all, a
 * few at a time. */
uint32_t mailboxes_places(const struct mailboxes *boxes);
struct mailbox *mailbox_at(const struct mailboxes *boxes, uint32_t place);
uint32_t mailbox_place(const struct mailboxes *boxes, const struct mailbox *box);

#endif
