#include "checksum.h"
#include "headers.h"
#include "session.h"
#include "stage.h"

/* Returns where the UDP header begins. */
static inline uint8_t *write_ip(uint8_t *at, const struct endpoint *endpoint, bool ipv4,
	const struct endpoint_sums *sums, uint32_t udp_bytes, bool offload)
{
	if (!ipv4)
		return headers_ipv6(at, endpoint, rte_cpu_to_be_16((uint16_t)udp_bytes));
	const rte_be16_t total =
		rte_cpu_to_be_16((uint16_t)(sizeof(struct rte_ipv4_hdr) + udp_bytes));
	return headers_ipv4(
		at, endpoint, total, offload ? 0 : (uint16_t)~checksum_fold_two(sums->ip + total));
}

static inline void write_udp(uint8_t *at, const struct endpoint *endpoint,
	const struct endpoint_sums *sums, uint32_t udp_bytes, bool offload, bool unsummed)
{
	const rte_be16_t bytes = rte_cpu_to_be_16((uint16_t)udp_bytes);
	const uint16_t pseudo = checksum_fold_two(sums->pseudo + bytes);

	if (offload) { /* the port adds the rest and inverts */
		headers_udp(at, endpoint, bytes, pseudo);
		return;
	}
	if (unsummed) { /* zero says: none (RFC 768) */
		headers_udp(at, endpoint, bytes, 0);
		return;
	}
	/* The header's part from registers: a wide read of what was just written would wait. */
	const uint64_t header =
		(uint64_t)pseudo + bytes + endpoint->local_port + endpoint->remote_port;
	const uint32_t cell_bytes = udp_bytes - (uint32_t)sizeof(struct rte_udp_hdr);
	const uint16_t checksum = (uint16_t)~checksum_fold(
		header + checksum_sum_cell(at + sizeof(struct rte_udp_hdr), cell_bytes));
	headers_udp(at, endpoint, bytes, checksum != 0 ? checksum : 0xffff);
}

static inline void set_offload(
	struct rte_mbuf *mbuf, bool ipv4, uint32_t ether_bytes, uint32_t ip_bytes, bool offload)
{
	/* What came in says nothing about what goes out. */
	uint64_t flags = mbuf->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);

	if (offload) {
		mbuf->tx_offload = rte_mbuf_tx_offload(ether_bytes, ip_bytes, 0, 0, 0, 0, 0);
		flags |= RTE_MBUF_F_TX_UDP_CKSUM |
			 (ipv4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6);
	}
	mbuf->ol_flags = flags;
}

/* False where the endpoint can't be reached from here. */
static inline bool address_as(struct worker *worker, struct rte_mbuf *mbuf,
	const struct endpoint *endpoint, bool tagged, bool ipv4)
{
	const uint32_t ether_bytes = (uint32_t)(sizeof(struct rte_ether_hdr) +
						(tagged ? sizeof(struct rte_vlan_hdr) : 0));
	const uint32_t ip_bytes = ipv4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	const uint32_t bytes = ether_bytes + ip_bytes + (uint32_t)sizeof(struct rte_udp_hdr);
	const struct endpoint_sums sums = endpoint_sums(endpoint);
	const uint32_t udp_bytes = (uint32_t)sizeof(struct rte_udp_hdr) + mbuf->data_len;

	if (unlikely(endpoint->port >= WORKER_PORTS_MAX || !worker->ports[endpoint->port].present ||
		     rte_pktmbuf_headroom(mbuf) < bytes))
		return false;
	const struct worker_port *port = &worker->ports[endpoint->port];
	const bool offload = port->tx_checksum;
	const uint32_t len = mbuf->data_len + bytes;
	mbuf->data_off = (uint16_t)(mbuf->data_off - bytes);
	mbuf->data_len = (uint16_t)len;
	mbuf->pkt_len = len;
	mbuf->port = endpoint->port;
	uint8_t *ip = headers_ether(
		rte_pktmbuf_mtod(mbuf, uint8_t *), endpoint, tagged, ipv4, &port->mac);
	uint8_t *udp = write_ip(ip, endpoint, ipv4, &sums, udp_bytes, offload);
	/* Over IPv6 a checksum is a must (RFC 8200, 8.1). */
	write_udp(udp, endpoint, &sums, udp_bytes, offload, ipv4 && port->tx_unsummed);
	set_offload(mbuf, ipv4, ether_bytes, ip_bytes, offload);
	return true;
}

/* The four shapes of headers, each with lengths that the compiler knows. */
static inline bool address(
	struct worker *worker, struct rte_mbuf *mbuf, const struct endpoint *endpoint)
{
	const bool tagged = endpoint->vlan != 0;

	if (endpoint->family == 4)
		return tagged ? address_as(worker, mbuf, endpoint, true, true)
			      : address_as(worker, mbuf, endpoint, false, true);
	if (endpoint->family == 6)
		return tagged ? address_as(worker, mbuf, endpoint, true, false)
			      : address_as(worker, mbuf, endpoint, false, false);
	return false;
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
