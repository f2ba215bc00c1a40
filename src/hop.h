/* Hop session AEAD: seals and opens whole transport frames in place (docs/protocol.md, transport).
 * This is the portable form on libsodium, for devices and for tests; the dataplane has its own on
 * intel-ipsec-mb (dataplane/aead.h), which must give the same bytes. */
#ifndef CHAPPE_HOP_H
#define CHAPPE_HOP_H

#include "wire.h"
#include <sodium.h>

/* One direction of a session. */
struct hop_key {
	enum wire_suite suite;
	union {
		crypto_aead_aes256gcm_state aes; /* 16-byte aligned */
		uint8_t chacha[WIRE_KEY_BYTES];
	};
};

/* Nonce of a counter as Noise has it: AESGCM 32 zero bits and the counter big-endian, ChaChaPoly 32
 * zero bits and the counter little-endian (Noise, section 12). */
static inline void hop_nonce(enum wire_suite suite, uint64_t counter, uint8_t nonce[12])
{
	if (suite == WIRE_SUITE_AES256GCM)
		counter = __builtin_bswap64(counter);
	memset(nonce, 0, 4);
	memcpy(nonce + 4, &counter, 8);
}

/* Bit n is set where suite n works on this machine. */
uint32_t hop_suites(void);

/* Returns 0, or -ENOTSUP where the machine lacks the instructions of the suite. */
int hop_key_init(struct hop_key *key, enum wire_suite suite, const uint8_t bytes[WIRE_KEY_BYTES]);

/* Seals the len - 32 bytes after the header in place, writes header and tag. len is 512 or 1232. */
void hop_seal(const struct hop_key *key, uint32_t receiver_index, uint64_t counter, uint8_t *frame,
	size_t len);

/* Opens in place what wire_check() found to be a transport frame. Returns 0, or -EBADMSG with the
 * inner bytes wiped. */
int hop_open(const struct hop_key *key, uint8_t *frame, size_t len)
	__attribute__((warn_unused_result));

#endif
