/* Neighbours: ARP (RFC 826) and, for IPv6, solicitation and advertisement (RFC 4861), as far as a
 * generator needs them: to find the relay, and to be found by a router. Addresses are 16 bytes,
 * IPv4 as ::ffff:a.b.c.d. */
#ifndef CHAPPE_LOADGEN_NEIGHBOUR_H
#define CHAPPE_LOADGEN_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

enum { NEIGHBOUR_PACKET_BYTES = 128 };

struct neighbour {
	uint8_t mac[6];    /* ours */
	uint16_t vlan;     /* 0 = untagged */
	uint8_t first[16]; /* our addresses: `count` from this one on */
	uint32_t count;
};

/* Writes a question for the MAC address of `target`; returns its length. */
uint32_t neighbour_ask(const struct neighbour *us, const uint8_t target[16],
	uint8_t packet[NEIGHBOUR_PACKET_BYTES]);

/* True when a packet tells the MAC address of `target`. */
bool neighbour_tells(const uint8_t *packet, uint32_t len, const uint8_t target[16], uint8_t mac[6]);

/* Where a packet asks for one of our addresses, writes the answer and returns its length; else 0.
 */
uint32_t neighbour_answer(const struct neighbour *us, const uint8_t *question, uint32_t len,
	uint8_t packet[NEIGHBOUR_PACKET_BYTES]);

#endif
