/* Devices whose keys, routes and addresses follow from a seed: what `chappe-loadgen --pcap` writes
 * into captures and what chappe-dataplane-load installs, so that the two need not talk. A seed is
 * no secret: neither knows any real device. */
#ifndef CHAPPE_LOADGEN_DERIVE_H
#define CHAPPE_LOADGEN_DERIVE_H

#include "src/endpoint.h"
#include "src/wire.h"

enum {
	DERIVE_PORT_FIRST = 10000,   /* devices of one address have UDP ports from here on */
	DERIVE_PORTS = 50000,        /* and this many of them */
	DERIVE_GENERATION = 0,       /* of all receiver indices */
	DERIVE_SEED_TEXT_BYTES = 64, /* at most */
};

struct derive {
	uint8_t seed[32];
	uint32_t workers;
	uint16_t vlan;
	uint8_t mac[6];                /* of the generator */
	uint8_t relay[16], source[16]; /* addresses; IPv4 as ::ffff:a.b.c.d */
	uint16_t relay_port;           /* host byte order */
};

/* MAC address of the generator where none is given. */
extern const uint8_t derive_mac[6];

void derive_seed(struct derive *derive, const char *text);

/* Sets derive->source; NULL: the benchmarking ranges' own, in the family of derive->relay. */
void derive_source(struct derive *derive, const uint8_t *source);

struct derive_device {
	uint32_t index;      /* receiver_index of frames to the relay */
	uint32_t peer_index; /* of frames to the device */
	uint8_t to_relay[WIRE_KEY_BYTES], from_relay[WIRE_KEY_BYTES];
	uint8_t route[WIRE_ROUTE_BYTES];
	struct endpoint endpoint; /* as the relay sees it */
};
void derive_device(const struct derive *derive, uint32_t number, struct derive_device *device);

/* The place of device `number`: the n-th address from `source` on, and one of DERIVE_PORTS ports.
 */
struct endpoint derive_endpoint(const struct derive *derive, uint32_t number);

/* The recipient of what a device sends: the next one, the last one's is the first. */
static inline uint32_t derive_recipient(uint32_t number, uint32_t devices)
{
	return number + 1 < devices ? number + 1 : 0;
}

#endif
