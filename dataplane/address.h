/* Addresses as 16 bytes, IPv4 as ::ffff:a.b.c.d, and which of them are the relay's. */
#ifndef CHAPPE_DATAPLANE_ADDRESS_H
#define CHAPPE_DATAPLANE_ADDRESS_H

#include "config.h"
#include <string.h>

/* The same in two words, which compare without a detour through memory. */
struct address_words {
	uint64_t first, last;
};

static inline struct address_words address_words(const uint8_t address[16])
{
	struct address_words words;

	memcpy(&words, address, sizeof words);
	return words;
}

/* ::ffff:a.b.c.d */
static inline struct address_words address_words_of_ipv4(uint32_t ipv4)
{
	return (struct address_words){ 0, UINT64_C(0xffff0000) | (uint64_t)ipv4 << 32 };
}

static inline bool address_same(struct address_words a, struct address_words b)
{
	return ((a.first ^ b.first) | (a.last ^ b.last)) == 0;
}

/* The relay answers to it on this VLAN (0 = untagged) and DPDK port. */
static inline bool address_words_answered(
	const struct config *config, struct address_words address, uint16_t vlan, uint16_t port)
{
	for (uint32_t i = 0; i < config->address_count; i++) {
		const struct config_address *own = &config->addresses[i];
		if (address_same(address_words(own->address), address) && own->vlan == vlan &&
			(own->port == CONFIG_EVERY_PORT || own->port == port))
			return true;
	}
	return false;
}

/* One of the relay's, on whatever port. */
static inline bool address_words_own(const struct config *config, struct address_words address)
{
	for (uint32_t i = 0; i < config->address_count; i++)
		if (address_same(address_words(config->addresses[i].address), address))
			return true;
	return false;
}

/* A frame with this source can be answered: neither multicast, broadcast, loopback nor unspecified,
 * nor one of the relay's own. */
static inline bool address_ipv4_source_ok(const struct config *config, uint32_t ipv4)
{
	const uint8_t first = (uint8_t)ipv4; /* the most significant one: byte order of the wire */

	/* 0/8, 127/8, and 224/3: multicast, reserved, broadcast */
	return first != 0 && first != 127 && first < 224 &&
	       !address_words_own(config, address_words_of_ipv4(ipv4));
}

void address_from_ipv4(uint8_t address[16], const void *ipv4);

bool address_answered(
	const struct config *config, const uint8_t address[16], uint16_t vlan, uint16_t port);

/* As address_ipv4_source_ok(), for either family. */
bool address_source_ok(const struct config *config, const uint8_t address[16]);

#endif
