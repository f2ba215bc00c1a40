#include "derive.h"

#include <arpa/inet.h>
#include <sodium.h>

const uint8_t derive_mac[6] = { 0x02, 0, 0, 0, 0, 0x0a };

void derive_seed(struct derive *derive, const char *text)
{
	crypto_generichash(derive->seed, sizeof derive->seed, (const uint8_t *)text, strlen(text),
		(const uint8_t *)"chappe load", 11);
}

/* BLAKE2b(number) keyed with the seed: two keys; and once more for the route. */
static void derive_bytes(
	const struct derive *derive, uint32_t number, uint8_t purpose, uint8_t *out, size_t len)
{
	const struct {
		le32 number;
		uint8_t purpose;
	} input = { put32(number), purpose };

	crypto_generichash(
		out, len, (const uint8_t *)&input, sizeof input, derive->seed, sizeof derive->seed);
}

/* An address `step` further on; IPv4 lies in the last 4 bytes, as the host part of IPv6 does. */
static void advance(uint8_t address[16], uint32_t step)
{
	uint32_t host;

	memcpy(&host, address + 12, sizeof host);
	host = htonl(ntohl(host) + step);
	memcpy(address + 12, &host, sizeof host);
}

static bool is_ipv4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };

	return memcmp(address, mapped, sizeof mapped) == 0;
}

void derive_source(struct derive *derive, const uint8_t *source)
{
	static const uint8_t source4[16] = { [10] = 0xff, 0xff, 198, 18, 128, 1 };
	static const uint8_t source6[16] = { 0x20, 1, 0, 2, [7] = 0x80, [15] = 1 };

	if (source == NULL)
		source = is_ipv4(derive->relay) ? source4 : source6;
	memcpy(derive->source, source, sizeof derive->source);
}

struct endpoint derive_endpoint(const struct derive *derive, uint32_t number)
{
	struct endpoint endpoint = {
		.vlan = derive->vlan,
		.family = is_ipv4(derive->relay) ? 4 : 6,
		.local_port = htons(derive->relay_port),
		.remote_port = htons((uint16_t)(DERIVE_PORT_FIRST + number % DERIVE_PORTS)),
	};

	memcpy(endpoint.next_hop, derive->mac, sizeof endpoint.next_hop);
	memcpy(endpoint.local, derive->relay, sizeof endpoint.local);
	memcpy(endpoint.remote, derive->source, sizeof endpoint.remote);
	advance(endpoint.remote, number / DERIVE_PORTS);
	return endpoint;
}

void derive_device(const struct derive *derive, uint32_t number, struct derive_device *device)
{
	uint8_t keys[2 * WIRE_KEY_BYTES];

	derive_bytes(derive, number, 1, keys, sizeof keys);
	memcpy(device->to_relay, keys, WIRE_KEY_BYTES);
	memcpy(device->from_relay, keys + WIRE_KEY_BYTES, WIRE_KEY_BYTES);
	derive_bytes(derive, number, 2, device->route, sizeof device->route);
	device->index = wire_index(number % derive->workers, DERIVE_GENERATION, number);
	device->peer_index = number;
	device->endpoint = derive_endpoint(derive, number);
}
