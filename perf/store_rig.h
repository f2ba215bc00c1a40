/* A chappe-store under a benchmark: the process as it is installed, on a directory of its own, with
 * the benchmark as its dataplane (store_end.h). The directory lies in $TMPDIR or /var/tmp, whose
 * disk is what is measured. */
#ifndef CHAPPE_PERF_STORE_RIG_H
#define CHAPPE_PERF_STORE_RIG_H

#include "child.h"
#include "store/admin_msg.h"
#include "store_end.h"

enum {
	STORE_RIG_PATH_BYTES = 96,
	STORE_RIG_TIMEOUT_S = 300,
	STORE_RIG_WORKERS = 4,
	STORE_RIG_SMALL = WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES,
};

struct store_rig {
	char dir[STORE_RIG_PATH_BYTES];
	struct child process;
	struct store_end end;
	uint32_t worker; /* whose turn it is */
	uint64_t next;   /* number of the next frame, from 1 */
};

/* What the parts of bench_store are told. */
struct store_options {
	uint32_t pairs;     /* of a measurement and its floor */
	double seconds;     /* of each */
	uint32_t mailboxes; /* for store_start */
	uint32_t frames;    /* for store_drain */
	uint32_t in_flight; /* for store_accept; 0: several, one after the other */
};

void store_accept_run(const struct store_options *options);
void store_drain_run(const struct store_options *options);
void store_start_run(const struct store_options *options);

/* Makes the directory; starts nothing. */
void store_rig_make(struct store_rig *rig, uint32_t devices);
/* Starts the process; returns the seconds until it is ready, before it has a dataplane. */
double store_rig_start(struct store_rig *rig);
void store_rig_attach(struct store_rig *rig);
void store_rig_stop(struct store_rig *rig);
/* Ends the process and removes the directory. */
void store_rig_remove(struct store_rig *rig);
/* Where the process keeps what waits. */
void store_rig_depot(const struct store_rig *rig, char *path, size_t len);

/* Puts a small frame to be stored in the ring of the worker whose turn it is, under the nth route,
 * which leads to a device. Its frame_id tells its number: store_rig_number(). False: full. */
bool store_rig_put(struct store_rig *rig, uint32_t route, uint32_t device);
uint64_t store_rig_number(const struct share_down *record);
/* The route's bytes. */
void store_rig_route(uint32_t route, uint8_t bytes[WIRE_ROUTE_BYTES]);
/* What administrators are told. */
struct admin_status store_rig_status(const struct store_rig *rig);
/* Puts so many, route after route, and waits until all are accepted. */
void store_rig_fill(struct store_rig *rig, uint32_t frames, uint32_t routes, uint32_t devices);

#endif
