#include "seal.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

_Static_assert(SEAL_TAG_BYTES == GCM_DIGEST_SIZE, "tag");
_Static_assert(SEAL_KEY_BYTES == AES256_KEY_SIZE, "key");
_Static_assert(SEAL_NONCE_BYTES == GCM_IV_SIZE, "nonce");
_Static_assert(sizeof(struct seal_key) % 64 == 0, "sodium_malloc() aligns its end");

/* Made once for the process; only its functions are used, which keep nothing in it. */
static IMB_MGR *fast_functions;

bool seal_has_fast(void)
{
	static bool asked;
	IMB_ARCH arch = IMB_ARCH_NONE;

	if (asked)
		return fast_functions != NULL;
	asked = true;
	IMB_MGR *mgr = alloc_mb_mgr(0);
	if (!mgr)
		return false;
	init_mb_mgr_auto(mgr, &arch);
	const uint64_t aes = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
	/* The forms below SSE are tables in memory, whose timing depends on keys. */
	if (arch >= IMB_ARCH_SSE && imb_get_errno(mgr) == 0 && (mgr->features & aes) == aes)
		fast_functions = mgr;
	else
		free_mb_mgr(mgr);
	return fast_functions != NULL;
}

void seal_expand(struct seal_key *key, const uint8_t bytes[SEAL_KEY_BYTES], bool fast)
{
	memset(key, 0, sizeof *key);
	key->is_fast = fast;
	if (fast) {
		IMB_AES256_GCM_PRE(fast_functions, bytes, &key->fast);
		return;
	}
	aes256_set_encrypt_key(&key->portable.cipher, bytes);
	gcm_set_key(
		&key->portable.hash, &key->portable.cipher, (nettle_cipher_func *)aes256_encrypt);
}

static void portable_digest(const struct seal_key *key, struct gcm_ctx *message, uint8_t *tag)
{
	gcm_digest(message, &key->portable.hash, &key->portable.cipher,
		(nettle_cipher_func *)aes256_encrypt, SEAL_TAG_BYTES, tag);
}

void seal_close(const struct seal_key *key, const uint8_t nonce[SEAL_NONCE_BYTES], uint8_t *bytes,
	size_t len)
{
	if (key->is_fast) {
		struct gcm_context_data context;
		IMB_AES256_GCM_ENC(fast_functions, &key->fast, &context, bytes, bytes, len, nonce,
			NULL, 0, bytes + len, SEAL_TAG_BYTES);
		return;
	}
	struct gcm_ctx message;
	gcm_set_iv(&message, &key->portable.hash, SEAL_NONCE_BYTES, nonce);
	gcm_encrypt(&message, &key->portable.hash, &key->portable.cipher,
		(nettle_cipher_func *)aes256_encrypt, len, bytes, bytes);
	portable_digest(key, &message, bytes + len);
}

int seal_open(const struct seal_key *key, const uint8_t nonce[SEAL_NONCE_BYTES], uint8_t *bytes,
	size_t len)
{
	uint8_t tag[SEAL_TAG_BYTES];

	if (key->is_fast) {
		struct gcm_context_data context;
		IMB_AES256_GCM_DEC(fast_functions, &key->fast, &context, bytes, bytes, len, nonce,
			NULL, 0, tag, SEAL_TAG_BYTES);
	} else {
		struct gcm_ctx message;
		gcm_set_iv(&message, &key->portable.hash, SEAL_NONCE_BYTES, nonce);
		gcm_decrypt(&message, &key->portable.hash, &key->portable.cipher,
			(nettle_cipher_func *)aes256_encrypt, len, bytes, bytes);
		portable_digest(key, &message, tag);
	}
	return crypto_verify_16(tag, bytes + len) == 0 ? 0 : -EBADMSG;
}
