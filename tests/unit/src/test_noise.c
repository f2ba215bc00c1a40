#include "src/hop.h"
#include "src/noise.h"
#include "testing.h"
#include <errno.h>
#include <jansson.h>

enum { BUFFER_BYTES = 1024 };

static const struct kind {
	const char *name;
	enum noise_pattern pattern;
	enum noise_cipher cipher;
	size_t messages;
	size_t payload_bytes[2];
} kinds[] = {
	{ "Noise_IKpsk2_25519_AESGCM_SHA256", NOISE_IKPSK2, NOISE_AESGCM, 2,
		{ WIRE_INIT_PAYLOAD_BYTES, WIRE_RESPONSE_PAYLOAD_BYTES } },
	{ "Noise_IKpsk2_25519_ChaChaPoly_SHA256", NOISE_IKPSK2, NOISE_CHACHAPOLY, 2,
		{ WIRE_INIT_PAYLOAD_BYTES, WIRE_RESPONSE_PAYLOAD_BYTES } },
	{ "Noise_Xpsk1_25519_ChaChaPoly_SHA256", NOISE_XPSK1, NOISE_CHACHAPOLY, 1, { 352 } },
	{ "Noise_Xpsk1_25519_AESGCM_SHA256", NOISE_XPSK1, NOISE_AESGCM, 1, { 352 } },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool works_here(const struct kind *kind)
{
	return hop_suites() >> kind->cipher & 1;
}

/* ---- published vectors ---- */

static size_t hex(const json_t *object, const char *name, uint8_t *out, size_t max)
{
	const char *text = json_string_value(json_object_get(object, name));
	size_t len = 0;
	assert_non_null(text);
	assert_int_equal(sodium_hex2bin(out, max, text, strlen(text), NULL, &len, NULL), 0);
	return len;
}

static void keypair_of(const json_t *vector, const char *name, struct noise_keypair *keypair)
{
	memset(keypair, 0, sizeof *keypair);
	if (!json_object_get(vector, name))
		return;
	assert_int_equal(hex(vector, name, keypair->secret, 32), 32);
	noise_public_key(keypair);
}

static void begin_from_vector(const json_t *vector, const struct kind *kind,
	struct noise *initiator, struct noise *responder)
{
	struct noise_keypair initiator_static, responder_static;
	uint8_t prologue[64], remote[32], psk[32];
	const char *psk_text =
		json_string_value(json_array_get(json_object_get(vector, "init_psks"), 0));
	assert_int_equal(sodium_hex2bin(psk, 32, psk_text, 64, NULL, NULL, NULL), 0);
	keypair_of(vector, "init_static", &initiator_static);
	keypair_of(vector, "resp_static", &responder_static);
	hex(vector, "init_remote_static", remote, sizeof remote);
	assert_memory_equal(remote, responder_static.public, 32);

	size_t len = hex(vector, "init_prologue", prologue, sizeof prologue);
	assert_int_equal(noise_begin(initiator, kind->pattern, kind->cipher, true, prologue, len,
				 &initiator_static, remote, psk),
		0);
	len = hex(vector, "resp_prologue", prologue, sizeof prologue);
	assert_int_equal(noise_begin(responder, kind->pattern, kind->cipher, false, prologue, len,
				 &responder_static, NULL, psk),
		0);
	keypair_of(vector, "init_ephemeral", &initiator->ephemeral);
	keypair_of(vector, "resp_ephemeral", &responder->ephemeral);
}

/* Transport messages as section 5.3 has them: empty associated data, the nonce counts up. */
static void check_transport(const struct kind *kind, const uint8_t key[32], uint64_t counter,
	const uint8_t *payload, size_t len, const uint8_t *want)
{
	uint8_t out[BUFFER_BYTES], nonce[12];
	hop_nonce((enum wire_suite)kind->cipher, counter, nonce);
	if (kind->cipher == NOISE_AESGCM)
		crypto_aead_aes256gcm_encrypt(out, NULL, payload, len, NULL, 0, NULL, nonce, key);
	else
		crypto_aead_chacha20poly1305_ietf_encrypt(
			out, NULL, payload, len, NULL, 0, NULL, nonce, key);
	assert_memory_equal(out, want, len + NOISE_TAG_BYTES);
}

static void run_vector(const json_t *vector, const struct kind *kind)
{
	struct noise ends[2]; /* initiator, responder */
	struct noise_keys keys[2];
	const json_t *message;
	size_t number;
	begin_from_vector(vector, kind, &ends[0], &ends[1]);
	json_array_foreach (json_object_get(vector, "messages"), number, message) {
		uint8_t payload[64], want[256], out[256];
		size_t len = hex(message, "payload", payload, sizeof payload);
		size_t want_len = hex(message, "ciphertext", want, sizeof want);
		/* The ends take turns; with a one-way pattern only the initiator speaks. */
		size_t from = kind->messages == 2 ? number % 2 : 0;
		if (number >= kind->messages) {
			if (number == kind->messages) {
				noise_split(&ends[0], &keys[0]);
				noise_split(&ends[1], &keys[1]);
				assert_memory_equal(&keys[0], &keys[1], sizeof keys[0]);
			}
			uint64_t counter = kind->messages == 2 ? (number - 2) / 2 : number - 1;
			check_transport(kind,
				from ? keys[0].responder_to_initiator
				     : keys[0].initiator_to_responder,
				counter, payload, len, want);
			assert_int_equal(want_len, len + NOISE_TAG_BYTES);
			continue;
		}
		assert_int_equal(want_len, len + noise_overhead(&ends[from]));
		assert_int_equal(noise_write(&ends[from], payload, len, out), 0);
		assert_memory_equal(out, want, want_len);
		assert_int_equal(noise_read(&ends[!from], want, want_len, out), 0);
		assert_memory_equal(out, payload, len);
	}
	uint8_t hash[32];
	assert_int_equal(hex(vector, "handshake_hash", hash, sizeof hash), 32);
	assert_memory_equal(ends[0].hash, hash, 32);
	assert_memory_equal(ends[1].hash, hash, 32);
}

static void published_vectors(void **state)
{
	(void)state;
	json_error_t error;
	json_t *file = json_load_file(VECTORS "/noise.json", 0, &error);
	assert_non_null(file);
	const json_t *vector;
	size_t number, done = 0;
	json_array_foreach (json_object_get(file, "vectors"), number, vector) {
		const char *name = json_string_value(json_object_get(vector, "protocol_name"));
		for (size_t k = 0; k < KINDS; k++)
			if (strcmp(kinds[k].name, name) == 0) {
				if (works_here(&kinds[k]))
					run_vector(vector, &kinds[k]);
				done++;
			}
	}
	assert_int_equal(done, 3);
	json_decref(file);
}

/* ---- properties ---- */

struct pair {
	struct noise ends[2]; /* initiator, responder */
	struct noise_keypair statics[2];
	uint8_t psk[32];
	uint8_t payload[BUFFER_BYTES], message[BUFFER_BYTES], out[BUFFER_BYTES];
};

static void begin_pair(struct pair *pair, const struct kind *kind)
{
	memset(pair, 0, sizeof *pair);
	fill(pair->psk, sizeof pair->psk, 1);
	fill(pair->payload, sizeof pair->payload, 2);
	for (uint8_t end = 0; end < 2; end++) {
		fill(pair->statics[end].secret, 32, (uint8_t)(3 + end));
		noise_public_key(&pair->statics[end]);
	}
	for (size_t end = 0; end < 2; end++)
		assert_int_equal(noise_begin(&pair->ends[end], kind->pattern, kind->cipher,
					 end == 0, "chappe 1", 8, &pair->statics[end],
					 end == 0 ? pair->statics[1].public : NULL, pair->psk),
			0);
}

/* Writes message number n and returns its length; the reader has not seen it yet. */
static size_t write_next(struct pair *pair, const struct kind *kind, size_t n)
{
	struct noise *writer = &pair->ends[n];
	size_t len = kind->payload_bytes[n] + noise_overhead(writer);
	assert_int_equal(
		noise_write(writer, pair->payload, kind->payload_bytes[n], pair->message), 0);
	return len;
}

static void read_next(struct pair *pair, const struct kind *kind, size_t n, size_t len)
{
	assert_int_equal(noise_read(&pair->ends[!n], pair->message, len, pair->out), 0);
	assert_memory_equal(pair->out, pair->payload, kind->payload_bytes[n]);
}

static void every_forged_bit_fails_and_ends_nothing(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct pair pair;
		if (!works_here(&kinds[k]))
			continue;
		begin_pair(&pair, &kinds[k]);
		for (size_t n = 0; n < kinds[k].messages; n++) {
			size_t len = write_next(&pair, &kinds[k], n);
			struct noise before = pair.ends[!n];
			for (size_t bit = 0; bit < len * 8; bit++) {
				flip_bit(pair.message, bit);
				memset(pair.out, 0xee, sizeof pair.out);
				assert_int_equal(
					noise_read(&pair.ends[!n], pair.message, len, pair.out),
					-EBADMSG);
				assert_true(sodium_is_zero(pair.out, kinds[k].payload_bytes[n]));
				assert_int_equal(pair.out[kinds[k].payload_bytes[n]], 0xee);
				flip_bit(pair.message, bit);
			}
			assert_memory_equal(&pair.ends[!n], &before, sizeof before);
			read_next(&pair, &kinds[k], n, len);
		}
	}
}

static void every_truncation_fails(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct pair pair;
		if (!works_here(&kinds[k]))
			continue;
		begin_pair(&pair, &kinds[k]);
		for (size_t n = 0; n < kinds[k].messages; n++) {
			size_t len = write_next(&pair, &kinds[k], n);
			for (size_t cut = 0; cut < len; cut++)
				assert_int_equal(
					noise_read(&pair.ends[!n], pair.message, cut, pair.out),
					-EBADMSG);
			read_next(&pair, &kinds[k], n, len);
		}
	}
}

static void both_ends_agree(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct pair pair;
		struct noise_keys keys[2];
		if (!works_here(&kinds[k]))
			continue;
		begin_pair(&pair, &kinds[k]);
		for (size_t n = 0; n < kinds[k].messages; n++) {
			assert_false(noise_finished(&pair.ends[n]));
			read_next(&pair, &kinds[k], n, write_next(&pair, &kinds[k], n));
		}
		assert_memory_equal(pair.ends[1].remote_static, pair.statics[0].public, 32);
		for (size_t end = 0; end < 2; end++) {
			assert_true(noise_finished(&pair.ends[end]));
			assert_int_equal(noise_overhead(&pair.ends[end]), 0);
			noise_split(&pair.ends[end], &keys[end]);
			/* Only the hash is left. */
			struct noise empty = { 0 };
			memcpy(empty.hash, pair.ends[end].hash, sizeof empty.hash);
			assert_memory_equal(&pair.ends[end], &empty, sizeof empty);
		}
		assert_memory_equal(&keys[0], &keys[1], sizeof keys[0]);
		assert_memory_equal(pair.ends[0].hash, pair.ends[1].hash, 32);
		assert_false(sodium_is_zero(pair.ends[0].hash, 32));
		assert_memory_not_equal(
			keys[0].initiator_to_responder, keys[0].responder_to_initiator, 32);
		assert_memory_not_equal(keys[0].initiator_to_responder, keys[0].refresh, 32);
		assert_memory_not_equal(keys[0].responder_to_initiator, keys[0].refresh, 32);
	}
}

/* What must be the same at both ends: the responder gets it wrong, one thing at a time. */
enum wrong { WRONG_NOTHING, WRONG_PSK, WRONG_PROLOGUE, WRONG_STATIC, WRONG_CIPHER };

static size_t first_failure(const struct kind *kind, enum wrong wrong)
{
	struct pair pair;
	begin_pair(&pair, kind);
	if (wrong == WRONG_PSK)
		pair.psk[31] ^= 1;
	if (wrong == WRONG_STATIC)
		noise_generate(&pair.statics[1]);
	enum noise_cipher other = kind->cipher == NOISE_AESGCM ? NOISE_CHACHAPOLY : NOISE_AESGCM;
	assert_int_equal(noise_begin(&pair.ends[1], kind->pattern,
				 wrong == WRONG_CIPHER ? other : kind->cipher, false,
				 wrong == WRONG_PROLOGUE ? "chappe 2" : "chappe 1", 8,
				 &pair.statics[1], NULL, pair.psk),
		0);
	for (size_t n = 0; n < kind->messages; n++) {
		size_t len = write_next(&pair, kind, n);
		int result = noise_read(&pair.ends[!n], pair.message, len, pair.out);
		if (result == -EBADMSG)
			return n;
		assert_int_equal(result, 0);
	}
	return kind->messages;
}

static void what_differs_is_noticed(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		if (hop_suites() != 6)
			continue;
		assert_int_equal(first_failure(&kinds[k], WRONG_NOTHING), kinds[k].messages);
		/* psk2 comes in with message 2, psk1 with message 1: the last one of either. */
		assert_int_equal(first_failure(&kinds[k], WRONG_PSK), kinds[k].messages - 1);
		assert_int_equal(first_failure(&kinds[k], WRONG_PROLOGUE), 0);
		assert_int_equal(first_failure(&kinds[k], WRONG_STATIC), 0);
		assert_int_equal(first_failure(&kinds[k], WRONG_CIPHER), 0);
	}
}

static void ends_take_turns(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct pair pair;
		if (!works_here(&kinds[k]))
			continue;
		begin_pair(&pair, &kinds[k]);
		for (size_t n = 0; n < kinds[k].messages; n++) {
			memset(pair.out, 0xee, sizeof pair.out);
			assert_int_equal(
				noise_write(&pair.ends[!n], pair.payload, 16, pair.out), -EINVAL);
			assert_true(sodium_is_zero(pair.out, 16));
			assert_int_equal(
				noise_read(&pair.ends[n], pair.message, 200, pair.out), -EINVAL);
			read_next(&pair, &kinds[k], n, write_next(&pair, &kinds[k], n));
		}
		for (size_t end = 0; end < 2; end++) {
			assert_int_equal(
				noise_write(&pair.ends[end], pair.payload, 16, pair.out), -EINVAL);
			assert_int_equal(
				noise_read(&pair.ends[end], pair.message, 200, pair.out), -EINVAL);
		}
	}
}

static void a_responder_may_learn_the_psk_from_message_1(void **state)
{
	(void)state;
	struct pair pair;
	begin_pair(&pair, &kinds[1]);
	assert_int_equal(noise_begin(&pair.ends[1], NOISE_IKPSK2, NOISE_CHACHAPOLY, false,
				 "chappe 1", 8, &pair.statics[1], NULL, NULL),
		0);
	read_next(&pair, &kinds[1], 0, write_next(&pair, &kinds[1], 0));
	assert_int_equal(noise_write(&pair.ends[1], pair.payload, 16, pair.out), -EINVAL);
	noise_set_psk(&pair.ends[1], pair.psk);
	read_next(&pair, &kinds[1], 1, write_next(&pair, &kinds[1], 1));
}

static void each_handshake_draws_its_own_ephemeral(void **state)
{
	(void)state;
	struct pair pairs[2];
	for (size_t i = 0; i < 2; i++) {
		begin_pair(&pairs[i], &kinds[1]);
		write_next(&pairs[i], &kinds[1], 0);
	}
	/* Neither e nor anything after it is the same. */
	for (size_t at = 0; at + 8 <= WIRE_INIT_NOISE_BYTES; at++)
		assert_memory_not_equal(pairs[0].message + at, pairs[1].message + at, 8);
}

/* Points of order 1, 2, 4 and 8 and their other encodings (RFC 7748, section 6.1): the shared
 * secret would be zeros whoever we are. */
static void keys_of_low_order_are_refused(void **state)
{
	(void)state;
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
			struct pair pair;
			uint8_t point[32];
			if (!works_here(&kinds[k]))
				continue;
			begin_pair(&pair, &kinds[k]);
			sodium_hex2bin(point, 32, points[i], 64, NULL, NULL, NULL);
			assert_int_equal(
				noise_begin(&pair.ends[0], kinds[k].pattern, kinds[k].cipher, true,
					"", 0, &pair.statics[0], point, pair.psk),
				0);
			memset(pair.out, 0xee, sizeof pair.out);
			assert_int_equal(
				noise_write(&pair.ends[0], pair.payload, 16, pair.out), -EINVAL);
			assert_true(sodium_is_zero(pair.out, 16 + 96));
		}
}

static void messages_have_a_limit(void **state)
{
	(void)state;
	static uint8_t payload[65536], out[65536 + 96], back[65536];
	struct pair pair;
	begin_pair(&pair, &kinds[2]);
	assert_int_equal(noise_write(&pair.ends[0], payload, 65535 - 96 + 1, out), -EINVAL);
	assert_int_equal(noise_write(&pair.ends[0], payload, 65535 - 96, out), 0);
	assert_int_equal(noise_read(&pair.ends[1], out, 65536, back), -EBADMSG);
	assert_int_equal(noise_read(&pair.ends[1], out, 65535, back), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(every_forged_bit_fails_and_ends_nothing),
		cmocka_unit_test(every_truncation_fails),
		cmocka_unit_test(both_ends_agree),
		cmocka_unit_test(what_differs_is_noticed),
		cmocka_unit_test(ends_take_turns),
		cmocka_unit_test(a_responder_may_learn_the_psk_from_message_1),
		cmocka_unit_test(each_handshake_draws_its_own_ephemeral),
		cmocka_unit_test(keys_of_low_order_are_refused),
		cmocka_unit_test(messages_have_a_limit),
	};
	return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
