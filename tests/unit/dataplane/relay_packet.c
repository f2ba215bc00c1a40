/* Packets to the relay and from it, built and taken apart word by word. */
#include "relay.h"

enum { UDP_PROTOCOL = 17 };

static const uint8_t device_mac[6] = { 0x02, 0, 0, 0, 1, 0 };

struct endpoint place(uint16_t port, uint8_t family, uint16_t vlan, uint8_t host, uint16_t udp_port)
{
	struct endpoint endpoint = {
		.port = port,
		.vlan = vlan,
		.family = family,
		.local_port = __builtin_bswap16(WIRE_PORT),
		.remote_port = __builtin_bswap16(udp_port),
	};
	const char *network = family == 4 ? RELAY_NETWORK4 : RELAY_NETWORK6;
	memcpy(endpoint.next_hop, device_mac, 6);
	memcpy(endpoint.local, network, 15);
	memcpy(endpoint.remote, network, 15);
	endpoint.local[15] = vlan ? RELAY_VLAN_HOST : RELAY_HOST;
	endpoint.remote[15] = host;
	return endpoint;
}

/* RFC 1071, word by word. */
static uint16_t sum16(uint32_t sum, const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | (i + 1 < len ? bytes[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void big16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t from_big16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* UDP's checksum: addresses, protocol, length, datagram. */
static uint16_t udp_sum(const uint8_t *addresses, uint32_t address_bytes, const uint8_t *udp)
{
	const uint32_t len = from_big16(udp + 4);
	const uint32_t sum = sum16(UDP_PROTOCOL + len, addresses, address_bytes);
	return sum16(sum, udp, len);
}

struct rte_mbuf *packet(
	struct relay *relay, const struct endpoint *from, const void *payload, uint32_t len)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(relay->pool);
	assert_non_null(mbuf);
	const uint32_t ether = from->vlan ? 18 : 14, ip_len = from->family == 4 ? 20 : 40;
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(ether + ip_len + 8 + len));
	assert_non_null(at);
	memset(at, 0, ether + ip_len + 8);
	memset(frame_of(mbuf), 0xee, sizeof(struct frame)); /* nothing may rely on zeros */
	memcpy(at, RELAY_MAC, 6);
	memcpy(at + 6, from->next_hop, 6);
	if (from->vlan) {
		big16(at + 12, 0x8100);
		big16(at + 14, from->vlan);
	}
	big16(at + ether - 2, from->family == 4 ? 0x0800 : 0x86dd);
	uint8_t *ip = at + ether, *udp = ip + ip_len;
	const uint8_t *addresses = from->family == 4 ? ip + 12 : ip + 8;
	if (from->family == 4) {
		ip[0] = 0x45;
		big16(ip + 2, 20 + 8 + len);
		ip[8] = 61;
		ip[9] = UDP_PROTOCOL;
		memcpy(ip + 12, from->remote + 12, 4);
		memcpy(ip + 16, from->local + 12, 4);
		big16(ip + 10, (uint16_t)~sum16(0, ip, 20));
	} else {
		ip[0] = 0x60;
		big16(ip + 4, 8 + len);
		ip[6] = UDP_PROTOCOL;
		ip[7] = 61;
		memcpy(ip + 8, from->remote, 16);
		memcpy(ip + 24, from->local, 16);
	}
	memcpy(udp, &from->remote_port, 2);
	memcpy(udp + 2, &from->local_port, 2);
	big16(udp + 4, 8 + len);
	memcpy(udp + 8, payload, len);
	const uint16_t sum = (uint16_t)~udp_sum(addresses, from->family == 4 ? 8 : 32, udp);
	big16(udp + 6, sum ? sum : 0xffff);
	return mbuf;
}

void relay_receive(struct relay *relay, uint16_t port, uint16_t queue, struct rte_mbuf *mbuf)
{
	assert_int_equal(rte_ring_enqueue(relay->rx[port][queue], mbuf), 0);
}

void packet_parse(const struct relay *relay, const struct rte_mbuf *mbuf, struct datagram *datagram)
{
	const uint8_t *at = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	const bool vlan = from_big16(at + 12) == 0x8100;
	const uint8_t *ip = at + (vlan ? 18 : 14);
	const bool offload = relay->workers[0]->ports[relay->port_ids[0]].tx_checksum;
	struct endpoint *to = &datagram->to;

	memset(datagram, 0, sizeof *datagram);
	assert_int_equal(mbuf->nb_segs, 1);
	assert_int_equal(mbuf->data_len, mbuf->pkt_len);
	assert_memory_equal(at + 6, RELAY_MAC, 6);
	memcpy(to->next_hop, at, 6);
	to->vlan = vlan ? (uint16_t)from_big16(at + 14) : 0;
	to->family = from_big16(ip - 2) == 0x0800 ? 4 : 6;
	const uint32_t ip_len = to->family == 4 ? 20 : 40;
	const uint8_t *udp = ip + ip_len;
	if (to->family == 4) {
		assert_int_equal(ip[0], 0x45);
		assert_int_equal(from_big16(ip + 2), mbuf->pkt_len - (uint32_t)(ip - at));
		assert_int_equal(ip[9], UDP_PROTOCOL);
		if (!offload)
			assert_int_equal(sum16(0, ip, 20), 0xffff);
		memcpy(to->local, RELAY_NETWORK4, 12);
		memcpy(to->remote, RELAY_NETWORK4, 12);
		memcpy(to->local + 12, ip + 12, 4);
		memcpy(to->remote + 12, ip + 16, 4);
	} else {
		assert_int_equal(from_big16(ip - 2), 0x86dd);
		assert_int_equal(ip[0], 0x60);
		assert_int_equal(from_big16(ip + 4), mbuf->pkt_len - (uint32_t)(udp - at));
		assert_int_equal(ip[6], UDP_PROTOCOL);
		memcpy(to->local, ip + 8, 16);
		memcpy(to->remote, ip + 24, 16);
	}
	memcpy(&to->local_port, udp, 2);
	memcpy(&to->remote_port, udp + 2, 2);
	const uint8_t *addresses = to->family == 4 ? ip + 12 : ip + 8;
	if (!offload && to->family == 4 && relay->config.udp_unsummed)
		assert_int_equal(from_big16(udp + 6), 0);
	else if (!offload)
		assert_int_equal(udp_sum(addresses, to->family == 4 ? 8 : 32, udp), 0xffff);
	datagram->len = from_big16(udp + 4) - 8;
	assert_int_equal(udp + 8 + datagram->len - at, mbuf->pkt_len);
	assert_true(datagram->len <= sizeof datagram->payload);
	memcpy(datagram->payload, udp + 8, datagram->len);
}

bool relay_transmitted(struct relay *relay, uint16_t port, struct datagram *datagram)
{
	struct rte_mbuf *mbuf = NULL;

	memset(datagram, 0, sizeof *datagram);
	for (uint32_t queue = 0; queue < relay->queues; queue++) {
		if (rte_ring_dequeue(relay->tx[port][queue], (void **)&mbuf) != 0)
			continue;
		packet_parse(relay, mbuf, datagram);
		datagram->to.port = relay->port_ids[port];
		rte_pktmbuf_free(mbuf);
		return true;
	}
	return false;
}
