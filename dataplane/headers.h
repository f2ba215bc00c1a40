/* Headers of what the relay sends, written before the cell. Sums are in the byte order of the wire
 * (checksum.h). */
#ifndef CHAPPE_DATAPLANE_HEADERS_H
#define CHAPPE_DATAPLANE_HEADERS_H

#include "src/endpoint.h"
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <stdbool.h>
#include <string.h>

enum { HEADERS_HOPS = 64 };

/* Each header is put together in registers and written in a few words; a word may write bytes of
 * the header behind it, which is written next. Each returns where that one begins. */
static inline void headers_word(uint8_t *at, uint64_t word)
{
	memcpy(at, &word, sizeof word);
}

static inline void headers_half(uint8_t *at, uint32_t half)
{
	memcpy(at, &half, sizeof half);
}

/* Six bytes in a register; not by memcpy() to a variable, which would be read before it is whole.
 */
static inline uint64_t headers_mac(const uint8_t mac[6])
{
	uint32_t first;
	uint16_t last;

	memcpy(&first, mac, sizeof first);
	memcpy(&last, mac + sizeof first, sizeof last);
	return first | (uint64_t)last << 32;
}

static inline uint8_t *headers_ether(uint8_t *at, const struct endpoint *endpoint, bool tagged,
	bool ipv4, const struct rte_ether_addr *source)
{
	const uint64_t from = headers_mac(source->addr_bytes);
	const uint64_t type = ipv4 ? RTE_BE16(RTE_ETHER_TYPE_IPV4) : RTE_BE16(RTE_ETHER_TYPE_IPV6);
	const uint64_t vlan = RTE_BE16(RTE_ETHER_TYPE_VLAN);

	headers_word(at, headers_mac(endpoint->next_hop) | from << 48);
	if (!tagged) {
		headers_word(at + 8, from >> 16 | type << 32);
		return at + sizeof(struct rte_ether_hdr);
	}
	headers_word(
		at + 8, from >> 16 | vlan << 32 | (uint64_t)rte_cpu_to_be_16(endpoint->vlan) << 48);
	headers_half(at + 16, (uint32_t)type);
	return at + sizeof(struct rte_ether_hdr) + sizeof(struct rte_vlan_hdr);
}

/* Never fragmented, so the identifier says nothing (RFC 6864). */
static inline uint8_t *headers_ipv4(
	uint8_t *at, const struct endpoint *endpoint, rte_be16_t total, uint16_t checksum)
{
	const uint64_t dont_fragment = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);

	headers_word(at, RTE_IPV4_VHL_DEF | (uint64_t)total << 16 | dont_fragment << 48);
	headers_half(at + 8, HEADERS_HOPS | IPPROTO_UDP << 8 | (uint32_t)checksum << 16);
	memcpy(at + 12, endpoint->local + 12, 4);
	memcpy(at + 16, endpoint->remote + 12, 4);
	return at + sizeof(struct rte_ipv4_hdr);
}

static inline uint8_t *headers_ipv6(
	uint8_t *at, const struct endpoint *endpoint, rte_be16_t payload)
{
	const uint64_t version = 6 << 4;

	headers_word(at, version | (uint64_t)payload << 32 | (uint64_t)IPPROTO_UDP << 48 |
				 (uint64_t)HEADERS_HOPS << 56);
	memcpy(at + 8, endpoint->local, 16);
	memcpy(at + 24, endpoint->remote, 16);
	return at + sizeof(struct rte_ipv6_hdr);
}

static inline void headers_udp(
	uint8_t *at, const struct endpoint *endpoint, rte_be16_t bytes, uint16_t checksum)
{
	memcpy(at, &endpoint->local_port, 2 * sizeof endpoint->local_port); /* and remote_port */
	headers_half(at + 4, bytes | (uint32_t)checksum << 16);
}
_Static_assert(offsetof(struct endpoint, remote_port) == offsetof(struct endpoint, local_port) + 2,
	"as in UDP's header");

#endif
