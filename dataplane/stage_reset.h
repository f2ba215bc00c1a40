/* Resets (docs/protocol.md, reset): what a worker answers to transport frames that do not open. */
#ifndef CHAPPE_DATAPLANE_STAGE_RESET_H
#define CHAPPE_DATAPLANE_STAGE_RESET_H

#include "secrets.h"

enum {
	/* Per worker: devices that send are to be back within a second of a restart. */
	RESET_WORKER_PER_S = 4000,
	RESET_WORKER_BURST = 4000,
	/* Per source, an IPv4 address or an IPv6 /64: many devices may share one. */
	RESET_SOURCE_PER_S = 128,
	RESET_SOURCE_BURST = 256,
	RESET_SOURCES = 4096, /* buckets; sources that fall together share one */
};

struct reset_bucket {
	uint64_t filled_at; /* TSC up to which tokens were added */
	uint64_t tokens;
};

/* One a worker; it alone writes it after reset_state_init(). */
struct reset_state {
	const struct secrets_box *secrets;
	uint8_t hash_key[16]; /* so that nobody can choose who shares a bucket */
	struct reset_bucket worker;
	struct reset_bucket sources[RESET_SOURCES];
};

void reset_state_init(struct reset_state *state, const struct secrets_box *secrets);

/* Takes a token where there is one. tokens come at per_s a second, burst at most; all zero at first
 * means a full bucket. */
bool reset_bucket_take(
	struct reset_bucket *bucket, uint64_t now, uint64_t tsc_hz, uint32_t per_s, uint32_t burst);

#endif
