#include "seal.h"
#include <errno.h>
#include <sodium.h>

enum { PROLOGUE_BYTES = sizeof SEAL_PROLOGUE - 1 + WIRE_INNER_HEADER_BYTES };

static void make_prologue(const struct wire_inner *inner, uint8_t prologue[PROLOGUE_BYTES])
{
	memcpy(prologue, SEAL_PROLOGUE, sizeof SEAL_PROLOGUE - 1);
	memcpy(prologue + sizeof SEAL_PROLOGUE - 1, inner, WIRE_INNER_HEADER_BYTES);
}

static bool fills_a_cell(size_t payload_len)
{
	return payload_len == WIRE_SMALL_PAYLOAD_BYTES || payload_len == WIRE_LARGE_PAYLOAD_BYTES;
}

static int seal(const struct noise_keypair *own, const uint8_t remote[NOISE_KEY_BYTES],
	const uint8_t psk[NOISE_KEY_BYTES], const struct noise_keypair *ephemeral,
	struct wire_inner *inner, const struct seal_plain *plain, size_t plain_len)
{
	uint8_t prologue[PROLOGUE_BYTES];
	struct noise noise;

	if (!fills_a_cell(plain_len + SEAL_OVERHEAD_BYTES))
		return -EINVAL;
	make_prologue(inner, prologue);
	int error = noise_begin(&noise, NOISE_XPSK1, NOISE_CHACHAPOLY, true, prologue,
		sizeof prologue, own, remote, psk);
	if (!error) {
		if (ephemeral)
			noise.ephemeral = *ephemeral;
		error = noise_write(&noise, (const uint8_t *)plain, plain_len, inner->payload);
	}
	noise_wipe(&noise);
	if (error) {
		sodium_memzero(inner->payload, plain_len + SEAL_OVERHEAD_BYTES);
		return -EINVAL;
	}
	return 0;
}

int seal_payload(const struct noise_keypair *own, const uint8_t remote[NOISE_KEY_BYTES],
	const uint8_t psk[NOISE_KEY_BYTES], struct wire_inner *inner,
	const struct seal_plain *plain, size_t plain_len)
{
	return seal(own, remote, psk, NULL, inner, plain, plain_len);
}

int seal_repeatable(const struct noise_keypair *own, const uint8_t remote[NOISE_KEY_BYTES],
	const uint8_t psk[NOISE_KEY_BYTES], struct wire_inner *inner,
	const struct seal_plain *plain, size_t plain_len)
{
	static const uint8_t purpose[] = "chappe e2e repeat";
	crypto_generichash_state hash;
	struct noise_keypair ephemeral;

	crypto_generichash_init(&hash, own->secret, sizeof own->secret, sizeof ephemeral.secret);
	crypto_generichash_update(&hash, purpose, sizeof purpose - 1);
	crypto_generichash_update(&hash, remote, NOISE_KEY_BYTES);
	crypto_generichash_update(&hash, psk, NOISE_KEY_BYTES);
	crypto_generichash_update(&hash, (const uint8_t *)inner, WIRE_INNER_HEADER_BYTES);
	crypto_generichash_update(&hash, (const uint8_t *)plain, plain_len);
	crypto_generichash_final(&hash, ephemeral.secret, sizeof ephemeral.secret);
	noise_public_key(&ephemeral);
	int error = seal(own, remote, psk, &ephemeral, inner, plain, plain_len);
	sodium_memzero(&ephemeral, sizeof ephemeral);
	sodium_memzero(&hash, sizeof hash);
	return error;
}

/* The rules of struct seal_plain. */
static int check_plain(const struct seal_plain *plain, size_t room)
{
	uint16_t frag = get16(plain->frag), frags = get16(plain->frags), len = get16(plain->len);
	uint8_t skip = plain->skip & SEAL_SKIP_MAX;

	if ((plain->skip && skip >= get64(plain->message)) || len > room || frags == 0 ||
		frags > SEAL_FRAGMENTS_MAX || frag >= frags)
		return -EPROTO;
	if (!sodium_is_zero(plain->data + len, room - len))
		return -EPROTO;
	if (frags > 1 && frag < frags - 1 && len != SEAL_LARGE_DATA_BYTES)
		return -EPROTO;
	if (frags > 1 && len == 0)
		return -EPROTO;
	if ((size_t)frag * SEAL_LARGE_DATA_BYTES + len > SEAL_MESSAGE_BYTES_MAX)
		return -EPROTO;
	switch (plain->type) {
	case SEAL_DATA:
		return get64(plain->message) ? 0 : -EPROTO;
	case SEAL_HELLO:
		return get64(plain->message) && frags == 1 ? 0 : -EPROTO;
	case SEAL_GIVEN_UP:
		return get64(plain->message) && frags == 1 && len == 0 ? 0 : -EPROTO;
	case SEAL_ACK:
		return get64(plain->message) == 0 && frags == 1 ? 0 : -EPROTO;
	default:
		return -EPROTONOSUPPORT;
	}
}

int seal_open(const struct noise_keypair *own, const uint8_t psk[NOISE_KEY_BYTES],
	const struct wire_inner *inner, size_t payload_len, uint8_t sender[NOISE_KEY_BYTES],
	struct seal_plain *plain)
{
	uint8_t prologue[PROLOGUE_BYTES];
	struct noise noise;

	if (!fills_a_cell(payload_len))
		return -EBADMSG;
	size_t plain_len = payload_len - SEAL_OVERHEAD_BYTES;
	make_prologue(inner, prologue);
	int error = noise_begin(&noise, NOISE_XPSK1, NOISE_CHACHAPOLY, false, prologue,
		sizeof prologue, own, NULL, psk);
	if (!error)
		error = noise_read(&noise, inner->payload, payload_len, (uint8_t *)plain)
				? -EBADMSG
				: check_plain(plain, plain_len - SEAL_HEADER_BYTES);
	if (error) {
		sodium_memzero(plain, plain_len);
		sodium_memzero(sender, NOISE_KEY_BYTES);
	} else {
		memcpy(sender, noise.remote_static, NOISE_KEY_BYTES);
	}
	noise_wipe(&noise);
	return error;
}
