/* Headers of what the relay sends, written before the cell. Sums are in the byte order of the wire
 * (checksum.h). */
#ifndef CHAPPE_DATAPLANE_HEADERS_H
#define CHAPPE_DATAPLANE_HEADERS_H

#include "src/endpoint.h"
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <string.h>

enum { HEADERS_HOPS = 64, HEADERS_IPV6_VERSION = 6 << 28 };

static inline void headers_ether(
	uint8_t *at, const struct endpoint *endpoint, const struct rte_ether_addr *source)
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)at;
	const rte_be16_t type = endpoint->family == 4 ? RTE_BE16(RTE_ETHER_TYPE_IPV4)
						      : RTE_BE16(RTE_ETHER_TYPE_IPV6);

	memcpy(&ether->dst_addr, endpoint->next_hop, sizeof ether->dst_addr);
	ether->src_addr = *source;
	if (endpoint->vlan == 0) {
		ether->ether_type = type;
		return;
	}
	struct rte_vlan_hdr *tag = (struct rte_vlan_hdr *)(ether + 1);
	ether->ether_type = RTE_BE16(RTE_ETHER_TYPE_VLAN);
	tag->vlan_tci = rte_cpu_to_be_16(endpoint->vlan);
	tag->eth_proto = type;
}

static inline void headers_ipv4(
	void *at, const struct endpoint *endpoint, rte_be16_t total, uint16_t checksum)
{
	struct rte_ipv4_hdr *ip = at;

	/* Never fragmented, so the identifier says nothing (RFC 6864). */
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = total,
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = HEADERS_HOPS,
		.next_proto_id = IPPROTO_UDP,
		.hdr_checksum = checksum,
	};
	memcpy(&ip->src_addr, endpoint->local + 12, 4);
	memcpy(&ip->dst_addr, endpoint->remote + 12, 4);
}

static inline void headers_ipv6(void *at, const struct endpoint *endpoint, rte_be16_t payload)
{
	struct rte_ipv6_hdr *ip = at;

	ip->vtc_flow = RTE_BE32(HEADERS_IPV6_VERSION);
	ip->payload_len = payload;
	ip->proto = IPPROTO_UDP;
	ip->hop_limits = HEADERS_HOPS;
	memcpy(ip->src_addr, endpoint->local, 16);
	memcpy(ip->dst_addr, endpoint->remote, 16);
}

static inline void headers_udp(
	void *at, const struct endpoint *endpoint, rte_be16_t bytes, uint16_t checksum)
{
	*(struct rte_udp_hdr *)at = (struct rte_udp_hdr){
		.src_port = endpoint->local_port,
		.dst_port = endpoint->remote_port,
		.dgram_len = bytes,
		.dgram_cksum = checksum,
	};
}

#endif
