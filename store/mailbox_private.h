/* What the files of the index share. */
#ifndef CHAPPE_STORE_MAILBOX_PRIVATE_H
#define CHAPPE_STORE_MAILBOX_PRIVATE_H

#include "mailbox_finder.h"

enum {
	MAILBOX_CHUNK_BITS = 12, /* mailboxes are made in pieces, and never move */
	MAILBOX_CHUNK = 1 << MAILBOX_CHUNK_BITS,
	MAILBOX_NONE = UINT32_MAX,
};

struct mailbox_device {
	uint32_t first; /* mailbox, or MAILBOX_NONE */
	struct mailbox_load load;
};

struct mailboxes {
	uint64_t secret[3]; /* of hashes */
	struct mailbox **chunks;
	uint32_t chunk_count, places, free; /* free: list of unused places by `next` */
	uint32_t count;
	uint32_t *table; /* place of a mailbox, or MAILBOX_NONE; linear probing, at most 5/8 full */
	uint32_t table_size;
	struct mailbox_device *devices;
	uint32_t devices_max;
	struct mailbox_load load;
};

static inline struct mailbox *mailbox_of(const struct mailboxes *boxes, uint32_t place)
{
	return &boxes->chunks[place >> MAILBOX_CHUNK_BITS][place & (MAILBOX_CHUNK - 1)];
}

/* Control draws routes at random: nobody has a say in where they fall. */
static inline uint32_t mailbox_home(const struct mailboxes *boxes, const uint8_t *route)
{
	uint64_t words[2];

	memcpy(words, route, sizeof words);
	const unsigned __int128 product = (unsigned __int128)(words[0] ^ boxes->secret[0]) *
					  ((words[1] ^ boxes->secret[1]) | 1);
	return (uint32_t)((uint64_t)(product >> 64) ^ (uint64_t)product) & (boxes->table_size - 1);
}

/* Senders draw frame_ids, but see nothing of the secret. */
static inline uint32_t mailbox_hash(const struct mailboxes *boxes, uint64_t frame_id)
{
	return (uint32_t)(frame_id * boxes->secret[2] >> (64 - MAILBOX_HASH_BITS));
}

/* Takes it from the list of the device that it leads to. */
void mailbox_leave_device(struct mailboxes *boxes, const struct mailbox *box);

#endif
