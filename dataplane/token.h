/* Endpoint tokens: what a device echoes to show that it receives at a new place. A keyed hash of
 * index and endpoint, so that nothing is kept for them. */
#ifndef CHAPPE_DATAPLANE_TOKEN_H
#define CHAPPE_DATAPLANE_TOKEN_H

#include "src/endpoint.h"
#include "src/wire.h"
#include <stdbool.h>

enum { TOKEN_KEY_BYTES = 16 };

void token_make(const uint8_t key[TOKEN_KEY_BYTES], uint32_t index, const struct endpoint *endpoint,
	uint8_t token[WIRE_TOKEN_BYTES]);
bool token_ok(const uint8_t key[TOKEN_KEY_BYTES], uint32_t index, const struct endpoint *endpoint,
	const uint8_t token[WIRE_TOKEN_BYTES]);

/* A frame_id for a frame that a worker makes by itself: nobody without the key can tell it from a
 * random one, and (index, counter) of the frame that caused it occurs once. */
uint64_t token_frame_id(const uint8_t key[TOKEN_KEY_BYTES], uint32_t index, uint64_t counter);

#endif
