/* Operations of devices that are on their way, and the answers of the last minute, by device and
 * frame_id. */
#ifndef CHAPPE_CONTROL_OPERATION_KEPT_H
#define CHAPPE_CONTROL_OPERATION_KEPT_H

#include "src/wire.h"

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

/* Returns 0 or -ENOMEM. */
int operations_init(struct operations *operations);
void operations_wipe(struct operations *operations);

struct operation *operations_find(
	struct operations *operations, uint32_t device, uint64_t frame_id);
/* A place for a new operation: the oldest answer is forgotten for it. NULL when all wait. */
struct operation *operations_remember(
	struct operations *operations, uint32_t device, uint64_t frame_id);
void operations_forget(struct operations *operations, struct operation *operation);
/* Forgets answers older than OPERATION_KEEP_S. */
void operations_expire(struct operations *operations, int64_t now_s);

#endif
