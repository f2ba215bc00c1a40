#include "reset.h"
#include <sodium.h>

void reset_key(
	const uint8_t secret[RESET_SECRET_BYTES], uint32_t index, uint8_t key[WIRE_RESET_KEY_BYTES])
{
	le32 bytes = put32(index);
	crypto_generichash(
		key, WIRE_RESET_KEY_BYTES, bytes.b, sizeof bytes.b, secret, RESET_SECRET_BYTES);
}

void reset_write(const uint8_t key[WIRE_RESET_KEY_BYTES], uint64_t boot,
	const struct wire_transport *cause, uint8_t *out, size_t len)
{
	struct wire_reset reset = {
		.type = WIRE_RESET,
		.index = cause->receiver_index,
		.counter = cause->counter,
		.boot = put64(boot),
	};
	size_t covered = len - WIRE_TAG_BYTES;
	memcpy(out, &reset, sizeof reset);
	memset(out + sizeof reset, 0, covered - sizeof reset);
	crypto_generichash(out + covered, WIRE_TAG_BYTES, out, covered, key, WIRE_RESET_KEY_BYTES);
}

bool reset_ok(const uint8_t key[WIRE_RESET_KEY_BYTES], const uint8_t *frame, size_t len)
{
	uint8_t mac[WIRE_TAG_BYTES];
	size_t covered = len - WIRE_TAG_BYTES;
	crypto_generichash(mac, sizeof mac, frame, covered, key, WIRE_RESET_KEY_BYTES);
	bool ok = sodium_memcmp(mac, frame + covered, sizeof mac) == 0;
	sodium_memzero(mac, sizeof mac);
	return ok;
}
