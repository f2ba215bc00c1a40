#include "src/hop.h"
#include "testing.h"
#include <errno.h>

static const enum wire_suite suites[] = { WIRE_SUITE_AES256GCM, WIRE_SUITE_CHACHA20POLY1305 };
static const size_t cells[] = { WIRE_SMALL_BYTES, WIRE_LARGE_BYTES };
enum { INDEX = 0x12345678 };

/* Calls the test once for each suite of this machine and each cell. */
static void for_each_kind(void (*test)(const struct hop_key *key, size_t len))
{
	for (size_t s = 0; s < 2; s++) {
		uint8_t bytes[WIRE_KEY_BYTES];
		struct hop_key key;
		fill(bytes, sizeof bytes, (uint8_t)s);
		if (!(hop_suites() >> suites[s] & 1)) {
			assert_int_equal(hop_key_init(&key, suites[s], bytes), -ENOTSUP);
			continue;
		}
		assert_int_equal(hop_key_init(&key, suites[s], bytes), 0);
		for (size_t c = 0; c < 2; c++)
			test(&key, cells[c]);
	}
}

static void round_trip(const struct hop_key *key, size_t len)
{
	static const uint64_t counters[] = { 0, 1, 0xff, 0x100, WIRE_LAST_COUNTER - 1,
		0x0123456789abcdef, UINT64_MAX };
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		uint8_t frame[WIRE_LARGE_BYTES], plain[WIRE_LARGE_BYTES];
		fill(plain, sizeof plain, 7);
		memcpy(frame, plain, sizeof frame);
		hop_seal(key, INDEX, counters[i], frame, len);

		assert_int_equal(wire_check(frame, len), WIRE_OK);
		const struct wire_transport *view = (const struct wire_transport *)frame;
		assert_int_equal(get32(view->receiver_index), INDEX);
		assert_true(get64(view->counter) == counters[i]);
		/* No 8 bytes of the plaintext stay where they were. */
		for (size_t at = 16; at + 8 <= len; at += 8)
			assert_memory_not_equal(frame + at, plain + at, 8);

		assert_int_equal(hop_open(key, frame, len), 0);
		assert_memory_equal(frame + 16, plain + 16, len - 32);
	}
}

static void seal_and_open(void **state)
{
	(void)state;
	for_each_kind(round_trip);
}

/* What a receiver does before it opens: no bit of a frame may change unnoticed. Type and reserved
 * bytes are caught by wire_check(); another index is another session. */
static bool passes(const struct hop_key *key, uint8_t *frame, size_t len)
{
	if (wire_check(frame, len) != WIRE_OK || frame[0] != WIRE_TRANSPORT)
		return false;
	if (get32(((struct wire_transport *)frame)->receiver_index) != INDEX)
		return false;
	if (hop_open(key, frame, len) == 0)
		return true;
	assert_true(sodium_is_zero(frame + 16, len - 32));
	return false;
}

static void forge(const struct hop_key *key, size_t len)
{
	uint8_t good[WIRE_LARGE_BYTES], frame[WIRE_LARGE_BYTES];
	fill(good, sizeof good, 9);
	hop_seal(key, INDEX, 4460, good, len);
	for (size_t bit = 0; bit < len * 8; bit++) {
		memcpy(frame, good, len);
		flip_bit(frame, bit);
		assert_false(passes(key, frame, len));
	}
	memcpy(frame, good, len);
	assert_true(passes(key, frame, len));
}

static void every_forged_bit_fails_and_wipes(void **state)
{
	(void)state;
	for_each_kind(forge);
}

static void under_another_key(const struct hop_key *key, size_t len)
{
	uint8_t frame[WIRE_LARGE_BYTES] = { 0 }, bytes[WIRE_KEY_BYTES];
	struct hop_key other;
	fill(bytes, sizeof bytes, 99);
	assert_int_equal(hop_key_init(&other, key->suite, bytes), 0);
	hop_seal(key, INDEX, 1, frame, len);
	assert_int_equal(hop_open(&other, frame, len), -EBADMSG);
	assert_true(sodium_is_zero(frame + 16, len - 32));
}

static void another_key_does_not_open(void **state)
{
	(void)state;
	for_each_kind(under_another_key);
}

/* Noise, section 12: 32 zero bits, then the counter, big-endian for AESGCM, else little-endian. */
static void nonces(void **state)
{
	(void)state;
	uint8_t nonce[12];
	hop_nonce(WIRE_SUITE_AES256GCM, 0x0102030405060708, nonce);
	assert_memory_equal(nonce, "\0\0\0\0\1\2\3\4\5\6\7\10", 12);
	hop_nonce(WIRE_SUITE_CHACHA20POLY1305, 0x0102030405060708, nonce);
	assert_memory_equal(nonce, "\0\0\0\0\10\7\6\5\4\3\2\1", 12);
}

static void unknown_suites_are_refused(void **state)
{
	(void)state;
	uint8_t bytes[WIRE_KEY_BYTES] = { 0 };
	struct hop_key key;
	assert_int_equal(hop_key_init(&key, (enum wire_suite)0, bytes), -ENOTSUP);
	assert_int_equal(hop_key_init(&key, (enum wire_suite)3, bytes), -ENOTSUP);
	assert_int_equal(hop_key_init(&key, (enum wire_suite)255, bytes), -ENOTSUP);
	assert_int_equal(hop_suites() & ~6U, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seal_and_open),
		cmocka_unit_test(every_forged_bit_fails_and_wipes),
		cmocka_unit_test(another_key_does_not_open),
		cmocka_unit_test(nonces),
		cmocka_unit_test(unknown_suites_are_refused),
	};
	return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
