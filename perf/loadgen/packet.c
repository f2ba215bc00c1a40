#include "packet.h"

#include "dataplane/checksum.h"
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

enum { HOPS = 64 };

static uint8_t *write_ether(uint8_t *at, const struct endpoint *device, const uint8_t relay_mac[6])
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)at;
	const rte_be16_t type =
		device->family == 4 ? RTE_BE16(RTE_ETHER_TYPE_IPV4) : RTE_BE16(RTE_ETHER_TYPE_IPV6);

	memcpy(&ether->dst_addr, relay_mac, 6);
	memcpy(&ether->src_addr, device->next_hop, 6);
	ether->ether_type = type;
	if (device->vlan == 0)
		return (uint8_t *)(ether + 1);
	struct rte_vlan_hdr *tag = (struct rte_vlan_hdr *)(ether + 1);
	ether->ether_type = RTE_BE16(RTE_ETHER_TYPE_VLAN);
	tag->vlan_tci = htons(device->vlan);
	tag->eth_proto = type;
	return (uint8_t *)(tag + 1);
}

/* Returns the sum of the pseudo-header, without UDP's length. */
static uint64_t write_ip(uint8_t *at, const struct endpoint *device, uint32_t udp_bytes)
{
	if (device->family == 4) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at;
		*ip = (struct rte_ipv4_hdr){
			.version_ihl = RTE_IPV4_VHL_DEF,
			.total_length = htons((uint16_t)(sizeof *ip + udp_bytes)),
			.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
			.time_to_live = HOPS,
			.next_proto_id = IPPROTO_UDP,
		};
		memcpy(&ip->src_addr, device->remote + 12, 4);
		memcpy(&ip->dst_addr, device->local + 12, 4);
		ip->hdr_checksum = (uint16_t)~checksum_fold(checksum_sum(ip, sizeof *ip));
		return checksum_sum(&ip->src_addr, 8) + RTE_BE16(IPPROTO_UDP);
	}
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at;
	ip->vtc_flow = RTE_BE32(6u << 28);
	ip->payload_len = htons((uint16_t)udp_bytes);
	ip->proto = IPPROTO_UDP;
	ip->hop_limits = HOPS;
	memcpy(ip->src_addr, device->remote, 16);
	memcpy(ip->dst_addr, device->local, 16);
	return checksum_sum(ip->src_addr, 32) + RTE_BE16(IPPROTO_UDP);
}

void packet_template_set(struct packet_template *template, const struct endpoint *device,
	const uint8_t relay_mac[6], uint32_t cell_bytes)
{
	const uint32_t udp_bytes = (uint32_t)sizeof(struct rte_udp_hdr) + cell_bytes;

	memset(template, 0, sizeof *template);
	uint8_t *ip = write_ether(template->bytes, device, relay_mac);
	const uint64_t pseudo = write_ip(ip, device, udp_bytes);
	struct rte_udp_hdr *udp =
		(struct rte_udp_hdr *)(ip + (device->family == 4 ? sizeof(struct rte_ipv4_hdr)
								 : sizeof(struct rte_ipv6_hdr)));
	udp->src_port = device->remote_port;
	udp->dst_port = device->local_port;
	udp->dgram_len = htons((uint16_t)udp_bytes);
	template->udp_sum = pseudo + udp->dgram_len + checksum_sum(udp, sizeof *udp);
	template->udp = (uint8_t)((uint8_t *)udp - template->bytes);
	template->len = (uint8_t)(template->udp + sizeof *udp);
}

void packet_finish(const struct packet_template *template, uint8_t *packet, uint32_t cell_bytes)
{
	memcpy(packet, template->bytes, template->len);
	if (template->unsummed)
		return;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(packet + template->udp);
	const uint16_t checksum = (uint16_t)~checksum_fold(
		template->udp_sum + checksum_sum_cell(packet + template->len, cell_bytes));

	udp->dgram_cksum = checksum != 0 ? checksum : 0xffff; /* zero would say: none */
}

/* Returns the sum of the pseudo-header without UDP's length, or 0. */
static uint64_t parse_ip(struct packet_view *view, rte_be16_t type, uint8_t **at, uint32_t *left)
{
	const struct rte_ipv4_hdr *ip4 = (const struct rte_ipv4_hdr *)*at;
	const struct rte_ipv6_hdr *ip6 = (const struct rte_ipv6_hdr *)*at;

	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4) && *left >= sizeof *ip4) {
		const uint32_t total = ntohs(ip4->total_length);
		if (ip4->version_ihl != RTE_IPV4_VHL_DEF || ip4->next_proto_id != IPPROTO_UDP ||
			(ip4->fragment_offset & ~RTE_BE16(RTE_IPV4_HDR_DF_FLAG)) != 0 ||
			total > *left || total < sizeof *ip4 ||
			checksum_fold(checksum_sum(ip4, sizeof *ip4)) != 0xffff)
			return 0;
		view->family = 4;
		view->source = (const uint8_t *)&ip4->src_addr;
		view->target = (const uint8_t *)&ip4->dst_addr;
		*at += sizeof *ip4;
		*left = total - (uint32_t)sizeof *ip4;
		return checksum_sum(view->source, 8) + RTE_BE16(IPPROTO_UDP);
	}
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV6) && *left >= sizeof *ip6) {
		const uint32_t payload = ntohs(ip6->payload_len);
		if (ip6->proto != IPPROTO_UDP || payload > *left - sizeof *ip6)
			return 0;
		view->family = 6;
		view->source = ip6->src_addr;
		view->target = ip6->dst_addr;
		*at += sizeof *ip6;
		*left = payload;
		return checksum_sum(view->source, 32) + RTE_BE16(IPPROTO_UDP);
	}
	return 0;
}

bool packet_parse(uint8_t *packet, uint32_t len, struct packet_view *view)
{
	const struct rte_ether_hdr *ether = (const struct rte_ether_hdr *)packet;
	uint8_t *at = packet + sizeof *ether;
	uint32_t left = len - (uint32_t)sizeof *ether;

	if (len < sizeof *ether + sizeof(struct rte_vlan_hdr))
		return false;
	rte_be16_t type = ether->ether_type;
	view->vlan = 0;
	view->ether = packet;
	if (type == RTE_BE16(RTE_ETHER_TYPE_VLAN)) {
		const struct rte_vlan_hdr *tag = (const struct rte_vlan_hdr *)at;
		view->vlan = ntohs(tag->vlan_tci) & 0xfff;
		type = tag->eth_proto;
		at += sizeof *tag;
		left -= (uint32_t)sizeof *tag;
	}
	const uint64_t pseudo = parse_ip(view, type, &at, &left);
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)at;
	if (pseudo == 0 || left < sizeof *udp)
		return false;
	const uint32_t udp_bytes = ntohs(udp->dgram_len);
	if (udp_bytes < sizeof *udp || udp_bytes > left)
		return false;
	if ((udp->dgram_cksum != 0 || view->family == 6) &&
		checksum_fold(pseudo + udp->dgram_len + checksum_sum_cell(udp, udp_bytes)) !=
			0xffff)
		return false;
	view->source_port = udp->src_port;
	view->target_port = udp->dst_port;
	view->cell = at + sizeof *udp;
	view->cell_bytes = udp_bytes - (uint32_t)sizeof *udp;
	return true;
}

const uint8_t *packet_peek(const uint8_t *packet, uint32_t len, uint32_t cell_bytes)
{
	const uint32_t ipv4 = 14 + 20 + 8, tag = 4, ipv6 = 20;
	const uint32_t headers = len - cell_bytes;

	return headers == ipv4 || headers == ipv4 + tag || headers == ipv4 + ipv6 ||
			       headers == ipv4 + ipv6 + tag
		       ? packet + headers
		       : NULL;
}

bool packet_is_for(const struct packet_view *view, const struct endpoint *device)
{
	const uint32_t bytes = view->family == 4 ? 4 : 16;

	return view->family == device->family && view->vlan == device->vlan &&
	       view->target_port == device->remote_port &&
	       view->source_port == device->local_port &&
	       memcmp(view->target, device->remote + 16 - bytes, bytes) == 0 &&
	       memcmp(view->source, device->local + 16 - bytes, bytes) == 0 &&
	       memcmp(view->ether, device->next_hop, 6) == 0;
}
