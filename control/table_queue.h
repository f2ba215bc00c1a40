/* Messages of the table link on their way out, and those that wait for their ACK. For table_link.c
 * only. */
#ifndef CHAPPE_CONTROL_TABLE_QUEUE_H
#define CHAPPE_CONTROL_TABLE_QUEUE_H

#include "src/table_msg.h"

enum { TABLE_TAGS_MAX = 128 /* tagged records of one message */ };

struct table_out {
	struct table_out *next;
	size_t len;
	uint64_t tags[TABLE_TAGS_MAX];
	_Alignas(8) uint8_t bytes[TABLE_MESSAGE_BYTES]; /* head first */
};

/* Tags of a message that was sent. */
struct table_waiting {
	struct table_waiting *next;
	uint64_t seq;
	uint16_t op;
	uint32_t count;
	uint64_t tags[];
};

struct table_queue {
	struct table_out *first, *last; /* the last one may still take records */
	struct table_out *spare;
	struct table_waiting *waiting_first, **waiting_last;
	size_t bytes;
	uint64_t seq; /* of the newest message */
};

void table_queue_init(struct table_queue *queue);
/* Adds a record of size bytes, or a message without records where size is 0. */
int table_queue_add(
	struct table_queue *queue, uint16_t op, const void *record, size_t size, uint64_t tag);
/* The first message has been sent: its tags go to the waiting ones, its bytes are wiped. Returns 0
 * or -ENOMEM. */
int table_queue_sent(struct table_queue *queue);
/* Takes the waiting tags of a message off; NULL where it has none. The caller frees them. */
struct table_waiting *table_queue_acked(struct table_queue *queue, uint64_t seq);
/* Takes everything off, as waiting tags; wipes what was not sent. */
struct table_waiting *table_queue_clear(struct table_queue *queue);
void table_queue_wipe(struct table_queue *queue);

static inline struct table_head *table_out_head(struct table_out *out)
{
	return (struct table_head *)out->bytes;
}

#endif
