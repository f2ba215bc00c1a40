/* Handshake inits on a worker: macs, budget, cookie replies, the punt ring. */
#ifndef CHAPPE_DATAPLANE_INIT_H
#define CHAPPE_DATAPLANE_INIT_H

#include "port.h"
#include "random.h"
#include "secrets.h"
#include "source.h"

enum {
	INIT_BURST_MAX = 2, /* handshake frames that a worker handles per burst */
	/* Under load, per source whose address is proven: a handshake costs control some 100 us,
	 * so that one address takes a tenth of a thread. Many devices may share one: 2,000 that
	 * come back at once after a restart are to be served at once. */
	INIT_SOURCE_PER_S = 1000,
	INIT_SOURCE_BURST = 2000,
};

/* One a worker; it alone writes it after init_state_init(). */
struct init_state {
	const struct secrets_box *secrets;
	uint32_t workers;
	uint32_t next_owner;       /* round robin, for ports without a rx queue per worker */
	bool port_owns[PORTS_MAX]; /* the port has a rx queue per worker */
	struct random_pool random;
	struct source_buckets sources;
};

void init_state_init(struct init_state *state, const struct secrets_box *secrets,
	const struct ports *ports, uint32_t worker, uint32_t workers);

#endif
