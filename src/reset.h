/* Reset frames (docs/protocol.md, reset). */
#ifndef CHAPPE_RESET_H
#define CHAPPE_RESET_H

#include "wire.h"

enum { RESET_SECRET_BYTES = 32 };

/* The key of an index, generation included: BLAKE2b-128(index) keyed with the reset secret. */
void reset_key(const uint8_t secret[RESET_SECRET_BYTES], uint32_t index,
	uint8_t key[WIRE_RESET_KEY_BYTES]);

/* Writes the reset that answers a transport frame of len bytes; out may be the frame itself. */
void reset_write(const uint8_t key[WIRE_RESET_KEY_BYTES], uint64_t boot,
	const struct wire_transport *cause, uint8_t *out, size_t len);

/* Compares the mac in constant time; whether (index, counter) was ever sent is the caller's to
 * check. */
bool reset_ok(const uint8_t key[WIRE_RESET_KEY_BYTES], const uint8_t *frame, size_t len);

#endif
