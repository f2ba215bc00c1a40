/* The rig of the benchmarks: the dataplane's tables and workers as the process has them, one
 * memory-backed port with a queue pair a worker, and devices whose keys, routes and addresses
 * follow from their number, so that they take no memory that could warm or evict the relay's.
 *
 * Device n has device slot n, four routes, limits in frames and in bytes (far above what is
 * offered, so that its meter runs and drops nothing) and one confirmed session of the owner
 * n % workers. */
#ifndef CHAPPE_PERF_RIG_H
#define CHAPPE_PERF_RIG_H

#include "dataplane/init.h"
#include "dataplane/stage_reset.h"
#include "dataplane/tables.h"
#include "dataplane/worker.h"
#include "options.h"

enum { RIG_WORKERS_MAX = 2, RIG_ROUTES = 4, RIG_ROUND_FRAMES = 8192, RIG_RING_FRAMES = 16384 };

struct rig_options {
	uint32_t sessions, workers;
	uint32_t family; /* 4 or 6 */
	enum wire_suite suite;
};

struct rig {
	struct rig_options options;
	struct config config;
	struct ports ports;
	struct secrets_box secrets;
	struct rte_rcu_qsbr *qsbr;
	struct rte_mempool *pool;
	struct tables *tables;
	struct worker *workers[RIG_WORKERS_MAX];
	struct rte_ring *rx[RIG_WORKERS_MAX], *tx[RIG_WORKERS_MAX];
	uint16_t port;
	/* of each device */
	uint32_t *indices;  /* receiver_index of its session */
	uint32_t *counters; /* the next it uses */
};

/* EAL memory that a rig takes, in MiB. */
uint32_t rig_need_mib(uint32_t sessions, uint32_t workers);

/* Takes seconds with a million sessions, and says so. */
void rig_open(struct rig *rig, const struct rig_options *options);
/* The same in a process that has just started, for what its command line asks. */
void rig_open_from(
	struct rig *rig, uint32_t workers, struct options *options, int argc, char **argv);
void rig_close(struct rig *rig);
/* Polls until the queues are empty, and does main's part. */
void rig_settle(struct rig *rig);
/* A part of rig_open(): each device enrolled, with routes and a confirmed session. */
void rig_connect(struct rig *rig);

/* Whether the port announces checksums: what came in is marked as checked and workers leave theirs
 * to it. */
void rig_offload(struct rig *rig, bool offload);

enum rig_direction { RIG_TO_RELAY, RIG_FROM_RELAY };
void rig_key(uint32_t device, enum rig_direction direction, uint8_t key[WIRE_KEY_BYTES]);
void rig_route(uint32_t device, uint32_t number, uint8_t route[WIRE_ROUTE_BYTES]);

/* Where the relay sees it. */
struct endpoint rig_endpoint(const struct rig *rig, uint32_t device);
/* Length of the headers before the cell, Ethernet to UDP. */
uint32_t rig_header_bytes(uint32_t family);
/* Writes them for a cell of len bytes that comes from a device and lies behind them; checksums
 * right. */
void rig_packet(const struct rig *rig, uint32_t device, uint8_t *packet, uint32_t len);
/* Fails unless a packet from the relay goes to the device, has right headers and, where the port
 * announces none, right checksums. */
void rig_check_packet(const struct rig *rig, uint32_t device, const struct rte_mbuf *mbuf);

/* Sum of a counter over the workers. */
uint64_t rig_counter(const struct rig *rig, enum counter counter);
/* Prints the counters that are not zero and fails. */
void rig_fail(const struct rig *rig, const char *what) __attribute__((noreturn));

#endif
