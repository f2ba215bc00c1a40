#include "link.h"
#include <sodium.h>
#include <stdio.h>

enum { GROUPS = 6, GROUP_BYTES = 5 };

void sas_text(const uint8_t key_a[WIRE_KEY_BYTES], const uint8_t key_b[WIRE_KEY_BYTES],
	const uint8_t psk[WIRE_KEY_BYTES], char text[SAS_BYTES])
{
	bool a_first = memcmp(key_a, key_b, WIRE_KEY_BYTES) < 0;
	uint8_t digest[32];
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, sizeof digest);
	crypto_generichash_update(&state, (const uint8_t *)"chappe sas 1", 12);
	crypto_generichash_update(&state, a_first ? key_a : key_b, WIRE_KEY_BYTES);
	crypto_generichash_update(&state, a_first ? key_b : key_a, WIRE_KEY_BYTES);
	crypto_generichash_update(&state, psk, WIRE_KEY_BYTES);
	crypto_generichash_final(&state, digest, sizeof digest);
	for (size_t group = 0; group < GROUPS; group++) {
		uint64_t number = 0;
		for (size_t i = 0; i < GROUP_BYTES; i++)
			number = number << 8 | digest[group * GROUP_BYTES + i];
		snprintf(text + group * 6, 7, "%05u%s", (unsigned)(number % 100000),
			group < GROUPS - 1 ? " " : "");
	}
	sodium_memzero(&state, sizeof state);
	sodium_memzero(digest, sizeof digest);
}
