#include "noise_symmetric.h"
#include "hop.h"
#include <errno.h>
#include <nettle/hmac.h>
#include <nettle/sha2.h>
#include <sodium.h>
#include <string.h>

_Static_assert((int)NOISE_AESGCM == (int)WIRE_SUITE_AES256GCM &&
		       (int)NOISE_CHACHAPOLY == (int)WIRE_SUITE_CHACHA20POLY1305,
	"one numbering");

void noise_hash_name(const char *name, size_t len, uint8_t hash[NOISE_HASH_BYTES])
{
	struct sha256_ctx state;
	sha256_init(&state);
	sha256_update(&state, len, (const uint8_t *)name);
	sha256_digest(&state, NOISE_HASH_BYTES, hash);
}

void noise_mix_hash(struct noise *noise, const void *data, size_t len)
{
	struct sha256_ctx state;
	sha256_init(&state);
	sha256_update(&state, sizeof noise->hash, noise->hash);
	sha256_update(&state, len, data);
	sha256_digest(&state, sizeof noise->hash, noise->hash);
}

/* out[i] = HMAC(temp, out[i - 1] || i + 1). */
void noise_hkdf(const uint8_t chaining_key[NOISE_HASH_BYTES], const uint8_t *input, size_t len,
	uint8_t (*out)[NOISE_HASH_BYTES], uint8_t n)
{
	struct hmac_sha256_ctx keyed;
	uint8_t temp[NOISE_HASH_BYTES];

	hmac_sha256_set_key(&keyed, NOISE_HASH_BYTES, chaining_key);
	hmac_sha256_update(&keyed, len, input);
	hmac_sha256_digest(&keyed, sizeof temp, temp);

	/* A digest leaves the context as it was after its key. */
	hmac_sha256_set_key(&keyed, sizeof temp, temp);
	for (uint8_t i = 0; i < n; i++) {
		uint8_t number = (uint8_t)(i + 1);
		if (i > 0)
			hmac_sha256_update(&keyed, NOISE_HASH_BYTES, out[i - 1]);
		hmac_sha256_update(&keyed, 1, &number);
		hmac_sha256_digest(&keyed, NOISE_HASH_BYTES, out[i]);
	}
	sodium_memzero(temp, sizeof temp);
	sodium_memzero(&keyed, sizeof keyed);
}

void noise_mix_key(struct noise *noise, const uint8_t input[NOISE_KEY_BYTES])
{
	uint8_t out[2][NOISE_HASH_BYTES];
	noise_hkdf(noise->chaining_key, input, NOISE_KEY_BYTES, out, 2);
	memcpy(noise->chaining_key, out[0], sizeof noise->chaining_key);
	memcpy(noise->key, out[1], sizeof noise->key);
	noise->nonce = 0;
	sodium_memzero(out, sizeof out);
}

void noise_mix_key_and_hash(struct noise *noise, const uint8_t psk[NOISE_KEY_BYTES])
{
	uint8_t out[3][NOISE_HASH_BYTES];
	noise_hkdf(noise->chaining_key, psk, NOISE_KEY_BYTES, out, 3);
	memcpy(noise->chaining_key, out[0], sizeof noise->chaining_key);
	noise_mix_hash(noise, out[1], sizeof out[1]);
	memcpy(noise->key, out[2], sizeof noise->key);
	noise->nonce = 0;
	sodium_memzero(out, sizeof out);
}

void noise_encrypt_and_hash(struct noise *noise, const uint8_t *plaintext, size_t len, uint8_t *out)
{
	uint8_t nonce[12];
	hop_nonce((enum wire_suite)noise->cipher, noise->nonce++, nonce);
	if (noise->cipher == NOISE_AESGCM)
		crypto_aead_aes256gcm_encrypt(out, NULL, plaintext, len, noise->hash,
			sizeof noise->hash, NULL, nonce, noise->key);
	else
		crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plaintext, len, noise->hash,
			sizeof noise->hash, NULL, nonce, noise->key);
	noise_mix_hash(noise, out, len + NOISE_TAG_BYTES);
}

int noise_decrypt_and_hash(struct noise *noise, const uint8_t *ciphertext, size_t len, uint8_t *out)
{
	uint8_t nonce[12];
	int failed;
	hop_nonce((enum wire_suite)noise->cipher, noise->nonce++, nonce);
	if (noise->cipher == NOISE_AESGCM)
		failed = crypto_aead_aes256gcm_decrypt(out, NULL, NULL, ciphertext, len,
			noise->hash, sizeof noise->hash, nonce, noise->key);
	else
		failed = crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, ciphertext, len,
			noise->hash, sizeof noise->hash, nonce, noise->key);
	if (failed)
		return -EBADMSG;
	noise_mix_hash(noise, ciphertext, len);
	return 0;
}
