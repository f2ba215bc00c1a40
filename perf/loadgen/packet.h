/* Packets between devices and the relay: what goes before a cell and what is found before one. An
 * endpoint is a device's place as the relay sees it: local is the relay's address, remote the
 * device's. */
#ifndef CHAPPE_LOADGEN_PACKET_H
#define CHAPPE_LOADGEN_PACKET_H

#include "src/endpoint.h"
#include <stdbool.h>

enum {
	PACKET_HEADERS_MAX_BYTES = 14 + 4 + 40 + 8,
	PACKET_MIN_BYTES = 60, /* on Ethernet, without its check sequence */
};

/* Everything but the UDP checksum of packets with cells of one size from one device. */
struct packet_template {
	uint64_t udp_sum; /* of pseudo-header and UDP header, checksum field zero */
	uint8_t bytes[PACKET_HEADERS_MAX_BYTES];
	uint8_t len, udp; /* length of all headers; where UDP's begins */
	bool unsummed;    /* the checksum stays zero: none, which IPv4 allows (RFC 768) */
};

void packet_template_set(struct packet_template *template, const struct endpoint *device,
	const uint8_t relay_mac[6], uint32_t cell_bytes);

/* Writes the headers and the UDP checksum; the cell lies behind their place already. */
void packet_finish(const struct packet_template *template, uint8_t *packet, uint32_t cell_bytes);

struct packet_view {
	const uint8_t *ether;
	uint8_t *cell;
	uint32_t cell_bytes;
	uint16_t vlan;
	uint8_t family;
	const uint8_t *source, *target;    /* IP addresses: 4 or 16 bytes */
	uint16_t source_port, target_port; /* network byte order */
};

/* Finds the UDP payload of a whole Ethernet frame. False for anything else, for fragments, for
 * wrong lengths and for wrong checksums. */
bool packet_parse(uint8_t *packet, uint32_t len, struct packet_view *view);

/* The UDP payload of what is a packet of the relay by its length alone; NULL for anything else. */
const uint8_t *packet_peek(const uint8_t *packet, uint32_t len, uint32_t cell_bytes);

/* Whether it went from the relay to this device. */
bool packet_is_for(const struct packet_view *view, const struct endpoint *device);

#endif
