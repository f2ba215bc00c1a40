#include "token.h"

#include <sodium.h>

_Static_assert(WIRE_TOKEN_BYTES == crypto_shorthash_siphashx24_BYTES &&
		       (int)TOKEN_KEY_BYTES == crypto_shorthash_siphashx24_KEYBYTES,
	"SipHash-2-4 with 128 bits");

/* The first byte keeps the two uses of the key apart. */
enum { USE_TOKEN = 1, USE_FRAME_ID = 2 };

void token_make(const uint8_t key[TOKEN_KEY_BYTES], uint32_t index, const struct endpoint *endpoint,
	uint8_t token[WIRE_TOKEN_BYTES])
{
	enum {
		FIRST = offsetof(struct endpoint, port),
		BYTES = offsetof(struct endpoint, reserved) - FIRST,
	};
	uint8_t text[1 + sizeof index + BYTES];

	text[0] = USE_TOKEN;
	memcpy(text + 1, &index, sizeof index);
	memcpy(text + 1 + sizeof index, (const uint8_t *)endpoint + FIRST, BYTES);
	crypto_shorthash_siphashx24(token, text, sizeof text, key);
}

bool token_ok(const uint8_t key[TOKEN_KEY_BYTES], uint32_t index, const struct endpoint *endpoint,
	const uint8_t token[WIRE_TOKEN_BYTES])
{
	uint8_t expected[WIRE_TOKEN_BYTES];

	token_make(key, index, endpoint, expected);
	return crypto_verify_16(expected, token) == 0;
}

uint64_t token_frame_id(const uint8_t key[TOKEN_KEY_BYTES], uint32_t index, uint64_t counter)
{
	uint8_t text[1 + sizeof index + sizeof counter], hash[WIRE_TOKEN_BYTES];
	uint64_t frame_id;

	text[0] = USE_FRAME_ID;
	memcpy(text + 1, &index, sizeof index);
	memcpy(text + 1 + sizeof index, &counter, sizeof counter);
	crypto_shorthash_siphashx24(hash, text, sizeof text, key);
	memcpy(&frame_id, hash, sizeof frame_id);
	return frame_id;
}
