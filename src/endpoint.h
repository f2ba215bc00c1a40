/* Where the frames of a session go: everything the dataplane needs to reach a device without asking
 * ARP. Made by the dataplane from a received frame; control hands it back as it got it. */
#ifndef CHAPPE_ENDPOINT_H
#define CHAPPE_ENDPOINT_H

#include <stdint.h>

struct endpoint {
	uint32_t sequence;   /* of the seqlock where the endpoint is shared; else 0 */
	uint16_t port;       /* DPDK port */
	uint16_t vlan;       /* VLAN identifier, 0 = untagged */
	uint8_t next_hop[6]; /* source MAC of the last frame */
	uint8_t family;      /* 4 or 6 */
	uint8_t zero;
	uint8_t local[16]; /* the relay's address; IPv4 as ::ffff:a.b.c.d */
	uint8_t remote[16];
	uint16_t local_port;  /* network byte order */
	uint16_t remote_port; /* network byte order */
	uint8_t reserved[12]; /* the dataplane's, e.g. checksums worked out in advance */
};
_Static_assert(sizeof(struct endpoint) == 64, "one cache line");

#endif
