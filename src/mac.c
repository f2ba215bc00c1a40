#include "mac.h"
#include <errno.h>
#include <sodium.h>

enum { MAC_BYTES = 16 };
_Static_assert(offsetof(struct wire_init, mac1) == WIRE_MAC1_OFFSET, "mac1 covers what is before");
_Static_assert(offsetof(struct wire_init, mac2) == WIRE_MAC2_OFFSET, "mac2 covers mac1 too");

static void derive(uint8_t key[32], const char *label, const uint8_t relay_public[WIRE_KEY_BYTES])
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, (const uint8_t *)label, strlen(label));
	crypto_generichash_update(&state, relay_public, WIRE_KEY_BYTES);
	crypto_generichash_final(&state, key, 32);
}

void mac_keys_derive(struct mac_keys *keys, const uint8_t relay_public[WIRE_KEY_BYTES])
{
	derive(keys->mac1, "chappe mac1", relay_public);
	derive(keys->cookie, "chappe cookie", relay_public);
}

static void compute_mac1(
	const struct mac_keys *keys, const struct wire_init *init, uint8_t out[MAC_BYTES])
{
	crypto_generichash(out, MAC_BYTES, (const uint8_t *)init, WIRE_MAC1_OFFSET, keys->mac1,
		sizeof keys->mac1);
}

static void compute_mac2(const uint8_t cookie[WIRE_COOKIE_BYTES], const struct wire_init *init,
	uint8_t out[MAC_BYTES])
{
	crypto_generichash(
		out, MAC_BYTES, (const uint8_t *)init, WIRE_MAC2_OFFSET, cookie, WIRE_COOKIE_BYTES);
}

void mac_write(const struct mac_keys *keys, const uint8_t *cookie, struct wire_init *init)
{
	compute_mac1(keys, init, init->mac1);
	if (cookie)
		compute_mac2(cookie, init, init->mac2);
	else
		memset(init->mac2, 0, sizeof init->mac2);
}

bool mac1_ok(const struct mac_keys *keys, const struct wire_init *init)
{
	uint8_t expected[MAC_BYTES];
	compute_mac1(keys, init, expected);
	return sodium_memcmp(expected, init->mac1, MAC_BYTES) == 0;
}

void mac_cookie_rotate(struct mac_cookie_secret *secret, const uint8_t fresh[32])
{
	secret->has_previous = !sodium_is_zero(secret->current, sizeof secret->current);
	memcpy(secret->previous, secret->current, sizeof secret->previous);
	memcpy(secret->current, fresh, sizeof secret->current);
}

static void cookie_of(const uint8_t secret[32], const void *source, size_t source_len,
	uint8_t cookie[WIRE_COOKIE_BYTES])
{
	crypto_generichash(cookie, WIRE_COOKIE_BYTES, source, source_len, secret, 32);
}

static bool mac2_under(const uint8_t secret[32], const void *source, size_t source_len,
	const struct wire_init *init)
{
	uint8_t cookie[WIRE_COOKIE_BYTES], expected[MAC_BYTES];
	cookie_of(secret, source, source_len, cookie);
	compute_mac2(cookie, init, expected);
	bool ok = sodium_memcmp(expected, init->mac2, MAC_BYTES) == 0;
	sodium_memzero(cookie, sizeof cookie);
	sodium_memzero(expected, sizeof expected);
	return ok;
}

bool mac2_ok(const struct mac_cookie_secret *secret, const void *source, size_t source_len,
	const struct wire_init *init)
{
	/* Most inits under load carry no mac2 at all. */
	if (sodium_is_zero(init->mac2, sizeof init->mac2))
		return false;
	if (sodium_is_zero(secret->current, sizeof secret->current))
		return false;
	if (mac2_under(secret->current, source, source_len, init))
		return true;
	return secret->has_previous && mac2_under(secret->previous, source, source_len, init);
}

void mac_cookie_reply(const struct mac_keys *keys, const struct mac_cookie_secret *secret,
	const void *source, size_t source_len, const struct wire_init *init,
	const uint8_t nonce[24], struct wire_cookie_reply *reply)
{
	uint8_t cookie[WIRE_COOKIE_BYTES];
	cookie_of(secret->current, source, source_len, cookie);
	/* mac1 is read before the pad, which may lie over it, is written. */
	crypto_aead_xchacha20poly1305_ietf_encrypt(reply->cookie, NULL, cookie, sizeof cookie,
		init->mac1, sizeof init->mac1, NULL, nonce, keys->cookie);
	sodium_memzero(cookie, sizeof cookie);
	reply->type = WIRE_COOKIE_REPLY;
	memset(reply->zero, 0, sizeof reply->zero);
	reply->receiver_index = init->sender_index;
	memcpy(reply->nonce, nonce, sizeof reply->nonce);
	memset(reply->pad, 0, sizeof reply->pad);
}

int mac_cookie_open(const struct mac_keys *keys, const uint8_t mac1[16],
	const struct wire_cookie_reply *reply, uint8_t cookie[WIRE_COOKIE_BYTES])
{
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(cookie, NULL, NULL, reply->cookie,
		    sizeof reply->cookie, mac1, 16, reply->nonce, keys->cookie) == 0)
		return 0;
	sodium_memzero(cookie, WIRE_COOKIE_BYTES);
	return -EBADMSG;
}
