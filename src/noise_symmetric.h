/* What Noise (revision 34, section 5.2) calls the SymmetricState: the chaining key, the running
 * hash and the cipher of struct noise. For noise.c alone. */
#ifndef CHAPPE_NOISE_SYMMETRIC_H
#define CHAPPE_NOISE_SYMMETRIC_H

#include "noise.h"

void noise_hash_name(const char *name, size_t len, uint8_t hash[NOISE_HASH_BYTES]);
void noise_mix_hash(struct noise *noise, const void *data, size_t len);
void noise_mix_key(struct noise *noise, const uint8_t input[NOISE_KEY_BYTES]);
void noise_mix_key_and_hash(struct noise *noise, const uint8_t psk[NOISE_KEY_BYTES]);
/* HKDF (section 4.3) with n outputs, n <= 3. */
void noise_hkdf(const uint8_t chaining_key[NOISE_HASH_BYTES], const uint8_t *input, size_t len,
	uint8_t (*out)[NOISE_HASH_BYTES], uint8_t n);
/* Writes len + 16 bytes. */
void noise_encrypt_and_hash(
	struct noise *noise, const uint8_t *plaintext, size_t len, uint8_t *out);
/* len counts the tag. 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int noise_decrypt_and_hash(
	struct noise *noise, const uint8_t *ciphertext, size_t len, uint8_t *out);

#endif
