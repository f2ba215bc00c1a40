/* The dataplane's end of the links to control (src/table_msg.h, src/punt_msg.h), as far as
 * handshakes need one: it greets, leases indices, acknowledges, and keeps what control installs. */
#ifndef CHAPPE_PERF_LINKS_H
#define CHAPPE_PERF_LINKS_H

#include "src/punt_msg.h"
#include "src/table_msg.h"

struct links {
	int table_listener, punt_listener, table, punt;
	uint32_t leased; /* indices given so far */
	bool in_step;
	uint64_t seq;
	/* sessions that control has installed since links_collect() was called */
	struct table_install *installs;
	uint32_t n, max;
	_Alignas(8) uint8_t bytes[TABLE_MESSAGE_BYTES];
};

/* Listens in run_dir, where control has not been started yet. */
void links_listen(struct links *links, const char *run_dir);
/* Takes control's connections and goes through the synchronisation with it. */
void links_accept(struct links *links, uint32_t devices);
/* Sends inits of n devices, then waits until as many sessions came. */
void links_collect(struct links *links, const struct punt_record *inits, uint32_t n,
	struct table_install *installs);
/* Says that all of them were confirmed by their devices. */
void links_confirm(struct links *links, const struct table_install *installs, uint32_t n);
void links_close(struct links *links);

#endif
