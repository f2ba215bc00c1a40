#include "checksum.h"
#include "session.h"
#include "stage.h"

#include <assert.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

enum { HOPS = 64, IPV6_VERSION = 6 << 28 };

/* Header sizes for an endpoint. */
struct sizes {
	uint16_t ether, ip, all;
};

static struct sizes sizes_of(const struct endpoint *endpoint)
{
	struct sizes sizes = { .ether = sizeof(struct rte_ether_hdr) };

	if (endpoint->vlan != 0)
		sizes.ether = sizeof(struct rte_ether_hdr) + sizeof(struct rte_vlan_hdr);
	sizes.ip =
		endpoint->family == 4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	sizes.all = (uint16_t)(sizes.ether + sizes.ip + sizeof(struct rte_udp_hdr));
	return sizes;
}

static void write_ether(
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

/* Both return the sum of the pseudo-header, without UDP's length. */
static uint64_t write_ipv4(
	uint8_t *at, const struct endpoint *endpoint, uint16_t udp_bytes, bool offload)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at;

	/* Never fragmented, so the identifier says nothing (RFC 6864). */
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof *ip + udp_bytes)),
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = HOPS,
		.next_proto_id = IPPROTO_UDP,
	};
	memcpy(&ip->src_addr, endpoint->local + 12, 4);
	memcpy(&ip->dst_addr, endpoint->remote + 12, 4);
	if (!offload)
		ip->hdr_checksum = (uint16_t)~checksum_fold(checksum_sum(ip, sizeof *ip));
	return checksum_sum(&ip->src_addr, 8) + RTE_BE16(IPPROTO_UDP);
}

static uint64_t write_ipv6(uint8_t *at, const struct endpoint *endpoint, uint16_t udp_bytes)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at;

	ip->vtc_flow = RTE_BE32(IPV6_VERSION);
	ip->payload_len = rte_cpu_to_be_16(udp_bytes);
	ip->proto = IPPROTO_UDP;
	ip->hop_limits = HOPS;
	memcpy(ip->src_addr, endpoint->local, 16);
	memcpy(ip->dst_addr, endpoint->remote, 16);
	return checksum_sum(ip->src_addr, 32) + RTE_BE16(IPPROTO_UDP);
}

static void write_udp(uint8_t *at, const struct endpoint *endpoint, uint16_t udp_bytes,
	uint64_t pseudo, bool offload)
{
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)at;

	udp->src_port = endpoint->local_port;
	udp->dst_port = endpoint->remote_port;
	udp->dgram_len = rte_cpu_to_be_16(udp_bytes);
	udp->dgram_cksum = 0;
	pseudo += udp->dgram_len;
	if (offload) {
		/* The port adds the rest and inverts. */
		udp->dgram_cksum = checksum_fold(pseudo);
		return;
	}
	const uint16_t checksum = (uint16_t)~checksum_fold(pseudo + checksum_sum(udp, udp_bytes));
	udp->dgram_cksum = checksum != 0 ? checksum : 0xffff; /* zero would say: none */
}

static void set_offload(struct rte_mbuf *mbuf, const struct endpoint *endpoint,
	const struct sizes *sizes, bool offload)
{
	/* What came in says nothing about what goes out. */
	mbuf->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	if (!offload)
		return;
	mbuf->tx_offload = rte_mbuf_tx_offload(sizes->ether, sizes->ip, 0, 0, 0, 0, 0);
	mbuf->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
	mbuf->ol_flags |= endpoint->family == 4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM
						: RTE_MBUF_F_TX_IPV6;
}

/* False where the endpoint can't be reached from here. */
static bool address(struct worker *worker, struct rte_mbuf *mbuf, const struct endpoint *endpoint)
{
	const struct sizes sizes = sizes_of(endpoint);
	const uint16_t udp_bytes = (uint16_t)(sizeof(struct rte_udp_hdr) + mbuf->data_len);

	if (endpoint->port >= WORKER_PORTS_MAX || !worker->ports[endpoint->port].present ||
		(endpoint->family != 4 && endpoint->family != 6) ||
		rte_pktmbuf_headroom(mbuf) < sizes.all)
		return false;
	const struct worker_port *port = &worker->ports[endpoint->port];
	mbuf->data_off = (uint16_t)(mbuf->data_off - sizes.all);
	mbuf->data_len = (uint16_t)(mbuf->data_len + sizes.all);
	mbuf->pkt_len = mbuf->data_len;
	mbuf->port = endpoint->port;
	uint8_t *ether = rte_pktmbuf_mtod(mbuf, uint8_t *), *ip = ether + sizes.ether;
	write_ether(ether, endpoint, &port->mac);
	const uint64_t pseudo = endpoint->family == 4
					? write_ipv4(ip, endpoint, udp_bytes, port->tx_checksum)
					: write_ipv6(ip, endpoint, udp_bytes);
	write_udp(ip + sizes.ip, endpoint, udp_bytes, pseudo, port->tx_checksum);
	set_offload(mbuf, endpoint, &sizes, port->tx_checksum);
	return true;
}

uint32_t stage_address(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	uint32_t on = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct frame *frame = frame_of(frames[i]);
		struct endpoint current;
		const struct endpoint *endpoint = &frame->endpoint;
		if (!frame->to_endpoint) {
			endpoint_read(&frame->to->send.endpoint, &current);
			endpoint = &current;
		}
		if (likely(address(worker, frames[i], endpoint)))
			frames[on++] = frames[i];
		else
			worker_drop(worker, frames[i], COUNTER_drop_endpoint);
	}
	assert(stage_flow(worker) - before + on == n);
	return on;
}
