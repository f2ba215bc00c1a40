/* Messages to a contact: the queue, their fragments, what is on the way, what is lost. Live ones
 * and stored ones have an outbox each, under one ledger of numbers.
 *
 * A fragment is waiting (to be sent, for the first time or again), on the way, or held (the contact
 * has it in memory). A message is finished when the contact says it is durable there, and only
 * then; what is held may be forgotten until then, which the contact tells by a higher epoch.
 *
 * In the outbox of stored messages it is the relay that acknowledges, frame by frame, and what it
 * has accepted is held for good: a message is finished when all of it is. A fragment keeps its
 * frame_id. Its messages but acks are kept on disk, sealed (message_calls.keep), and their data is
 * not here any more. A message of several fragments is begun alone. If one is given up,
 * SEAL_GIVEN_UP takes its place, which tells the contact not to wait for it and to forget what has
 * come of it. */
#ifndef CHAPPE_OUTBOX_H
#define CHAPPE_OUTBOX_H

#include "src/message/ack.h"
#include "src/message/ledger.h"
#include "src/message/recovery.h"
#include <sys/queue.h>

enum { OUTBOX_REPLACED = 32 };

enum fragment_state { FRAGMENT_WAITING, FRAGMENT_ON_THE_WAY, FRAGMENT_HELD };

/* One transmission. */
struct outbox_sent {
	uint64_t frame_id, sent_ns;
	uint64_t order; /* counts transmissions, from 1: the packet number of RFC 9002 */
};

struct fragment {
	TAILQ_ENTRY(fragment) link; /* outbox.on_the_way, in the order of sent.order */
	struct outgoing *message;
	struct outbox_sent sent; /* the last time; the one before is in outbox.replaced */
	uint16_t index;
	uint8_t state; /* enum fragment_state */
	bool asks;     /* on the way though it was held: asks whether it still is */
	bool repeated; /* sent more than once under its frame_id */
};
TAILQ_HEAD(fragment_list, fragment);

struct outgoing {
	TAILQ_ENTRY(outgoing) link;
	uint64_t number; /* of an ack: of the message that would be next */
	enum seal_type type;
	bool open;    /* its fragments may be sent */
	bool kept;    /* stored: on disk, and data is NULL */
	bool late;    /* that it was not accepted in time has been said */
	uint8_t skip; /* seal_plain.skip, known once it is open, or kept */
	struct message_way way;
	uint64_t progress_ns; /* stored: first sent, accepted in part, or the way was restored */
	uint16_t fragments, waiting, held;
	uint16_t first_waiting; /* none before it is waiting */
	uint8_t *data;
	size_t len;
	struct fragment *fragment;
};
TAILQ_HEAD(outgoing_list, outgoing);

struct outbox {
	bool stored;
	struct ledger *ledger;
	struct outgoing_list queue; /* by number; the open ones come first */
	struct outgoing_list finished;
	struct outgoing_list expired; /* stored acks: not accepted in time */
	size_t messages, bytes;       /* in queue */
	uint64_t begun;               /* the highest number that is, or was, open */
	size_t open, open_bytes;      /* messages, and what they take of the contact's memory */
	size_t waiting;               /* fragments of open messages */
	struct fragment_list on_the_way;
	struct recovery recovery;
	uint64_t order;             /* of the last transmission */
	uint64_t acked_order;       /* highest known to have come */
	uint64_t lost_ns;           /* the next fragment is lost then; MESSAGE_NEVER */
	uint64_t sent_ns, heard_ns; /* last transmission; last news, or first after a pause */
	unsigned probes;            /* to be sent at once, whatever the window says */
	struct outbox_sent replaced[OUTBOX_REPLACED];
	unsigned replaced_next;
	uint64_t epoch;     /* of the contact's memory */
	uint64_t done;      /* the contact is done with all below; grows */
	uint64_t announced; /* the floor last told to the contact */
};

/* done: outbox.done of an earlier run, 1 for a new contact. The ledger must outlive the outbox. */
void outbox_init(struct outbox *outbox, struct ledger *ledger, bool stored, uint64_t done);
void outbox_wipe(struct outbox *outbox);

/* Queues a copy under a number, not lower than any in the queue. Returns 0 or -ENOMEM. */
int outbox_add(struct outbox *outbox, uint64_t number, enum seal_type type,
	const struct message_way *way, const uint8_t *data, size_t len);
/* The same in two steps: makes a message (NULL: no memory), which outbox_insert() queues or
 * outbox_free() frees. That of an outbox of stored messages has its frame_ids and its skip, so that
 * it can be sealed. data NULL: of an unknown content, as kept in an earlier run. */
struct outgoing *outbox_make(const struct outbox *outbox, uint64_t number, enum seal_type type,
	const struct message_way *way, const uint8_t *data, size_t len);
void outbox_insert(struct outbox *outbox, struct outgoing *message);
/* It is on disk now: its data is wiped. */
void outbox_set_kept(struct outgoing *message);
/* Puts another, of one fragment and the same number, in its place and frees it. */
void outbox_replace(struct outbox *outbox, struct outgoing *message, struct outgoing *by);
/* The message of that number in the queue, or NULL. */
struct outgoing *outbox_find(const struct outbox *outbox, uint64_t number);
/* Takes a message out. Returns 0 or -ENOENT. */
int outbox_cancel(struct outbox *outbox, uint64_t number);

/* All messages below are finished or given up, in both outboxes. */
uint64_t outbox_floor(const struct outbox *outbox);
/* The contact may be waiting for numbers below the floor that will never come. */
bool outbox_floor_due(const struct outbox *outbox);

/* Takes an ack; messages that are finished go to outbox->finished. */
void outbox_ack(struct outbox *outbox, const struct ack *ack, uint64_t now_ns);
/* Takes the first of outbox->finished out and frees it; 0 = there is none. */
uint64_t outbox_pop_finished(struct outbox *outbox);

/* Stored: the relay has accepted a frame; a message of which that was the last goes to finished. */
void outbox_accepted(struct outbox *outbox, uint64_t frame_id, uint64_t now_ns);
/* Stored: moves to expired what is not kept and has made no progress for as long as its way allows,
 * though the relay was heard, last at heard_ns. */
void outbox_expire(struct outbox *outbox, uint64_t now_ns, uint64_t heard_ns);
/* The number of a kept message of which the same can be said, once; 0: there is none. */
uint64_t outbox_late(const struct outbox *outbox, uint64_t now_ns, uint64_t heard_ns);
/* When either has something to do; MESSAGE_NEVER: not before the relay is heard again. */
uint64_t outbox_expiry(const struct outbox *outbox, uint64_t heard_ns);
/* The message of which the contact is told without that being kept: a record of an earlier version
 * names it; 0: none. */
uint64_t outbox_first_partial(const struct outbox *outbox);
/* Tells the contact, first of all in the queue, that a message is given up. */
void outbox_notify(struct outbox *outbox, uint64_t number);
/* A message that says so; NULL: no memory. */
struct outgoing *outbox_make_notice(const struct outbox *outbox, uint64_t number);
void outbox_free(struct outgoing *message);

/* What time demands: losses and probe timeouts. */
void outbox_tick(struct outbox *outbox, uint64_t now_ns);
/* Fills *frame with the fragment to be sent now, if any. */
bool outbox_next(struct outbox *outbox, uint64_t now_ns, struct message_frame *frame);
/* When outbox_tick() or outbox_next() has something next. */
uint64_t outbox_deadline(const struct outbox *outbox);
/* Probes at once; timers start anew. */
void outbox_probe(struct outbox *outbox, uint64_t now_ns);

/* Between the parts of the outbox (outbox.c, outbox_send.c, outbox_ack.c, outbox_stored.c). */
size_t outbox_data_bytes(const struct fragment *fragment);
uint64_t outbox_frame_bytes(const struct fragment *fragment);
void outbox_take_out(struct outbox *outbox, struct outgoing *message);
void outbox_lose(struct outbox *outbox, struct fragment *fragment);
/* A transmission that no fragment stands for any more may still be acknowledged, and then tells the
 * round trip time. */
void outbox_remember_replaced(struct outbox *outbox, const struct fragment *fragment);
/* unbroken_from and unbroken_to: of the transmissions between these orders (both exclusive) none
 * was acknowledged; if what is lost of them lasted long enough, congestion is persistent
 * (RFC 9002, section 7.6). */
void outbox_detect_losses(
	struct outbox *outbox, uint64_t now_ns, uint64_t unbroken_from, uint64_t unbroken_to);

#endif
