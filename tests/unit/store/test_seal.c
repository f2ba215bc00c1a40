/* AES-256-GCM by two libraries: the same bytes, and what was changed does not open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/seal.h"

#include <errno.h>
#include <sodium.h>

enum { MAX_BYTES = 1204 };

static const size_t lengths[] = { 1, 15, 16, 17, 30, 484, 1024, MAX_BYTES };

/* NIST's GCM vectors (McGrew and Viega, test cases 13 and 14): a key, nonce and bytes of zeros. */
static void known_bytes_come_out(void **state)
{
	static const uint8_t wanted[32] = { 0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07,
		0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18, 0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b,
		0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19 };
	const uint8_t key_bytes[SEAL_KEY_BYTES] = { 0 }, nonce[SEAL_NONCE_BYTES] = { 0 };

	(void)state;
	for (int fast = 0; fast < (seal_has_fast() ? 2 : 1); fast++) {
		uint8_t bytes[32] = { 0 };
		struct seal_key key;
		seal_expand(&key, key_bytes, fast);
		seal_close(&key, nonce, bytes, 16);
		assert_memory_equal(bytes, wanted, sizeof wanted);
	}
}

static void both_give_the_same(void **state)
{
	uint8_t key_bytes[SEAL_KEY_BYTES], nonce[SEAL_NONCE_BYTES], plain[MAX_BYTES];
	uint8_t bytes[2][MAX_BYTES + SEAL_TAG_BYTES];
	struct seal_key keys[2];

	(void)state;
	if (!seal_has_fast())
		skip();
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		randombytes_buf(key_bytes, sizeof key_bytes);
		randombytes_buf(nonce, sizeof nonce);
		randombytes_buf(plain, sizeof plain);
		for (int fast = 0; fast < 2; fast++) {
			seal_expand(&keys[fast], key_bytes, fast);
			memcpy(bytes[fast], plain, lengths[i]);
			seal_close(&keys[fast], nonce, bytes[fast], lengths[i]);
		}
		assert_memory_equal(bytes[0], bytes[1], lengths[i] + SEAL_TAG_BYTES);
		if (lengths[i] >= 15) /* one byte is the same once in 256 times */
			assert_memory_not_equal(bytes[0], plain, lengths[i]);
		for (int fast = 0; fast < 2; fast++) {
			assert_int_equal(
				seal_open(&keys[fast], nonce, bytes[1 - fast], lengths[i]), 0);
			assert_memory_equal(bytes[1 - fast], plain, lengths[i]);
		}
	}
}

static void what_was_changed_does_not_open(void **state)
{
	uint8_t key_bytes[SEAL_KEY_BYTES], nonce[SEAL_NONCE_BYTES] = { 1 };
	uint8_t sealed[30 + SEAL_TAG_BYTES] = { 0 }, bytes[sizeof sealed];
	struct seal_key key;

	(void)state;
	randombytes_buf(key_bytes, sizeof key_bytes);
	for (int fast = 0; fast < (seal_has_fast() ? 2 : 1); fast++) {
		memset(sealed, 0, sizeof sealed);
		seal_expand(&key, key_bytes, fast);
		seal_close(&key, nonce, sealed, 30);
		for (size_t at = 0; at < sizeof sealed; at++) {
			memcpy(bytes, sealed, sizeof sealed);
			bytes[at] ^= 0x10;
			assert_int_equal(seal_open(&key, nonce, bytes, 30), -EBADMSG);
		}
		memcpy(bytes, sealed, sizeof sealed);
		nonce[11] ^= 1;
		assert_int_equal(seal_open(&key, nonce, bytes, 30), -EBADMSG);
		nonce[11] ^= 1;
		memcpy(bytes, sealed, sizeof sealed);
		assert_int_equal(seal_open(&key, nonce, bytes, 30), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_bytes_come_out),
		cmocka_unit_test(both_give_the_same),
		cmocka_unit_test(what_was_changed_does_not_open),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
