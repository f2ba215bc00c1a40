/* Resets (docs/protocol.md, reset): what a worker answers to transport frames that do not open. */
#ifndef CHAPPE_DATAPLANE_STAGE_RESET_H
#define CHAPPE_DATAPLANE_STAGE_RESET_H

#include "secrets.h"
#include "source.h"

enum {
	/* Per worker: devices that send are to be back within a second of a restart. */
	RESET_WORKER_PER_S = 4000,
	RESET_WORKER_BURST = 4000,
	/* Per source, an IPv4 address or an IPv6 /64: many devices may share one. */
	RESET_SOURCE_PER_S = 128,
	RESET_SOURCE_BURST = 256,
};

/* One a worker; it alone writes it after reset_state_init(). */
struct reset_state {
	const struct secrets_box *secrets;
	struct bucket worker;
	struct source_buckets sources;
};

void reset_state_init(struct reset_state *state, const struct secrets_box *secrets);

#endif
