/* Packets between devices and the relay, made and checked by code of their own: nothing here agrees
 * with the dataplane by sharing it. */
#include "bench.h"
#include "rig.h"

#include <netinet/in.h>

enum {
	ETHER_BYTES = 14,
	IPV4_BYTES = 20,
	IPV6_BYTES = 40,
	UDP_BYTES = 8,
	DEVICE_PORT = 40000,
};

static const uint8_t relay_mac[6] = { 0x02, 0, 0, 0, 0, 1 };
static const uint8_t gateway_mac[6] = { 0x02, 0, 0, 0, 1, 0 };

struct rig_addresses {
	uint8_t relay[16], device[16];
};

/* Devices are in 10.0.0.0/8 or 2001:2:0:1::/64, number n at host n + 1. */
static struct rig_addresses addresses(const struct rig *rig, uint32_t device)
{
	struct rig_addresses at;
	const uint32_t host = htonl(device + 1);
	const bool ipv4 = rig->options.family == 4;

	memcpy(at.relay, rig->config.addresses[ipv4 ? 0 : 1].address, 16);
	memcpy(at.device, at.relay, 16);
	at.device[7] = ipv4 ? 0 : 1;
	memcpy(at.device + 12, &host, 4);
	if (ipv4)
		at.device[12] = 10;
	return at;
}

struct endpoint rig_endpoint(const struct rig *rig, uint32_t device)
{
	const struct rig_addresses at = addresses(rig, device);
	struct endpoint endpoint = {
		.port = rig->port,
		.family = (uint8_t)rig->options.family,
		.local_port = htons(WIRE_PORT),
		.remote_port = htons(DEVICE_PORT),
	};

	memcpy(endpoint.next_hop, gateway_mac, sizeof gateway_mac);
	memcpy(endpoint.local, at.relay, 16);
	memcpy(endpoint.remote, at.device, 16);
	return endpoint;
}

/* RFC 1071, in network byte order, eight bytes at a time. */
static uint16_t sum16(uint64_t sum, const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void put16be(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t get16be(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint16_t udp_sum(const uint8_t *source, uint32_t address_bytes, const uint8_t *udp)
{
	const uint32_t len = get16be(udp + 4);

	return sum16(sum16(IPPROTO_UDP + len, source, 2 * address_bytes), udp, len);
}

uint32_t rig_header_bytes(uint32_t family)
{
	return ETHER_BYTES + (family == 4 ? IPV4_BYTES : IPV6_BYTES) + UDP_BYTES;
}

void rig_packet(const struct rig *rig, uint32_t device, uint8_t *packet, uint32_t len)
{
	const bool ipv4 = rig->options.family == 4;
	const struct rig_addresses at = addresses(rig, device);
	uint8_t *ip = packet + ETHER_BYTES, *udp = ip + (ipv4 ? IPV4_BYTES : IPV6_BYTES);

	memset(packet, 0, rig_header_bytes(rig->options.family));
	memcpy(packet, relay_mac, sizeof relay_mac);
	memcpy(packet + 6, gateway_mac, sizeof gateway_mac);
	put16be(packet + 12, ipv4 ? 0x0800 : 0x86dd);
	put16be(udp, DEVICE_PORT);
	put16be(udp + 2, WIRE_PORT);
	put16be(udp + 4, UDP_BYTES + len);
	uint16_t sum;
	if (ipv4) {
		ip[0] = 0x45;
		put16be(ip + 2, IPV4_BYTES + UDP_BYTES + len);
		ip[8] = 61;
		ip[9] = IPPROTO_UDP;
		memcpy(ip + 12, at.device + 12, 4);
		memcpy(ip + 16, at.relay + 12, 4);
		put16be(ip + 10, (uint16_t)~sum16(0, ip, IPV4_BYTES));
		sum = (uint16_t)~udp_sum(ip + 12, 4, udp);
	} else {
		ip[0] = 0x60;
		put16be(ip + 4, UDP_BYTES + len);
		ip[6] = IPPROTO_UDP;
		ip[7] = 61;
		memcpy(ip + 8, at.device, 16);
		memcpy(ip + 24, at.relay, 16);
		sum = (uint16_t)~udp_sum(ip + 8, 16, udp);
	}
	put16be(udp + 6, sum != 0 ? sum : 0xffff);
}

static bool checksums_right(
	const struct rte_mbuf *mbuf, bool ipv4, const uint8_t *ip, const uint8_t *udp, bool offload)
{
	const uint64_t asked =
		RTE_MBUF_F_TX_UDP_CKSUM |
		(ipv4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6);
	const uint8_t *source = ip + (ipv4 ? 12 : 8);
	const uint32_t bytes = ipv4 ? 4 : 16, len = get16be(udp + 4);

	if (offload) /* the sum of the pseudo-header is there, the port does the rest */
		return (mbuf->ol_flags & asked) == asked && mbuf->l2_len == ETHER_BYTES &&
		       mbuf->l3_len == udp - ip &&
		       get16be(udp + 6) == sum16(IPPROTO_UDP + len, source, 2 * bytes);
	return udp_sum(source, bytes, udp) == 0xffff &&
	       (!ipv4 || sum16(0, ip, IPV4_BYTES) == 0xffff);
}

void rig_check_packet(const struct rig *rig, uint32_t device, const struct rte_mbuf *mbuf)
{
	const bool ipv4 = rig->options.family == 4;
	const struct rig_addresses at = addresses(rig, device);
	const uint8_t *packet = rte_pktmbuf_mtod(mbuf, const uint8_t *), *ip = packet + ETHER_BYTES;
	const uint8_t *udp = ip + (ipv4 ? IPV4_BYTES : IPV6_BYTES);
	bool right = memcmp(packet, gateway_mac, 6) == 0 && memcmp(packet + 6, relay_mac, 6) == 0 &&
		     get16be(udp) == WIRE_PORT && get16be(udp + 2) == DEVICE_PORT &&
		     get16be(udp + 4) == mbuf->pkt_len - (uint32_t)(udp - packet);

	if (ipv4)
		right = right && get16be(packet + 12) == 0x0800 && ip[0] == 0x45 &&
			ip[9] == IPPROTO_UDP && get16be(ip + 2) == mbuf->pkt_len - ETHER_BYTES &&
			memcmp(ip + 12, at.relay + 12, 4) == 0 &&
			memcmp(ip + 16, at.device + 12, 4) == 0;
	else
		right = right && get16be(packet + 12) == 0x86dd && ip[0] == 0x60 &&
			ip[6] == IPPROTO_UDP &&
			get16be(ip + 4) == mbuf->pkt_len - (uint32_t)(udp - packet) &&
			memcmp(ip + 8, at.relay, 16) == 0 && memcmp(ip + 24, at.device, 16) == 0;
	if (!right)
		rig_fail(rig, "a packet has wrong headers");
	if (!checksums_right(mbuf, ipv4, ip, udp, rig->workers[0]->ports[rig->port].tx_checksum))
		rig_fail(rig, "a packet has wrong checksums");
}
