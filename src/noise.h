/* Noise handshakes (noiseprotocol.org, revision 34), the two patterns that Chappe uses:
 * IKpsk2 between a device and its relay, Xpsk1 between two devices. 25519 and SHA256 throughout. */
#ifndef CHAPPE_NOISE_H
#define CHAPPE_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum noise_pattern { NOISE_IKPSK2, NOISE_XPSK1 };
enum noise_cipher { NOISE_AESGCM = 1, NOISE_CHACHAPOLY = 2 }; /* as enum wire_suite */

enum { NOISE_KEY_BYTES = 32, NOISE_HASH_BYTES = 32, NOISE_TAG_BYTES = 16 };

struct noise_keypair {
	uint8_t secret[NOISE_KEY_BYTES];
	uint8_t public[NOISE_KEY_BYTES];
};

struct noise {
	enum noise_pattern pattern;
	enum noise_cipher cipher;
	bool initiator, has_psk;
	uint8_t step; /* messages done */
	uint64_t nonce;
	uint8_t chaining_key[NOISE_HASH_BYTES], hash[NOISE_HASH_BYTES], key[NOISE_KEY_BYTES];
	uint8_t psk[NOISE_KEY_BYTES];
	struct noise_keypair static_key, ephemeral;
	uint8_t remote_static[NOISE_KEY_BYTES], remote_ephemeral[NOISE_KEY_BYTES];
};

struct noise_keys {
	uint8_t initiator_to_responder[NOISE_KEY_BYTES];
	uint8_t responder_to_initiator[NOISE_KEY_BYTES];
	uint8_t refresh[NOISE_KEY_BYTES]; /* third HKDF output, for a later version */
};

/* Fills keypair->public from keypair->secret. */
void noise_public_key(struct noise_keypair *keypair);
void noise_generate(struct noise_keypair *keypair);

/* Begins a handshake; sodium_init() has been called. remote_static is the responder's key for an
 * initiator and NULL for a responder. psk may be NULL for a responder of IKpsk2, which learns from
 * message 1 whose psk it needs and then calls noise_set_psk(). Returns 0, or -ENOTSUP where the
 * cipher needs instructions this machine lacks. */
int noise_begin(struct noise *noise, enum noise_pattern pattern, enum noise_cipher cipher,
	bool initiator, const void *prologue, size_t prologue_len,
	const struct noise_keypair *static_key, const uint8_t *remote_static, const uint8_t *psk);
void noise_set_psk(struct noise *noise, const uint8_t psk[NOISE_KEY_BYTES]);

/* Bytes that the next message adds to its payload. */
size_t noise_overhead(const struct noise *noise);

/* Writes the next message, len + noise_overhead() bytes, to out, which does not overlap payload. An
 * ephemeral key is drawn unless the caller (a test) has set noise->ephemeral. Returns 0, or -EINVAL
 * with out wiped: not this end's turn, no psk yet, a remote key of low order, a message of more
 * than 65535 bytes. */
int noise_write(struct noise *noise, const uint8_t *payload, size_t len, uint8_t *out)
	__attribute__((warn_unused_result));

/* Reads the next message of len bytes; payload receives len - noise_overhead() bytes and does not
 * overlap message. Returns 0, or -EBADMSG with payload wiped and the handshake as it was, so that a
 * forged message does not end it; -EINVAL where it is not this end's turn or psk is missing. */
int noise_read(struct noise *noise, const uint8_t *message, size_t len, uint8_t *payload)
	__attribute__((warn_unused_result));

/* True once all messages of the pattern are done. */
bool noise_finished(const struct noise *noise);

/* Ends a finished handshake. The handshake hash stays in noise->hash; the rest is wiped. */
void noise_split(struct noise *noise, struct noise_keys *keys);
void noise_wipe(struct noise *noise);

#endif
