/* Random bytes on a worker, without a system call: ChaCha20 with fast key erasure, keyed once at
 * start. Each worker has its own. */
#ifndef CHAPPE_DATAPLANE_RANDOM_H
#define CHAPPE_DATAPLANE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { RANDOM_KEY_BYTES = 32, RANDOM_POOL_BYTES = 512 };

struct random_pool {
	uint8_t bytes[RANDOM_POOL_BYTES]; /* the first 32 are the key of the next filling */
	uint32_t used;
};

/* Keys the pool from the system. */
void random_pool_init(struct random_pool *pool);
/* len is at most RANDOM_POOL_BYTES - RANDOM_KEY_BYTES. What is handed out is wiped from the pool.
 */
void random_pool_take(struct random_pool *pool, void *out, size_t len);

#endif
