#include "neighbour.h"

#include "dataplane/checksum.h"
#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_ip.h>

enum {
	ETHER_MIN_BYTES = 60, /* without the check sequence */
	ND_SOLICITATION = 135,
	ND_ADVERTISEMENT = 136,
	ND_SOURCE_LINK_ADDRESS = 1,
	ND_TARGET_LINK_ADDRESS = 2,
	ND_SOLICITED_OVERRIDE = 0x60,
	ND_HOP_LIMIT = 255,
};

/* A solicitation or advertisement with one option. */
struct nd {
	uint8_t type, code;
	uint16_t checksum;
	uint8_t flags, reserved[3];
	uint8_t target[16];
	uint8_t option, option_units, mac[6];
};

static const uint8_t mapped[12] = { [10] = 0xff, 0xff };

static bool is_ipv4(const uint8_t address[16])
{
	return memcmp(address, mapped, sizeof mapped) == 0;
}

static uint8_t *ether_write(
	const struct neighbour *us, uint8_t *packet, const uint8_t to[6], uint16_t type)
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)packet;

	memset(packet, 0, NEIGHBOUR_PACKET_BYTES);
	memcpy(&ether->dst_addr, to, 6);
	memcpy(&ether->src_addr, us->mac, 6);
	ether->ether_type = htons(type);
	if (us->vlan == 0)
		return (uint8_t *)(ether + 1);
	struct rte_vlan_hdr *tag = (struct rte_vlan_hdr *)(ether + 1);
	ether->ether_type = htons(RTE_ETHER_TYPE_VLAN);
	tag->vlan_tci = htons(us->vlan);
	tag->eth_proto = htons(type);
	return (uint8_t *)(tag + 1);
}

static uint32_t padded(uint32_t len)
{
	return len < ETHER_MIN_BYTES ? ETHER_MIN_BYTES : len;
}

/* What follows the Ethernet header, VLAN tag included; NULL where it is not of this type. */
static const uint8_t *ether_body(
	const uint8_t *packet, uint32_t len, uint16_t type, uint32_t body_bytes)
{
	const struct rte_ether_hdr *ether = (const struct rte_ether_hdr *)packet;
	const uint8_t *body = packet + sizeof *ether;
	rte_be16_t found;

	if (len < sizeof *ether + sizeof(struct rte_vlan_hdr))
		return NULL;
	found = ether->ether_type;
	if (found == htons(RTE_ETHER_TYPE_VLAN)) {
		found = ((const struct rte_vlan_hdr *)body)->eth_proto;
		body += sizeof(struct rte_vlan_hdr);
	}
	return found == htons(type) && body + body_bytes <= packet + len ? body : NULL;
}

static uint32_t arp_write(const struct neighbour *us, uint16_t what, const uint8_t to_mac[6],
	const uint8_t source[4], const uint8_t target[4], uint8_t *packet)
{
	static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t *at = ether_write(us, packet, to_mac ? to_mac : everybody, RTE_ETHER_TYPE_ARP);
	struct rte_arp_hdr *arp = (struct rte_arp_hdr *)at;

	arp->arp_hardware = htons(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = htons(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = 6;
	arp->arp_plen = 4;
	arp->arp_opcode = htons(what);
	memcpy(&arp->arp_data.arp_sha, us->mac, 6);
	memcpy(&arp->arp_data.arp_sip, source, 4);
	if (to_mac)
		memcpy(&arp->arp_data.arp_tha, to_mac, 6);
	memcpy(&arp->arp_data.arp_tip, target, 4);
	return padded((uint32_t)(at - packet) + (uint32_t)sizeof *arp);
}

static uint32_t nd_write(const struct neighbour *us, uint8_t type, const uint8_t to_mac[6],
	const uint8_t source[16], const uint8_t destination[16], const uint8_t target[16],
	uint8_t *packet)
{
	uint8_t *at = ether_write(us, packet, to_mac, RTE_ETHER_TYPE_IPV6);
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at;
	struct nd *nd = (struct nd *)(ip + 1);

	ip->vtc_flow = htonl(6u << 28);
	ip->payload_len = htons(sizeof *nd);
	ip->proto = IPPROTO_ICMPV6;
	ip->hop_limits = ND_HOP_LIMIT;
	memcpy(ip->src_addr, source, 16);
	memcpy(ip->dst_addr, destination, 16);
	nd->type = type;
	nd->flags = type == ND_ADVERTISEMENT ? ND_SOLICITED_OVERRIDE : 0;
	memcpy(nd->target, target, 16);
	nd->option = type == ND_ADVERTISEMENT ? ND_TARGET_LINK_ADDRESS : ND_SOURCE_LINK_ADDRESS;
	nd->option_units = 1;
	memcpy(nd->mac, us->mac, 6);
	nd->checksum =
		(uint16_t)~checksum_fold(checksum_sum(ip->src_addr, 32) + htons(IPPROTO_ICMPV6) +
					 htons(sizeof *nd) + checksum_sum(nd, sizeof *nd));
	return padded((uint32_t)(at - packet) + (uint32_t)(sizeof *ip + sizeof *nd));
}

uint32_t neighbour_ask(const struct neighbour *us, const uint8_t target[16],
	uint8_t packet[NEIGHBOUR_PACKET_BYTES])
{
	if (is_ipv4(target))
		return arp_write(us, RTE_ARP_OP_REQUEST, NULL, us->first + 12, target + 12, packet);
	/* The solicited-node address, and its Ethernet multicast (RFC 4291, 2.7.1; RFC 2464, 7). */
	const uint8_t mac[6] = { 0x33, 0x33, 0xff, target[13], target[14], target[15] };
	const uint8_t node[16] = { 0xff, 2, [11] = 1, 0xff, target[13], target[14], target[15] };
	return nd_write(us, ND_SOLICITATION, mac, us->first, node, target, packet);
}

bool neighbour_tells(const uint8_t *packet, uint32_t len, const uint8_t target[16], uint8_t mac[6])
{
	if (is_ipv4(target)) {
		const struct rte_arp_hdr *arp = (const struct rte_arp_hdr *)ether_body(
			packet, len, RTE_ETHER_TYPE_ARP, sizeof *arp);
		if (arp == NULL || memcmp(&arp->arp_data.arp_sip, target + 12, 4) != 0)
			return false;
		memcpy(mac, &arp->arp_data.arp_sha, 6);
		return true;
	}
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)ether_body(
		packet, len, RTE_ETHER_TYPE_IPV6, sizeof *ip + sizeof(struct nd));
	if (ip == NULL || ip->proto != IPPROTO_ICMPV6)
		return false;
	const struct nd *nd = (const struct nd *)(ip + 1);
	if (nd->type != ND_ADVERTISEMENT || nd->option != ND_TARGET_LINK_ADDRESS ||
		memcmp(nd->target, target, 16) != 0)
		return false;
	memcpy(mac, nd->mac, 6);
	return true;
}

static bool ours(const struct neighbour *us, const uint8_t *address, uint32_t bytes)
{
	uint32_t first, asked;

	if (memcmp(address, us->first + 16 - bytes, bytes - 4) != 0)
		return false;
	memcpy(&first, us->first + 12, 4);
	memcpy(&asked, address + bytes - 4, 4);
	return ntohl(asked) - ntohl(first) < us->count;
}

uint32_t neighbour_answer(const struct neighbour *us, const uint8_t *question, uint32_t len,
	uint8_t packet[NEIGHBOUR_PACKET_BYTES])
{
	const struct rte_arp_hdr *arp = (const struct rte_arp_hdr *)ether_body(
		question, len, RTE_ETHER_TYPE_ARP, sizeof *arp);

	if (arp != NULL) {
		const uint8_t *asked = (const uint8_t *)&arp->arp_data.arp_tip;
		if (!is_ipv4(us->first) || arp->arp_opcode != htons(RTE_ARP_OP_REQUEST) ||
			!ours(us, asked, 4))
			return 0;
		return arp_write(us, RTE_ARP_OP_REPLY, (const uint8_t *)&arp->arp_data.arp_sha,
			asked, (const uint8_t *)&arp->arp_data.arp_sip, packet);
	}
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)ether_body(
		question, len, RTE_ETHER_TYPE_IPV6, sizeof *ip + sizeof(struct nd));
	if (ip == NULL || ip->proto != IPPROTO_ICMPV6)
		return 0;
	const struct nd *nd = (const struct nd *)(ip + 1);
	if (nd->type != ND_SOLICITATION || nd->option != ND_SOURCE_LINK_ADDRESS ||
		!ours(us, nd->target, 16))
		return 0;
	return nd_write(
		us, ND_ADVERTISEMENT, nd->mac, nd->target, ip->src_addr, nd->target, packet);
}
