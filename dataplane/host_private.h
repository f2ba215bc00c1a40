/* Between the files that answer as a host: host.c takes frames apart and sends answers, host_ipv4.c
 * and host_ipv6.c write them. */
#ifndef CHAPPE_DATAPLANE_HOST_PRIVATE_H
#define CHAPPE_DATAPLANE_HOST_PRIVATE_H

#include "stage.h"
#include <rte_ether.h>

enum {
	HOST_TTL = 64,
	HOST_ECHO_BYTES_MIN = 8,
	HOST_ANSWERED = -1, /* else the enum counter of a drop */
};

/* What all answers need of a frame. */
struct host_frame {
	struct worker *worker;
	struct rte_mbuf *mbuf;
	struct rte_ether_hdr *ether;
	uint8_t *network;       /* what follows Ethernet and VLAN headers */
	uint32_t network_bytes; /* of it in the buffer */
	uint32_t link_bytes;    /* Ethernet and VLAN headers */
	uint16_t type, vlan;
};

struct host_echo {
	uint8_t type, code;
	rte_be16_t checksum;
	uint8_t rest[];
};

/* The relay answers to the address where the frame came in. */
bool host_is_ours(const struct host_frame *host, const uint8_t address[16]);

static inline const struct rte_ether_addr *host_mac(const struct host_frame *host)
{
	return &host->worker->ports[host->mbuf->port].mac;
}

/* The answer goes back where the frame came from and ends after network_bytes. Returns
 * HOST_ANSWERED. */
int host_send(struct host_frame *host, uint32_t network_bytes);

/* Each answers in place: HOST_ANSWERED, or the counter of the reason to drop the frame. */
int host_arp(struct host_frame *host);
int host_icmp(struct host_frame *host);
int host_icmp6(struct host_frame *host);

#endif
