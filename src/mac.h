/* mac1, mac2 and the cookie exchange (docs/protocol.md, handshake; WireGuard whitepaper, 5.4.4
 * and 5.4.7). */
#ifndef CHAPPE_MAC_H
#define CHAPPE_MAC_H

#include "wire.h"

/* What both ends derive from the relay's public key. */
struct mac_keys {
	uint8_t mac1[32];   /* BLAKE2b-256("chappe mac1" || relay public key) */
	uint8_t cookie[32]; /* BLAKE2b-256("chappe cookie" || relay public key) */
};
void mac_keys_derive(struct mac_keys *keys, const uint8_t relay_public[WIRE_KEY_BYTES]);

/* Initiator: sets mac1, and mac2 where cookie is not NULL, zeros otherwise. */
void mac_write(const struct mac_keys *keys, const uint8_t *cookie, struct wire_init *init);
bool mac1_ok(const struct mac_keys *keys, const struct wire_init *init);

/* Responder: the cookie of a source address under a secret that changes every MAC_COOKIE_SECRET_S;
 * the one before it stays valid. source is whatever the caller has as address and port. */
enum { MAC_COOKIE_SECRET_S = 120 };
struct mac_cookie_secret {
	uint8_t current[32], previous[32];
	bool has_previous;
};
/* Call when MAC_COOKIE_SECRET_S have gone by; the first call makes the first secret of a zeroed
 * struct. Until then no mac2 is ok. */
void mac_cookie_rotate(struct mac_cookie_secret *secret, const uint8_t fresh[32]);
bool mac2_ok(const struct mac_cookie_secret *secret, const void *source, size_t source_len,
	const struct wire_init *init);
/* nonce is 24 random bytes that the caller has drawn. reply may be the init's own buffer. */
void mac_cookie_reply(const struct mac_keys *keys, const struct mac_cookie_secret *secret,
	const void *source, size_t source_len, const struct wire_init *init,
	const uint8_t nonce[24], struct wire_cookie_reply *reply);
/* Initiator: opens the reply to the init whose mac1 is given. Returns 0 or -EBADMSG. */
int mac_cookie_open(const struct mac_keys *keys, const uint8_t mac1[16],
	const struct wire_cookie_reply *reply, uint8_t cookie[WIRE_COOKIE_BYTES])
	__attribute__((warn_unused_result));

#endif
