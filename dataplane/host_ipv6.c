/* ICMPv6 echo (RFC 4443) and neighbour solicitations (RFC 4861, 7.2). */
#include "address.h"
#include "host_private.h"

#include <netinet/icmp6.h>
#include <rte_ip.h>

enum {
	HOST_ND_HOP_LIMIT = 255,
	HOST_ND_OPTION_BYTES = 8,
	HOST_ND_SOLICITED = 0x40,
	HOST_ND_OVERRIDE = 0x20,
};

struct host_neighbour { /* solicitation and advertisement, RFC 4861, 4.3 and 4.4 */
	uint8_t type, code;
	rte_be16_t checksum;
	uint8_t flags, reserved[3];
	uint8_t target[16];
	uint8_t options[];
};

/* Sum over pseudo header and message: 0xffff where the checksum in it is right. */
static uint16_t host_icmp6_sum(const struct rte_ipv6_hdr *ip, uint32_t len)
{
	uint32_t sum = rte_ipv6_phdr_cksum(ip, 0);
	sum += rte_raw_cksum(ip + 1, len);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static int host_icmp6_send(struct host_frame *host, uint32_t len, uint8_t hop_limit)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)host->network;
	struct host_echo *message = (struct host_echo *)(ip + 1);
	ip->vtc_flow = RTE_BE32(6U << 28);
	ip->payload_len = rte_cpu_to_be_16((uint16_t)len);
	ip->hop_limits = hop_limit;
	message->checksum = 0;
	message->checksum = (rte_be16_t)~host_icmp6_sum(ip, len);
	return host_send(host, (uint32_t)sizeof *ip + len);
}

static int host_echo6(struct host_frame *host, uint32_t len)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)host->network;
	struct host_echo *echo = (struct host_echo *)(ip + 1);
	uint8_t own[16];
	if (!host_is_ours(host, ip->dst_addr) ||
		!rte_is_same_ether_addr(&host->ether->dst_addr, host_mac(host)))
		return COUNTER_drop_not_for_us;
	if (!address_source_ok(host->worker->config, ip->src_addr))
		return COUNTER_drop_bad_source;
	memcpy(own, ip->dst_addr, 16);
	memcpy(ip->dst_addr, ip->src_addr, 16);
	memcpy(ip->src_addr, own, 16);
	echo->type = ICMP6_ECHO_REPLY;
	worker_count(host->worker, COUNTER_host_echo, 1);
	return host_icmp6_send(host, len, HOST_TTL);
}

/* Walks the options (RFC 4861, 4.6). Returns false where one is not well-formed. */
static bool host_source_option(const uint8_t *option, uint32_t len, const uint8_t **source)
{
	*source = NULL;
	while (len > 0) {
		if (len < 2 || option[1] == 0 || option[1] * 8U > len)
			return false;
		if (option[0] == 1 && option[1] == 1)
			*source = option + 2;
		len -= option[1] * 8U;
		option += option[1] * 8U;
	}
	return true;
}

/* RFC 4861, 7.1.1: what makes a solicitation valid, past length and checksum. */
static int host_solicitation_fault(const struct host_frame *host, const struct rte_ipv6_hdr *ip,
	const struct host_neighbour *nd, uint32_t len, bool unspecified, const uint8_t **link_layer)
{
	static const uint8_t solicited_node[13] = { 0xff, 0x02, [11] = 0x01, 0xff };
	if (ip->hop_limits != HOST_ND_HOP_LIMIT)
		return COUNTER_drop_not_udp;
	if (len < sizeof *nd ||
		!host_source_option(nd->options, len - (uint32_t)sizeof *nd, link_layer))
		return COUNTER_drop_truncated;
	bool to_group = memcmp(ip->dst_addr, solicited_node, sizeof solicited_node) == 0 &&
			memcmp(ip->dst_addr + 13, nd->target + 13, 3) == 0;
	if (!host_is_ours(host, nd->target) ||
		!(to_group || (!unspecified && host_is_ours(host, ip->dst_addr))))
		return COUNTER_drop_not_for_us;
	if (unspecified ? *link_layer != NULL
			: !address_source_ok(host->worker->config, ip->src_addr))
		return COUNTER_drop_bad_source;
	return HOST_ANSWERED;
}

static int host_solicitation(struct host_frame *host, uint32_t len)
{
	static const uint8_t zeros[16], all_nodes[16] = { 0xff, 0x02, [15] = 0x01 };
	static const struct rte_ether_addr all_nodes_mac = { { 0x33, 0x33, 0, 0, 0, 1 } };
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)host->network;
	struct host_neighbour *nd = (struct host_neighbour *)(ip + 1);
	bool unspecified = memcmp(ip->src_addr, zeros, 16) == 0;
	const uint8_t *link_layer = NULL;
	int fault = host_solicitation_fault(host, ip, nd, len, unspecified, &link_layer);
	if (fault != HOST_ANSWERED)
		return fault;
	uint32_t total = (uint32_t)(sizeof *ip + sizeof *nd) + HOST_ND_OPTION_BYTES;
	if (total > host->network_bytes &&
		total - host->network_bytes > rte_pktmbuf_tailroom(host->mbuf))
		return COUNTER_drop_truncated;
	/* An address in use is told to all nodes (RFC 4861, 7.2.4). */
	if (unspecified)
		host->ether->src_addr = all_nodes_mac;
	else if (link_layer)
		memcpy(&host->ether->src_addr, link_layer, RTE_ETHER_ADDR_LEN);
	if (!unspecified && !rte_is_unicast_ether_addr(&host->ether->src_addr))
		return COUNTER_drop_bad_source;
	memcpy(ip->dst_addr, unspecified ? all_nodes : ip->src_addr, 16);
	memcpy(ip->src_addr, nd->target, 16);
	nd->type = ND_NEIGHBOR_ADVERT;
	nd->flags = HOST_ND_OVERRIDE | (unspecified ? 0 : HOST_ND_SOLICITED);
	memset(nd->reserved, 0, sizeof nd->reserved);
	nd->options[0] = ND_OPT_TARGET_LINKADDR;
	nd->options[1] = 1;
	memcpy(nd->options + 2, host_mac(host), RTE_ETHER_ADDR_LEN);
	worker_count(host->worker, COUNTER_host_nd, 1);
	return host_icmp6_send(
		host, (uint32_t)sizeof *nd + HOST_ND_OPTION_BYTES, HOST_ND_HOP_LIMIT);
}

int host_icmp6(struct host_frame *host)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)host->network;
	const struct host_echo *message = (const struct host_echo *)(ip + 1);
	if (host->network_bytes < sizeof *ip)
		return COUNTER_drop_truncated;
	uint32_t len = rte_be_to_cpu_16(ip->payload_len);
	if (len + sizeof *ip > host->network_bytes || len < HOST_ECHO_BYTES_MIN)
		return COUNTER_drop_truncated;
	if (ip->proto != IPPROTO_ICMPV6)
		return COUNTER_drop_not_udp;
	if (host_icmp6_sum(ip, len) != 0xffff)
		return COUNTER_drop_checksum;
	if (message->type == ICMP6_ECHO_REQUEST && message->code == 0)
		return host_echo6(host, len);
	if (message->type == ND_NEIGHBOR_SOLICIT && message->code == 0)
		return host_solicitation(host, len);
	return COUNTER_drop_not_udp;
}
