/* Resets (docs/protocol.md, reset): what a worker answers to transport frames that do not open. */
#ifndef CHAPPE_DATAPLANE_STAGE_RESET_H
#define CHAPPE_DATAPLANE_STAGE_RESET_H

#include "secrets.h"
#include "source.h"

enum {
	/* After a restart, 2,000 devices that are sending are to be back within a second, even all
	 * of them behind one address and on one worker. A device goes on sending under its old
	 * session until the new one is confirmed, so that some two frames of each ask for a reset.
	 * A reset is as long as what caused it, so whoever forges a source address has it sent
	 * nothing that he could not send there himself; the limits keep what a worker spends on
	 * it below 2 % (2 microseconds each), and leave half of that to other sources. */
	RESET_WORKER_PER_S = 8000,
	RESET_WORKER_BURST = 8000,
	/* An IPv4 address or an IPv6 /64. */
	RESET_SOURCE_PER_S = 2000,
	RESET_SOURCE_BURST = 4000,
};

/* One a worker; it alone writes it after reset_state_init(). */
struct reset_state {
	const struct secrets_box *secrets;
	struct bucket worker;
	struct source_buckets sources;
};

void reset_state_init(struct reset_state *state, const struct secrets_box *secrets);

#endif
