/* The keys and other inputs that all published frames are made from. */
#ifndef CHAPPE_TESTS_INPUTS_H
#define CHAPPE_TESTS_INPUTS_H

#include "frames.h"
#include "src/noise.h"

struct inputs {
	struct noise_keypair relay, relay_ephemeral, device, device_ephemeral, sender,
		sender_ephemeral;
	uint8_t psk[32], contact_psk[32], cookie_secret[32], reset_secret[32];
	uint8_t invitation_id[16], route[16], cookie_nonce[24], token[16], source[18];
};

static inline void frames_put(const struct frames_sink *sink, const char *name, const char *what,
	const void *bytes, size_t len)
{
	sink->put(sink->context, name, what, bytes, len);
}

/* Writes inner header and sealed payload of payload_bytes to frame. */
int frames_put_sealed(const struct frames_sink *sink, const struct inputs *in, const char *size,
	uint8_t *frame, size_t payload_bytes);

/* An invitation, a contact link, a hello and the short authentication string. */
int frames_put_links(const struct frames_sink *sink, const struct inputs *in);

#endif
