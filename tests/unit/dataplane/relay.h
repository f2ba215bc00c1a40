/* A relay for tests: tables and workers of the dataplane over memory-backed ports, and devices that
 * speak to it. The devices seal and open with libsodium (src/hop.h) and build and take apart
 * packets by code of their own, so that nothing here agrees with the dataplane by sharing it. */
#ifndef CHAPPE_TESTS_RELAY_H
#define CHAPPE_TESTS_RELAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/init.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"
#include "dataplane/stage_reset.h"
#include "dataplane/worker.h"
#include "src/control_op.h"
#include "src/hop.h"
#include "store/share.h"

enum {
	RELAY_WORKERS_MAX = 4,
	RELAY_PORTS_MAX = 2,
	RELAY_RING_FRAMES = 1024,
	RELAY_DEVICES = 64,
	RELAY_ROUTES_PER_DEVICE = 4,
	RELAY_VLAN = 5,
	RELAY_VLAN_HOST = 3, /* last byte of the relay's address on that VLAN */
	RELAY_HOST = 2,
};

#define RELAY_MAC "\x02\0\0\0\0\1"
/* Of addresses, whose last byte says who it is. */
#define RELAY_NETWORK4 "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0"
#define RELAY_NETWORK6 "\x20\x01\0\2\0\0\0\0\0\0\0\0\0\0\0"

struct relay_options {
	uint32_t workers, ports, queues; /* zero is one */
	bool tx_checksum;
	bool udp_unsummed; /* [relay] udp_checksum = no */
};

struct relay {
	struct config config;
	struct ports ports;
	struct rte_rcu_qsbr *qsbr;
	struct rte_mempool *pool;
	struct tables *tables;
	struct secrets_box secrets;
	uint32_t worker_count, queues;
	struct worker *workers[RELAY_WORKERS_MAX];
	struct init_state inits[RELAY_WORKERS_MAX];
	struct reset_state resets[RELAY_WORKERS_MAX];
	uint32_t port_count;
	uint16_t port_ids[RELAY_PORTS_MAX];
	struct rte_ring *rx[RELAY_PORTS_MAX][RELAY_WORKERS_MAX];
	struct rte_ring *tx[RELAY_PORTS_MAX][RELAY_WORKERS_MAX];
	struct share share, store; /* the relay's and the store's view, once it is connected */
};

/* EAL for all tests of a program; once. */
int relay_eal(void);
void relay_start(struct relay *relay, const struct relay_options *options);
/* Checks that no mbuf is missing. */
void relay_stop(struct relay *relay);
/* From here on workers hand stored frames over, to be taken from relay->store.up. */
void relay_connect_store(struct relay *relay);
/* One turn of every worker, and what main does with events and grace periods. */
void relay_turn(struct relay *relay);
uint64_t relay_counter(const struct relay *relay, enum counter counter);
uint64_t relay_drops(const struct relay *relay); /* all reasons */
void relay_print(const struct relay *relay);     /* counters that are not zero */
/* Frames waiting in transmit queues of all ports. */
uint32_t relay_waiting(const struct relay *relay);

/* Where a device is, as the relay sees it. host 10.0.0.host or 2001:2::host. */
struct endpoint place(
	uint16_t port, uint8_t family, uint16_t vlan, uint8_t host, uint16_t udp_port);

/* A packet from there, in a fresh buffer; put it into a receive queue with relay_receive(). */
struct rte_mbuf *packet(
	struct relay *relay, const struct endpoint *from, const void *payload, uint32_t len);
void relay_receive(struct relay *relay, uint16_t port, uint16_t queue, struct rte_mbuf *mbuf);

/* A packet that came out: checked (headers, lengths, checksums) and taken apart. */
struct datagram {
	struct endpoint to; /* where it goes */
	uint32_t len;
	uint8_t payload[WIRE_LARGE_BYTES];
};
/* False when no packet waits on the port. */
bool relay_transmitted(struct relay *relay, uint16_t port, struct datagram *datagram);
void packet_parse(
	const struct relay *relay, const struct rte_mbuf *mbuf, struct datagram *datagram);

/* A device with a session. */
struct device_end {
	uint32_t slot, index, peer_index;
	struct endpoint at;
	struct hop_key seal, open;
	uint8_t to_relay[WIRE_KEY_BYTES], from_relay[WIRE_KEY_BYTES];
	uint64_t counter; /* the next it uses */
	uint8_t route[WIRE_ROUTE_BYTES];
};
/* Adds the device with a route to it and installs a pending session of the owner. */
void device_install(struct relay *relay, struct device_end *device, uint32_t slot, uint32_t owner,
	enum wire_suite suite, const struct endpoint *at);
/* The same, confirmed by a keepalive, whose answer is taken. */
void device_connect(struct relay *relay, struct device_end *device, uint32_t slot, uint32_t owner,
	enum wire_suite suite, const struct endpoint *at);

/* Inner header and random payload of a kind; for live: to a route. */
void inner_make(uint8_t *frame, uint32_t len, enum wire_kind kind, const uint8_t *route);
/* Seals with the device's next counter and puts it into queue 0 of its port. */
void device_send(struct relay *relay, struct device_end *device, uint8_t *frame, uint32_t len);
/* Opens what the relay sealed for the device; fails the test where it does not open. */
void device_open(const struct device_end *device, struct datagram *datagram);

#endif
