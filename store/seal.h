/* AES-256-GCM (NIST SP 800-38D) of records on disk, in place and without associated data.
 * intel-ipsec-mb where the processor has the instructions (0.1 µs a cell of 480 bytes), nettle
 * elsewhere (0.5 µs with instructions, several without): the same bytes from both. Any thread may
 * use a key that nobody changes. */
#ifndef CHAPPE_STORE_SEAL_H
#define CHAPPE_STORE_SEAL_H

#include <intel-ipsec-mb.h>
#include <nettle/aes.h>
#include <nettle/gcm.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEAL_KEY_BYTES = 32, SEAL_NONCE_BYTES = 12, SEAL_TAG_BYTES = 16 };

/* What either library makes of a key. Wiped with the memory it lies in. */
struct seal_key {
	alignas(64) union {
		struct gcm_key_data fast;
		struct {
			struct aes256_ctx cipher;
			struct gcm_key hash;
		} portable;
	};
	bool is_fast;
};

/* Whether intel-ipsec-mb fits this processor. The first call comes before there are threads. */
bool seal_has_fast(void);
/* fast: only where seal_has_fast(). */
void seal_expand(struct seal_key *key, const uint8_t bytes[SEAL_KEY_BYTES], bool fast);

/* No nonce twice under one key. The tag lies behind the bytes. */
void seal_close(const struct seal_key *key, const uint8_t nonce[SEAL_NONCE_BYTES], uint8_t *bytes,
	size_t len);
/* 0 or -EBADMSG: then the bytes are of no use. */
int seal_open(const struct seal_key *key, const uint8_t nonce[SEAL_NONCE_BYTES], uint8_t *bytes,
	size_t len) __attribute__((warn_unused_result));

#endif
