/* Addresses as 16 bytes, IPv4 as ::ffff:a.b.c.d, and which of them are the relay's. */
#ifndef CHAPPE_DATAPLANE_ADDRESS_H
#define CHAPPE_DATAPLANE_ADDRESS_H

#include "config.h"

void address_from_ipv4(uint8_t address[16], const void *ipv4);

/* The relay answers to it on this VLAN (0 = untagged) and DPDK port. */
bool address_answered(
	const struct config *config, const uint8_t address[16], uint16_t vlan, uint16_t port);

/* One of the relay's, on whatever port. */
bool address_own(const struct config *config, const uint8_t address[16]);

/* A frame with this source can be answered: neither multicast, broadcast, loopback nor unspecified,
 * nor one of the relay's own. */
bool address_source_ok(const struct config *config, const uint8_t address[16]);

#endif
