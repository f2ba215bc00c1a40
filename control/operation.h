/* Control operations of devices (src/control_op.h). An operation is written to the store, then to
 * the dataplane, and answered when the dataplane has acknowledged it; its answer is remembered for
 * a minute, so that a repeated request gets the same one and changes nothing. */
#ifndef CHAPPE_CONTROL_OPERATION_H
#define CHAPPE_CONTROL_OPERATION_H

#include "src/control_op.h"
#include "src/punt_msg.h"

struct control;

enum { OPERATIONS_MAX = 4096, OPERATION_KEEP_S = 60 };

enum operation_state {
	OPERATION_FREE = 0,
	OPERATION_WRITTEN, /* in the store's open transaction */
	OPERATION_SENT,    /* to the dataplane */
	OPERATION_DONE,    /* answered */
};

struct operation {
	uint64_t frame_id;
	int64_t at_s;
	uint32_t device; /* id */
	uint32_t slot, session;
	uint32_t next; /* of its bucket */
	uint16_t op, status, flags;
	uint16_t frame_bytes; /* of the request; the answer has as many */
	uint8_t state;        /* enum operation_state */
	uint8_t route[WIRE_ROUTE_BYTES];
};

struct operations {
	struct operation *all; /* OPERATIONS_MAX, used in turn */
	uint32_t *buckets;     /* OPERATIONS_MAX; number + 1 of the first */
	uint32_t next;         /* the one to use next */
	uint32_t *written;     /* numbers, in the order they were asked */
	uint32_t written_count;
	uint8_t hash_key[16];
};

int operations_init(struct operations *operations);
void operations_wipe(struct operations *operations);

/* A control frame came. */
void operation_request(struct control *control, const struct punt_record *record);
/* Makes this turn's operations durable and sends them on. */
void operation_commit(struct control *control);
/* The dataplane has answered: tag is what operation_commit() gave with the record. */
void operation_acked(struct control *control, uint64_t tag, int error);
/* Forgets answers older than OPERATION_KEEP_S. */
void operation_expire(struct control *control, int64_t now_s);

#endif
