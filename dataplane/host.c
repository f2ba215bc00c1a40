/* The relay as a host: answers ARP (RFC 826), ICMP and ICMPv6 echo (RFC 792, RFC 4443) and
 * neighbour solicitations (RFC 4861, 7.2) for its own addresses, in the buffer that asked. */
#include "host_private.h"

#include "address.h"

static bool host_parse(struct worker *worker, struct rte_mbuf *mbuf, struct host_frame *host)
{
	/* The answer needs the tag that the port took off, in the same place. */
	if ((mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 && rte_vlan_insert(&mbuf) != 0)
		return false;
	uint32_t len = rte_pktmbuf_data_len(mbuf);
	*host = (struct host_frame){ .worker = worker,
		.mbuf = mbuf,
		.ether = rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *),
		.link_bytes = sizeof(struct rte_ether_hdr) };
	if (len < host->link_bytes)
		return false;
	host->type = rte_be_to_cpu_16(host->ether->ether_type);
	if (host->type == RTE_ETHER_TYPE_VLAN) {
		const struct rte_vlan_hdr *vlan = (const void *)(host->ether + 1);
		host->link_bytes += (uint32_t)sizeof *vlan;
		if (len < host->link_bytes)
			return false;
		host->type = rte_be_to_cpu_16(vlan->eth_proto);
		host->vlan = rte_be_to_cpu_16(vlan->vlan_tci) & 0xfff;
	}
	host->network = (uint8_t *)host->ether + host->link_bytes;
	host->network_bytes = len - host->link_bytes;
	return true;
}

bool host_is_ours(const struct host_frame *host, const uint8_t address[16])
{
	return address_answered(host->worker->config, address, host->vlan, host->mbuf->port);
}

int host_send(struct host_frame *host, uint32_t network_bytes)
{
	host->ether->dst_addr = host->ether->src_addr;
	host->ether->src_addr = *host_mac(host);
	host->mbuf->data_len = (uint16_t)(host->link_bytes + network_bytes);
	host->mbuf->pkt_len = host->mbuf->data_len;
	/* The checksums are here already. Whose memory the buffer is stays as it was. */
	host->mbuf->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	return HOST_ANSWERED;
}

static int host_handle(struct worker *worker, struct rte_mbuf *mbuf)
{
	struct host_frame host;
	if (!host_parse(worker, mbuf, &host))
		return COUNTER_drop_truncated;
	if (!rte_is_unicast_ether_addr(&host.ether->src_addr))
		return COUNTER_drop_bad_source;
	switch (host.type) {
	case RTE_ETHER_TYPE_ARP:
		return host_arp(&host);
	case RTE_ETHER_TYPE_IPV4:
		return host_icmp(&host);
	case RTE_ETHER_TYPE_IPV6:
		return host_icmp6(&host);
	default:
		return COUNTER_drop_not_ip;
	}
}

uint32_t host_answer(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	uint32_t answers = 0;
	for (uint32_t i = 0; i < n; i++) {
		int outcome = host_handle(worker, frames[i]);
		if (outcome == HOST_ANSWERED)
			frames[answers++] = frames[i];
		else
			worker_drop(worker, frames[i], (enum counter)outcome);
	}
	return answers;
}
