/* What one source address may have of something that costs: token buckets by a keyed hash of the
 * address, so that nothing grows with the number of sources and nobody can choose whose bucket he
 * empties. */
#ifndef CHAPPE_DATAPLANE_SOURCE_H
#define CHAPPE_DATAPLANE_SOURCE_H

#include "src/endpoint.h"
#include <stdbool.h>

enum { SOURCE_BUCKETS = 4096 }; /* sources that fall together share one */

struct bucket {
	uint64_t filled_at; /* TSC up to which tokens were added */
	uint64_t tokens;
};

/* Tokens come at per_s a second, burst at most. */
struct bucket_rate {
	uint32_t per_s, burst;
};

/* One a worker and use; the worker alone writes it. */
struct source_buckets {
	uint8_t hash_key[16];
	struct bucket buckets[SOURCE_BUCKETS];
};

/* Takes a token where there is one; all zero at first means a full bucket. */
bool bucket_take(
	struct bucket *bucket, uint64_t now, uint64_t tsc_hz, const struct bucket_rate *rate);

void source_init(struct source_buckets *sources);
/* Of the bucket of endpoint->remote: an IPv4 address or an IPv6 /64. */
bool source_take(struct source_buckets *sources, const struct endpoint *endpoint, uint64_t now,
	uint64_t tsc_hz, const struct bucket_rate *rate);

#endif
