/* Messages to a contact: the queue, their fragments, what is on the way, what is lost.
 *
 * A fragment is waiting (to be sent, for the first time or again), on the way, or held (the contact
 * has it in memory). A message is finished when the contact says it is durable there, and only
 * then; what is held may be forgotten until then, which the contact tells by a higher epoch. */
#ifndef CHAPPE_OUTBOX_H
#define CHAPPE_OUTBOX_H

#include "ack.h"
#include "recovery.h"
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
};
TAILQ_HEAD(fragment_list, fragment);

struct outgoing {
	TAILQ_ENTRY(outgoing) link;
	uint64_t number;
	enum seal_type type;
	bool open; /* its fragments may be sent */
	uint16_t fragments, waiting;
	uint16_t first_waiting; /* none before it is waiting */
	uint8_t *data;
	size_t len;
	struct fragment *fragment;
};
TAILQ_HEAD(outgoing_list, outgoing);

struct outbox {
	struct outgoing_list queue; /* by number; the open ones come first */
	struct outgoing_list finished;
	size_t messages, bytes;  /* in queue */
	size_t open, open_bytes; /* messages, and what they take of the contact's memory */
	size_t waiting;          /* fragments of open messages */
	uint64_t next;           /* the number after the last one used */
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

/* next: the first number to be used; done: outbox.done of an earlier run, 1 for a new contact. */
void outbox_init(struct outbox *outbox, uint64_t next, uint64_t done);
void outbox_wipe(struct outbox *outbox);

/* Queues a copy under number outbox->next, which then grows. Returns 0 or -ENOMEM. */
int outbox_add(struct outbox *outbox, enum seal_type type, const uint8_t *data, size_t len);
/* Returns 0 or -ENOENT. */
int outbox_cancel(struct outbox *outbox, uint64_t number);

/* All messages below are finished or given up. */
uint64_t outbox_floor(const struct outbox *outbox);
/* The contact may be waiting for numbers below the floor that will never come. */
bool outbox_floor_due(const struct outbox *outbox);

/* Takes an ack; messages that are finished go to outbox->finished. */
void outbox_ack(struct outbox *outbox, const struct ack *ack, uint64_t now_ns);
/* Takes the first of outbox->finished out and frees it; 0 = there is none. */
uint64_t outbox_pop_finished(struct outbox *outbox);

/* What time demands: losses and probe timeouts. */
void outbox_tick(struct outbox *outbox, uint64_t now_ns);
/* Fills *frame with the fragment to be sent now, if any. */
bool outbox_next(struct outbox *outbox, uint64_t now_ns, struct message_frame *frame);
/* When outbox_tick() or outbox_next() has something next. */
uint64_t outbox_deadline(const struct outbox *outbox);
/* Probes at once; timers start anew. */
void outbox_probe(struct outbox *outbox, uint64_t now_ns);

/* Between the parts of the outbox (outbox.c, outbox_send.c, outbox_ack.c). */
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
