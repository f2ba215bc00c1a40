/* What the stages know about a datagram: metadata in the private area of its mbuf, set up by
 * classify or by main and read further down the path.
 *
 * After classify the mbuf's data is the UDP payload, nothing before and nothing behind: 512 or 1232
 * bytes. The headers it came with still lie before it until address writes new ones; only
 * frame_source() looks at them. ARP, ICMP and ICMPv6 are left as they came: whole Ethernet frames.
 *
 * What crossed a ring is checked again: pointers to sessions are valid within one turn of a worker
 * and are never read on the other side of a ring; index is. */
#ifndef CHAPPE_DATAPLANE_FRAME_H
#define CHAPPE_DATAPLANE_FRAME_H

#include "src/endpoint.h"
#include "src/wire.h"
#include <rte_mbuf.h>
#include <rte_prefetch.h>

struct session;

enum frame_work {
	FRAME_SEND_RAW = 1,     /* inject: the payload goes out as it is */
	FRAME_SEND_SESSION = 2, /* inject: inner header and payload, to be sealed for index */
	FRAME_PUNT_INIT = 3,    /* punt: an init with good macs */
	FRAME_PUNT_CONTROL = 4, /* punt: an opened control frame, inner header at wire's place */
};

/* C classify, O open, P replay, R roam, S sort, T route, L seal; H host, init and reset stages
 * (host.c, init.c, stage_reset.c); M main. "C:" sets, ":O" reads. */
struct frame {
	struct session *from; /* O:PMARS  the session that opened it; its owner is this worker */
	struct session *to;   /* ST:L     the session to seal for */
	uint64_t counter;     /* C:OPH    of the transport header; L: of the one it goes out with */
	uint32_t index;       /* C:OSM TM:L receiver_index; from route on that of `to` */
	uint32_t device;      /* O:SM     slot of the device that sent it */
	uint32_t owner;       /* H:M      FRAME_PUNT_INIT: the worker to own the session */
	uint32_t source;     /* C:R      mark of the endpoint that sent it: same place, same mark */
	uint16_t vlan;       /* C:RH     0 = untagged */
	uint8_t work;        /* enum frame_work: HS:M on the punt ring, M:L on the inject ring */
	uint8_t family;      /* C:RH     4 or 6 */
	uint8_t ip_bytes;    /* C:RH     IP header that it came with, 20 or 40 */
	uint8_t ether_bytes; /* C:RH     Ethernet header, 14 or 18 with a VLAN tag */
	uint8_t newest;      /* P:RS     its counter is above all earlier ones */
	uint8_t to_endpoint; /* RSHM:A   goes to endpoint below, not to that of session `to` */
	uint8_t source_known; /* R:S      it came from the session's endpoint: no token is due */
	uint8_t reserved[15];
	struct endpoint endpoint; /* RSHM:A valid while to_endpoint or on the punt ring */
};
_Static_assert(sizeof(struct frame) == 128, "two cache lines");

enum { FRAME_PRIVATE_BYTES = sizeof(struct frame) };

static inline struct frame *frame_of(struct rte_mbuf *mbuf)
{
	return rte_mbuf_to_priv(mbuf);
}

/* The chappe frame of an mbuf that classify or main let through. */
static inline uint8_t *frame_bytes(struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod(mbuf, uint8_t *);
}

/* The inner header and payload of a transport frame that is open. */
static inline struct wire_inner *frame_inner(struct rte_mbuf *mbuf)
{
	return (struct wire_inner *)(frame_bytes(mbuf) + WIRE_TRANSPORT_HEADER_BYTES);
}

/* Asks for the lines of a cell but its first, which holds the transport header. */
static inline void frame_prefetch(struct rte_mbuf *mbuf)
{
	enum { LINE_BYTES = 64 };
	const uint8_t *cell = frame_bytes(mbuf);

#pragma GCC unroll 8
	for (uint32_t at = LINE_BYTES; at <= WIRE_SMALL_BYTES; at += LINE_BYTES)
		rte_prefetch0(cell + at);
	if (mbuf->data_len == WIRE_SMALL_BYTES)
		return;
#pragma GCC unroll 11
	for (uint32_t at = WIRE_SMALL_BYTES + LINE_BYTES; at <= WIRE_LARGE_BYTES; at += LINE_BYTES)
		rte_prefetch0(cell + at);
}

/* The endpoint that sent it, so that `endpoint->local` is the address it came to. Reads the headers
 * before the data: only between classify and address, never for what main injects. */
void frame_source(struct rte_mbuf *mbuf, struct endpoint *endpoint);

/* Whether two endpoints are the same place: all but sequence and reserved. */
bool endpoint_same(const struct endpoint *a, const struct endpoint *b);

#endif
