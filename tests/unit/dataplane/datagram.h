/* Datagrams as classify hands them on: headers in the buffer, its data the UDP payload. */
#ifndef CHAPPE_TESTS_DATAGRAM_H
#define CHAPPE_TESTS_DATAGRAM_H

#include "dataplane/frame.h"
#include <arpa/inet.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

/* From an address and port to 198.18.0.2 or 2001:2::2, port 4460, on DPDK port 0. */
static inline struct rte_mbuf *datagram_in(struct rte_mempool *pool, const char *source,
	uint16_t source_port, const void *payload, uint32_t len)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
	struct frame *frame = frame_of(mbuf);
	const bool v6 = strchr(source, ':') != NULL;
	memset(frame, 0, sizeof *frame);
	frame->family = v6 ? 6 : 4;
	frame->ip_bytes = v6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
	frame->ether_bytes = sizeof(struct rte_ether_hdr);
	const uint32_t headers =
		(uint32_t)sizeof(struct rte_udp_hdr) + frame->ip_bytes + frame->ether_bytes;
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(headers + len));
	memset(at, 0, headers);
	((struct rte_ether_hdr *)at)->src_addr = (struct rte_ether_addr){ { 2, 0, 0, 0, 0, 9 } };
	at += frame->ether_bytes;
	if (v6) {
		struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at;
		inet_pton(AF_INET6, source, ip->src_addr);
		inet_pton(AF_INET6, "2001:2::2", ip->dst_addr);
	} else {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at;
		inet_pton(AF_INET, source, &ip->src_addr);
		inet_pton(AF_INET, "198.18.0.2", &ip->dst_addr);
	}
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(at + frame->ip_bytes);
	udp->src_port = htons(source_port);
	udp->dst_port = htons(WIRE_PORT);
	memcpy(udp + 1, payload, len);
	rte_pktmbuf_adj(mbuf, (uint16_t)headers);
	mbuf->port = 0;
	return mbuf;
}

#endif
