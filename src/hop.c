#include "hop.h"
#include <errno.h>

uint32_t hop_suites(void)
{
	uint32_t suites = 1U << WIRE_SUITE_CHACHA20POLY1305;
	/* libsodium looks at the processor in sodium_init(); calling it again does nothing. */
	if (sodium_init() >= 0 && crypto_aead_aes256gcm_is_available())
		suites |= 1U << WIRE_SUITE_AES256GCM;
	return suites;
}

int hop_key_init(struct hop_key *key, enum wire_suite suite, const uint8_t bytes[WIRE_KEY_BYTES])
{
	if (suite > WIRE_SUITE_CHACHA20POLY1305 || !(hop_suites() >> suite & 1))
		return -ENOTSUP;
	key->suite = suite;
	if (suite == WIRE_SUITE_AES256GCM)
		crypto_aead_aes256gcm_beforenm(&key->aes, bytes);
	else
		memcpy(key->chacha, bytes, sizeof key->chacha);
	return 0;
}

void hop_seal(const struct hop_key *key, uint32_t receiver_index, uint64_t counter, uint8_t *frame,
	size_t len)
{
	struct wire_transport *transport = (struct wire_transport *)frame;
	size_t inner_len = len - WIRE_TRANSPORT_OVERHEAD_BYTES;
	uint8_t *tag = transport->inner + inner_len, nonce[12];

	transport->type = WIRE_TRANSPORT;
	memset(transport->zero, 0, sizeof transport->zero);
	transport->receiver_index = put32(receiver_index);
	transport->counter = put64(counter);
	hop_nonce(key->suite, counter, nonce);
	if (key->suite == WIRE_SUITE_AES256GCM)
		crypto_aead_aes256gcm_encrypt_detached_afternm(transport->inner, tag, NULL,
			transport->inner, inner_len, NULL, 0, NULL, nonce, &key->aes);
	else
		crypto_aead_chacha20poly1305_ietf_encrypt_detached(transport->inner, tag, NULL,
			transport->inner, inner_len, NULL, 0, NULL, nonce, key->chacha);
}

int hop_open(const struct hop_key *key, uint8_t *frame, size_t len)
{
	struct wire_transport *transport = (struct wire_transport *)frame;
	size_t inner_len = len - WIRE_TRANSPORT_OVERHEAD_BYTES;
	uint8_t *tag = transport->inner + inner_len, nonce[12];
	int failed;

	hop_nonce(key->suite, get64(transport->counter), nonce);
	if (key->suite == WIRE_SUITE_AES256GCM)
		failed = crypto_aead_aes256gcm_decrypt_detached_afternm(transport->inner, NULL,
			transport->inner, inner_len, tag, NULL, 0, nonce, &key->aes);
	else
		failed = crypto_aead_chacha20poly1305_ietf_decrypt_detached(transport->inner, NULL,
			transport->inner, inner_len, tag, NULL, 0, nonce, key->chacha);
	if (!failed)
		return 0;
	memset(transport->inner, 0, inner_len);
	return -EBADMSG;
}
