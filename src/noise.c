#include "noise_symmetric.h"
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

/* Noise, section 7: the tokens of a message, in order. DH tokens name the initiator's key first. */
enum token { END, E, S, EE, ES, SE, SS, PSK };

enum { MESSAGES_MAX = 2, TOKENS_MAX = 6, MESSAGE_BYTES_MAX = 65535 };

/* Both patterns begin with the responder's static key as a pre-message (`<- s`), and in both the
 * initiator writes first. In psk handshakes `e` is mixed into the key too (section 9.2), so
 * everything after the first token is encrypted. */
struct pattern {
	uint8_t messages;
	uint8_t tokens[MESSAGES_MAX][TOKENS_MAX];
};

static const struct pattern patterns[] = {
	[NOISE_IKPSK2] = { 2, { { E, ES, S, SS, END }, { E, EE, SE, PSK, END } } },
	[NOISE_XPSK1] = { 1, { { E, ES, S, SS, PSK, END } } },
};

static const char *const names[][3] = {
	[NOISE_IKPSK2] = {
		[NOISE_AESGCM] = "Noise_IKpsk2_25519_AESGCM_SHA256",
		[NOISE_CHACHAPOLY] = "Noise_IKpsk2_25519_ChaChaPoly_SHA256",
	},
	[NOISE_XPSK1] = {
		[NOISE_AESGCM] = "Noise_Xpsk1_25519_AESGCM_SHA256",
		[NOISE_CHACHAPOLY] = "Noise_Xpsk1_25519_ChaChaPoly_SHA256",
	},
};

void noise_public_key(struct noise_keypair *keypair)
{
	crypto_scalarmult_base(keypair->public, keypair->secret);
}

void noise_generate(struct noise_keypair *keypair)
{
	randombytes_buf(keypair->secret, sizeof keypair->secret);
	noise_public_key(keypair);
}

static int mix_dh(struct noise *noise, const struct noise_keypair *ours, const uint8_t *theirs)
{
	uint8_t shared[NOISE_KEY_BYTES];
	/* Fails where the result is all zeros: a point of low order adds no secret. */
	int failed = crypto_scalarmult(shared, ours->secret, theirs);
	if (!failed)
		noise_mix_key(noise, shared);
	sodium_memzero(shared, sizeof shared);
	return failed ? -EBADMSG : 0;
}

/* A DH token names the initiator's key, then the responder's. */
static int mix_dh_token(struct noise *noise, enum token token)
{
	bool initiator_static = token == SE || token == SS;
	bool responder_static = token == ES || token == SS;
	bool ours_static = noise->initiator ? initiator_static : responder_static;
	bool theirs_static = noise->initiator ? responder_static : initiator_static;
	return mix_dh(noise, ours_static ? &noise->static_key : &noise->ephemeral,
		theirs_static ? noise->remote_static : noise->remote_ephemeral);
}

/* Tokens that read the same in both directions. */
static int mix_token(struct noise *noise, enum token token)
{
	if (token != PSK)
		return mix_dh_token(noise, token);
	noise_mix_key_and_hash(noise, noise->psk);
	return 0;
}

static const uint8_t *next_tokens(const struct noise *noise)
{
	return patterns[noise->pattern].tokens[noise->step];
}

static bool has_token(const struct noise *noise, enum token token)
{
	const uint8_t *next = next_tokens(noise);
	while (*next != END && *next != token)
		next++;
	return *next == token;
}

/* The initiator writes messages 0, 2, ... */
static bool may_go_on(const struct noise *noise, bool write)
{
	bool ours = noise->initiator == (noise->step % 2 == 0);
	return !noise_finished(noise) && ours == write &&
	       (noise->has_psk || !has_token(noise, PSK));
}

int noise_begin(struct noise *noise, enum noise_pattern pattern, enum noise_cipher cipher,
	bool initiator, const void *prologue, size_t prologue_len,
	const struct noise_keypair *static_key, const uint8_t *remote_static, const uint8_t *psk)
{
	memset(noise, 0, sizeof *noise);
	if (cipher == NOISE_AESGCM && !crypto_aead_aes256gcm_is_available())
		return -ENOTSUP;
	noise->pattern = pattern;
	noise->cipher = cipher;
	noise->initiator = initiator;
	noise->static_key = *static_key;
	if (remote_static)
		memcpy(noise->remote_static, remote_static, sizeof noise->remote_static);
	if (psk)
		noise_set_psk(noise, psk);

	/* Section 5.2: a name of up to 32 bytes is the hash itself, a longer one is hashed. */
	const char *name = names[pattern][cipher];
	size_t name_len = strlen(name);
	if (name_len <= sizeof noise->hash)
		memcpy(noise->hash, name, name_len);
	else
		noise_hash_name(name, name_len, noise->hash);
	memcpy(noise->chaining_key, noise->hash, sizeof noise->chaining_key);
	noise_mix_hash(noise, prologue, prologue_len);
	noise_mix_hash(noise, initiator ? noise->remote_static : noise->static_key.public,
		NOISE_KEY_BYTES);
	return 0;
}

void noise_set_psk(struct noise *noise, const uint8_t psk[NOISE_KEY_BYTES])
{
	memcpy(noise->psk, psk, sizeof noise->psk);
	noise->has_psk = true;
}

bool noise_finished(const struct noise *noise)
{
	return noise->step >= patterns[noise->pattern].messages;
}

size_t noise_overhead(const struct noise *noise)
{
	if (noise_finished(noise))
		return 0;
	size_t bytes = NOISE_TAG_BYTES;
	if (has_token(noise, E))
		bytes += NOISE_KEY_BYTES;
	if (has_token(noise, S))
		bytes += NOISE_KEY_BYTES + NOISE_TAG_BYTES;
	return bytes;
}

static uint8_t *write_ephemeral(struct noise *noise, uint8_t *out)
{
	if (sodium_is_zero(noise->ephemeral.secret, sizeof noise->ephemeral.secret))
		noise_generate(&noise->ephemeral);
	memcpy(out, noise->ephemeral.public, NOISE_KEY_BYTES);
	noise_mix_hash(noise, out, NOISE_KEY_BYTES);
	noise_mix_key(noise, out);
	return out + NOISE_KEY_BYTES;
}

static int write_tokens(struct noise *noise, uint8_t **out)
{
	int result = 0;
	for (const uint8_t *token = next_tokens(noise); *token != END && result == 0; token++) {
		if (*token == E) {
			*out = write_ephemeral(noise, *out);
		} else if (*token == S) {
			noise_encrypt_and_hash(
				noise, noise->static_key.public, NOISE_KEY_BYTES, *out);
			*out += NOISE_KEY_BYTES + NOISE_TAG_BYTES;
		} else {
			result = mix_token(noise, *token);
		}
	}
	return result;
}

int noise_write(struct noise *noise, const uint8_t *payload, size_t len, uint8_t *out)
{
	size_t overhead = noise_overhead(noise);
	if (len > MESSAGE_BYTES_MAX - overhead)
		return -EINVAL;
	struct noise next = *noise;
	uint8_t *at = out;
	int result = may_go_on(noise, true) ? write_tokens(&next, &at) : -EINVAL;
	if (result == 0) {
		noise_encrypt_and_hash(&next, payload, len, at);
		next.step++;
		*noise = next;
	} else {
		memset(out, 0, len + overhead);
		result = -EINVAL;
	}
	sodium_memzero(&next, sizeof next);
	return result;
}

static int read_tokens(struct noise *noise, const uint8_t **message)
{
	int result = 0;
	for (const uint8_t *token = next_tokens(noise); *token != END && result == 0; token++) {
		if (*token == E) {
			memcpy(noise->remote_ephemeral, *message, NOISE_KEY_BYTES);
			noise_mix_hash(noise, *message, NOISE_KEY_BYTES);
			noise_mix_key(noise, *message);
			*message += NOISE_KEY_BYTES;
		} else if (*token == S) {
			result = noise_decrypt_and_hash(noise, *message,
				NOISE_KEY_BYTES + NOISE_TAG_BYTES, noise->remote_static);
			*message += NOISE_KEY_BYTES + NOISE_TAG_BYTES;
		} else {
			result = mix_token(noise, *token);
		}
	}
	return result;
}

int noise_read(struct noise *noise, const uint8_t *message, size_t len, uint8_t *payload)
{
	size_t overhead = noise_overhead(noise);
	if (len < overhead || len > MESSAGE_BYTES_MAX)
		return -EBADMSG;
	size_t payload_len = len - overhead;
	if (!may_go_on(noise, false)) {
		memset(payload, 0, payload_len);
		return -EINVAL;
	}
	struct noise next = *noise;
	const uint8_t *at = message;
	int result = read_tokens(&next, &at);
	if (result == 0)
		result = noise_decrypt_and_hash(&next, at, payload_len + NOISE_TAG_BYTES, payload);
	if (result == 0) {
		next.step++;
		*noise = next;
	} else {
		sodium_memzero(payload, payload_len);
	}
	sodium_memzero(&next, sizeof next);
	return result;
}

void noise_split(struct noise *noise, struct noise_keys *keys)
{
	assert(noise_finished(noise));
	uint8_t out[3][NOISE_HASH_BYTES], hash[NOISE_HASH_BYTES];
	noise_hkdf(noise->chaining_key, NULL, 0, out, 3);
	memcpy(keys->initiator_to_responder, out[0], NOISE_KEY_BYTES);
	memcpy(keys->responder_to_initiator, out[1], NOISE_KEY_BYTES);
	memcpy(keys->refresh, out[2], NOISE_KEY_BYTES);
	sodium_memzero(out, sizeof out);
	memcpy(hash, noise->hash, sizeof hash);
	noise_wipe(noise);
	memcpy(noise->hash, hash, sizeof hash);
}

void noise_wipe(struct noise *noise)
{
	sodium_memzero(noise, sizeof *noise);
}
