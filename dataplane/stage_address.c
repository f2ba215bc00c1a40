#include "checksum.h"
#include "headers.h"
#include "session.h"
#include "stage.h"

/* Header sizes for an endpoint. */
struct sizes {
	uint16_t ether, ip, all;
};

static inline struct sizes sizes_of(const struct endpoint *endpoint)
{
	struct sizes sizes = { .ether = sizeof(struct rte_ether_hdr) };

	if (endpoint->vlan != 0)
		sizes.ether = sizeof(struct rte_ether_hdr) + sizeof(struct rte_vlan_hdr);
	sizes.ip =
		endpoint->family == 4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	sizes.all = (uint16_t)(sizes.ether + sizes.ip + sizeof(struct rte_udp_hdr));
	return sizes;
}

static inline void write_ip(uint8_t *at, const struct endpoint *endpoint,
	const struct endpoint_sums *sums, uint32_t udp_bytes, bool offload)
{
	if (endpoint->family == 4) {
		const rte_be16_t total =
			rte_cpu_to_be_16((uint16_t)(sizeof(struct rte_ipv4_hdr) + udp_bytes));
		headers_ipv4(at, endpoint, total,
			offload ? 0 : (uint16_t)~checksum_fold((uint64_t)sums->ip + total));
	} else {
		headers_ipv6(at, endpoint, rte_cpu_to_be_16((uint16_t)udp_bytes));
	}
}

static inline void write_udp(uint8_t *at, const struct endpoint *endpoint,
	const struct endpoint_sums *sums, uint32_t udp_bytes, bool offload)
{
	const rte_be16_t bytes = rte_cpu_to_be_16((uint16_t)udp_bytes);
	const uint64_t pseudo = (uint64_t)sums->pseudo + bytes;

	/* The port adds the rest and inverts. */
	headers_udp(at, endpoint, bytes, offload ? checksum_fold(pseudo) : 0);
	if (offload)
		return;
	const uint16_t checksum = (uint16_t)~checksum_fold(pseudo + checksum_sum(at, udp_bytes));
	/* zero would say: none */
	((struct rte_udp_hdr *)at)->dgram_cksum = checksum != 0 ? checksum : 0xffff;
}

static inline void set_offload(struct rte_mbuf *mbuf, const struct endpoint *endpoint,
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
static inline bool address(
	struct worker *worker, struct rte_mbuf *mbuf, const struct endpoint *endpoint)
{
	const struct sizes sizes = sizes_of(endpoint);
	const struct endpoint_sums sums = endpoint_sums(endpoint);
	const uint32_t udp_bytes = (uint32_t)sizeof(struct rte_udp_hdr) + mbuf->data_len;

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
	headers_ether(ether, endpoint, &port->mac);
	write_ip(ip, endpoint, &sums, udp_bytes, port->tx_checksum);
	write_udp(ip + sizes.ip, endpoint, &sums, udp_bytes, port->tx_checksum);
	set_offload(mbuf, endpoint, &sizes, port->tx_checksum);
	return true;
}

uint32_t stage_address(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	uint32_t on = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct frame *frame = frame_of(frames[i]);
		struct endpoint endpoint;
		if (likely(!frame->to_endpoint)) {
			endpoint_read(&frame->to->send.endpoint, &endpoint);
		} else {
			endpoint = frame->endpoint;
			endpoint_prepare(&endpoint);
		}
		if (likely(address(worker, frames[i], &endpoint)))
			frames[on++] = frames[i];
		else
			worker_drop(worker, frames[i], COUNTER_drop_endpoint);
	}
	stage_check_flow(worker, before, on, n);
	return on;
}
