#include "frame.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

void frame_source(struct rte_mbuf *mbuf, struct endpoint *endpoint)
{
	const struct frame *frame = frame_of(mbuf);
	const uint8_t *udp_at = frame_bytes(mbuf) - sizeof(struct rte_udp_hdr);
	const uint8_t *ip_at = udp_at - frame->ip_bytes;
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)udp_at;
	const struct rte_ether_hdr *ether;

	memset(endpoint, 0, sizeof *endpoint);
	endpoint->port = mbuf->port;
	endpoint->vlan = frame->vlan;
	endpoint->family = frame->family;
	ether = (const struct rte_ether_hdr *)(ip_at - frame->ether_bytes);
	memcpy(endpoint->next_hop, &ether->src_addr, sizeof endpoint->next_hop);
	if (frame->family == 4) {
		const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)ip_at;
		endpoint->local[10] = endpoint->local[11] = 0xff;
		endpoint->remote[10] = endpoint->remote[11] = 0xff;
		memcpy(endpoint->local + 12, &ip->dst_addr, 4);
		memcpy(endpoint->remote + 12, &ip->src_addr, 4);
	} else {
		const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)ip_at;
		memcpy(endpoint->local, ip->dst_addr, 16);
		memcpy(endpoint->remote, ip->src_addr, 16);
	}
	endpoint->local_port = udp->dst_port;
	endpoint->remote_port = udp->src_port;
}

bool endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
	enum {
		FIRST = offsetof(struct endpoint, port),
		LAST = offsetof(struct endpoint, reserved)
	};

	return memcmp((const uint8_t *)a + FIRST, (const uint8_t *)b + FIRST, LAST - FIRST) == 0;
}
