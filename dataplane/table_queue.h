/* Messages to control that wait for room in the socket, in order. */
#ifndef CHAPPE_DATAPLANE_TABLE_QUEUE_H
#define CHAPPE_DATAPLANE_TABLE_QUEUE_H

#include "src/table_msg.h"

struct table_message; /* one that waits */

struct table_queue {
	struct table_message *first, *last;
	uint64_t bytes;
	uint64_t seq; /* of our last message that answers nothing */
};

/* Copies a message of count records of record_bytes each to the end of the queue. seq 0: the next
 * of our own. Returns 0 or -ENOMEM. */
int table_queue_add(struct table_queue *queue, enum table_op op, uint64_t seq, uint16_t flags,
	const void *records, uint32_t count, size_t record_bytes);

/* Sends what the socket takes. Returns 0, also where some must wait, or -errno. */
int table_queue_flush(struct table_queue *queue, int fd);

void table_queue_clear(struct table_queue *queue);

#endif
