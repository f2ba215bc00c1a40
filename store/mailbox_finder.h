/* The entries of one mailbox: numbers that ascend, taken mostly from the front, and the way from a
 * frame_id to them. Of up to 16 entries all are looked at. What comes to larger mailboxes is found
 * by a hash table with 20 bits of a keyed hash of each frame_id; what is removed stays in it until
 * it is filled anew, as an entry does not tell its hash. mailbox.c's own. */
#ifndef CHAPPE_STORE_MAILBOX_FINDER_H
#define CHAPPE_STORE_MAILBOX_FINDER_H

#include "mailbox.h"

enum { MAILBOX_HASH_BITS = 20, MAILBOX_LOOKED_AT = 16 };

/* Adds an entry above all others. 0, -ENOMEM, or -ENOSPC above MAILBOX_ENTRIES_MAX. Does not count
 * it. */
int mailbox_append(struct mailbox *box, uint64_t entry, uint32_t hash);
/* Takes one of them out, before it is counted off. */
void mailbox_cut(struct mailbox *box, uint32_t at);
void mailbox_free_entries(struct mailbox *box);

/* The next position from a cursor on, 0 at first, at which the frame may be; -1 at the end. */
int64_t mailbox_next_maybe(
	const struct mailbox *box, uint64_t frame_id, uint32_t hash, uint32_t *cursor);

/* Brings what these will look at nearer: three steps, each of which reads what the one before
 * asked for. */
void mailbox_prefetch_entries(const struct mailbox *box);
void mailbox_prefetch_finder(const struct mailbox *box);
void mailbox_prefetch_slot(const struct mailbox *box, uint32_t hash);

#endif
