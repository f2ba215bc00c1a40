/* A relay of real processes, chappe-dataplane and chappe-control as they are installed, with a
 * directory of their own and a store that holds devices and routes. Its port takes in nothing and
 * sends into nowhere. */
#ifndef CHAPPE_PERF_RELAY_H
#define CHAPPE_PERF_RELAY_H

#include "child.h"
#include <stdbool.h>

enum { RELAY_PATH_BYTES = 64, RELAY_TIMEOUT_S = 300 };

struct relay {
	uint32_t devices,
		routes; /* routes: of each device; the tables are as large as the content */
	char dir[RELAY_PATH_BYTES];
	char state[RELAY_PATH_BYTES]; /* the store's directory */
	bool huge;                    /* hugepages under the dataplane */
	const char *vdev;    /* the port; NULL: one that takes in nothing and sends into nowhere */
	uint32_t memory_mib; /* of EAL; 0: plenty */
	struct child dataplane, control;
};

/* Makes directory and configuration, and a store without devices. */
void relay_make(struct relay *relay, uint32_t devices, uint32_t routes);
/* The same with a store full of devices and routes, in a directory of its own that is kept where
 * kept names one; what an earlier run filled there is taken as it is. */
void relay_make_filled(struct relay *relay, uint32_t devices, uint32_t routes, const char *kept);
/* Returns when it is ready. */
void relay_start_dataplane(struct relay *relay);
/* The same, with as much memory as it says that it needs. */
void relay_start_dataplane_exactly(struct relay *relay);
void relay_start_control(struct relay *relay);
/* Waits until the dataplane has acknowledged all that a filled store holds; returns bench_now_s()
 * of that moment. */
double relay_in_step(struct relay *relay);
/* Ends the processes and removes the directory. */
void relay_remove(struct relay *relay);

/* Page size of the dataplane's memory. */
uint64_t relay_page_bytes(const struct relay *relay);

#endif
