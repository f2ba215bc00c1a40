/* Ports: whatever EAL offers, configured alike. Written by the main lcore before workers start,
 * read-only afterwards. */
#ifndef CHAPPE_DATAPLANE_PORT_H
#define CHAPPE_DATAPLANE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

struct rte_mempool;

enum {
	PORTS_MAX = 32,
	PORT_WORKERS_MAX = 32, /* the 5 bits of an owner */
	PORT_QUEUES_MAX = 32,
	PORT_DESCRIPTORS = 1024,
	PORT_MTU_BYTES = 1500,
	PORT_MTU_MIN_BYTES = 1280,
};

struct port {
	uint16_t rx_queues, tx_queues;
	uint8_t mac[6];
	bool rx_checksum;     /* it marks frames whose IP or UDP checksum is bad */
	bool tx_ip_checksum;  /* it writes IPv4 header checksums */
	bool tx_udp_checksum; /* it writes UDP checksums */
	bool rss;
	uint8_t rx_worker[PORT_QUEUES_MAX]; /* who polls the queue */
	uint8_t tx_worker[PORT_QUEUES_MAX]; /* who sends on it: the worker that polls it, if any */
	char driver[32];
};

struct ports {
	uint16_t count; /* identifiers 0..count-1 */
	struct port port[PORTS_MAX];
};

/* Decides on queues and on who serves them: at most one queue per worker, spread evenly. Touches no
 * port. Returns 0, or -errno and a text. */
int ports_plan(struct ports *ports, uint32_t workers, char *error, size_t error_len);

/* mbufs that full queues of all ports hold. */
uint32_t ports_descriptors(const struct ports *ports);

/* Configures and starts what was planned: receive buffers from pool; multicast frames to
 * solicited-node addresses pass. Returns 0, or -errno and a text. */
int ports_start(const struct config *config, struct ports *ports, struct rte_mempool *pool,
	char *error, size_t error_len);

/* Whether a port connects to somebody's socket while it runs: a memif that is the client. */
bool ports_connect(const struct ports *ports);

/* One line a port to stderr. */
void ports_print(const struct config *config, const struct ports *ports);

void ports_stop(const struct ports *ports);

#endif
