/* Messages from a contact: reassembly within bounded memory, order, duplicates, and what is to be
 * acknowledged. */
#ifndef CHAPPE_INBOX_H
#define CHAPPE_INBOX_H

#include "src/message/ack.h"
#include "src/message/receipts.h"
#include "src/message/window.h"
#include <sys/queue.h>

enum {
	INBOX_RECENT = 16,
	INBOX_ACK_EVERY = 2,
	/* Stored messages held. With a live sender that keeps to its bounds nobody is dropped. */
	INBOX_STORED = MESSAGE_HELD / 2,
	INBOX_STORED_BYTES = MESSAGE_HELD_BYTES / 2,
};

/* A message of which something has come. */
struct incoming {
	TAILQ_ENTRY(incoming) link;
	uint64_t number;
	enum seal_type type;
	uint16_t fragments, missing;
	uint64_t have[(SEAL_FRAGMENTS_MAX + 63) / 64]; /* bit n: fragment n has come */
	uint64_t touched_ns;                           /* the last fragment came */
	uint64_t quiet_ns; /* complete since, and since then no fragment of a lower number came */
	size_t len;        /* known once the last fragment has come */
	size_t size;       /* of data, as it counts against MESSAGE_HELD_BYTES */
	uint8_t *data;
	bool stored;         /* it came by the store first */
	uint8_t skip;        /* seal_plain.skip */
	uint64_t *frame_ids; /* of its stored frames, by fragment; NULL until one has come */
};
TAILQ_HEAD(incoming_list, incoming);

struct inbox {
	struct incoming_list held; /* by number */
	size_t held_count, held_bytes;
	size_t stored_count, stored_bytes; /* of these, stored ones */
	struct window window;
	uint64_t floor; /* the contact's */
	uint64_t epoch; /* struct ack_head */
	bool blocked;   /* deliver() said -EAGAIN */
	/* Something was taken, or not for want of room, or the way was restored. */
	uint64_t stirred_ns; /* 0: not in this run */
	struct receipts receipts;
	/* Stored messages were delivered that no stored ack has named; a hello's is not delayed. */
	bool owes, owes_at_once;
	/* What the next ack is for. */
	uint64_t ack_ns; /* when it goes; MESSAGE_NEVER */
	uint64_t newest, newest_ns;
	unsigned unacked; /* frames since the last ack */
	struct {
		uint64_t message;
		uint16_t fragment;
	} recent[INBOX_RECENT]; /* the last of them, in a ring */
	uint64_t expected_message;
	uint16_t expected_fragment; /* follows the last one that came */
};

/* run: differs from, and is higher than, that of any earlier run with this contact. */
void inbox_init(struct inbox *inbox, const struct window *window, uint32_t run);
void inbox_wipe(struct inbox *inbox);

/* Takes a fragment, as seal_open() checked it, of a live frame or a stored one; or a notice that a
 * stored message was given up, in its place: what has come of it is forgotten. Returns 0, -EPROTO
 * or -ENOMEM. */
int inbox_add(struct inbox *inbox, uint64_t now_ns, uint64_t frame_id, bool stored,
	const struct seal_plain *plain);

/* The contact has given up what it has not finished below floor. */
void inbox_set_floor(struct inbox *inbox, uint64_t floor);

/* Delivers what may be delivered. */
void inbox_deliver(
	struct inbox *inbox, uint64_t now_ns, const struct message_calls *calls, void *context);
/* When inbox_deliver() has something next; MESSAGE_NEVER. */
uint64_t inbox_deliver_deadline(const struct inbox *inbox);

/* Fills all of *ack but its floor; no further ack is due until more comes. */
void inbox_make_ack(struct inbox *inbox, uint64_t now_ns, struct ack *ack);
/* The same for a stored ack, which names what is done, the highest numbers first, and nothing that
 * is only held: by the time it is read that means nothing. */
void inbox_make_stored_ack(const struct inbox *inbox, struct ack *ack);
/* The way is open again: who waits for lower numbers waits from now on. */
void inbox_restored(struct inbox *inbox, uint64_t now_ns);

/* Between the parts of the inbox: inbox.c (what comes, and its acks), inbox_held.c (messages of
 * which something has come, and no application has them), inbox_deliver.c. */
static inline bool inbox_has(const struct incoming *incoming, uint16_t fragment)
{
	return incoming->have[fragment / 64] >> fragment % 64 & 1;
}
/* The held message of that number, or NULL. */
struct incoming *inbox_find(const struct inbox *inbox, uint64_t number);
/* The same, made if it is new. NULL: no room, or no memory. */
struct incoming *inbox_find_or_create(
	struct inbox *inbox, uint64_t now_ns, bool stored, const struct seal_plain *plain);
void inbox_drop(struct inbox *inbox, struct incoming *incoming);
/* Drops what may have been acknowledged as held, which the next ack tells by its epoch. */
void inbox_forget(struct inbox *inbox, struct incoming *incoming);
/* The relay may forget all that has come of it. */
void inbox_add_receipts(struct inbox *inbox, const struct incoming *incoming);

#endif
