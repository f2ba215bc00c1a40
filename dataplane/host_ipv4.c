/* ARP (RFC 826) and ICMP echo (RFC 792). */
#include "address.h"
#include "host_private.h"

#include <rte_arp.h>
#include <rte_icmp.h>
#include <rte_ip.h>

int host_arp(struct host_frame *host)
{
	struct rte_arp_hdr *arp = (struct rte_arp_hdr *)host->network;
	uint8_t target[16];
	if (host->network_bytes < sizeof *arp)
		return COUNTER_drop_truncated;
	if (arp->arp_hardware != RTE_BE16(RTE_ARP_HRD_ETHER) ||
		arp->arp_protocol != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
		arp->arp_hlen != RTE_ETHER_ADDR_LEN || arp->arp_plen != sizeof(rte_be32_t) ||
		arp->arp_opcode != RTE_BE16(RTE_ARP_OP_REQUEST))
		return COUNTER_drop_not_udp;
	struct rte_arp_ipv4 *data = &arp->arp_data;
	address_from_ipv4(target, &data->arp_tip);
	if (!host_is_ours(host, target))
		return COUNTER_drop_not_for_us;
	uint8_t sender[16];
	address_from_ipv4(sender, &data->arp_sip);
	/* A sender of 0.0.0.0 is a probe, which who has the address answers (RFC 5227, 2.1.1). */
	if (!rte_is_unicast_ether_addr(&data->arp_sha) ||
		(data->arp_sip != 0 && !address_source_ok(host->worker->config, sender)))
		return COUNTER_drop_bad_source;
	rte_be32_t own = data->arp_tip;
	arp->arp_opcode = RTE_BE16(RTE_ARP_OP_REPLY);
	data->arp_tha = data->arp_sha;
	data->arp_tip = data->arp_sip;
	data->arp_sha = *host_mac(host);
	data->arp_sip = own;
	worker_count(host->worker, COUNTER_host_arp, 1);
	return host_send(host, sizeof *arp);
}

int host_icmp(struct host_frame *host)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)host->network;
	struct host_echo *echo = (struct host_echo *)(ip + 1);
	if (host->network_bytes < sizeof *ip)
		return COUNTER_drop_truncated;
	uint32_t total = rte_be_to_cpu_16(ip->total_length);
	if (ip->version_ihl != RTE_IPV4_VHL_DEF)
		return COUNTER_drop_ip_options;
	if (total > host->network_bytes || total < sizeof *ip + HOST_ECHO_BYTES_MIN)
		return COUNTER_drop_truncated;
	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		return COUNTER_drop_fragment;
	if (ip->next_proto_id != IPPROTO_ICMP || echo->type != RTE_IP_ICMP_ECHO_REQUEST ||
		echo->code != 0)
		return COUNTER_drop_not_udp;
	uint8_t source[16], target[16];
	address_from_ipv4(source, &ip->src_addr);
	address_from_ipv4(target, &ip->dst_addr);
	if (!host_is_ours(host, target) ||
		!rte_is_same_ether_addr(&host->ether->dst_addr, host_mac(host)))
		return COUNTER_drop_not_for_us;
	if (!address_source_ok(host->worker->config, source))
		return COUNTER_drop_bad_source;
	if (rte_raw_cksum(ip, sizeof *ip) != 0xffff ||
		rte_raw_cksum(echo, total - sizeof *ip) != 0xffff)
		return COUNTER_drop_checksum;
	rte_be32_t own = ip->dst_addr;
	ip->dst_addr = ip->src_addr;
	ip->src_addr = own;
	ip->time_to_live = HOST_TTL;
	ip->packet_id = 0;
	ip->fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	echo->type = RTE_IP_ICMP_ECHO_REPLY;
	echo->checksum = 0;
	echo->checksum = (rte_be16_t)~rte_raw_cksum(echo, total - sizeof *ip);
	worker_count(host->worker, COUNTER_host_echo, 1);
	return host_send(host, total);
}
