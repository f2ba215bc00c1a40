/* The packet path's AEAD against libsodium (src/hop.c), byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/aead.h"
#include "src/hop.h"

static const uint32_t cells[] = { WIRE_SMALL_BYTES, WIRE_LARGE_BYTES };
static const uint64_t counters[] = { 0, 1, 255, 256, 0x01020304, WIRE_LAST_COUNTER - 1 };

struct pair {
	_Alignas(64) struct aead_key ours;
	struct hop_key reference;
};

static void keys_make(const struct aead *aead, struct pair *pair, enum wire_suite suite)
{
	uint8_t bytes[WIRE_KEY_BYTES];

	randombytes_buf(bytes, sizeof bytes);
	assert_int_equal(aead_key_init(aead, &pair->ours, suite, bytes), 0);
	assert_int_equal(hop_key_init(&pair->reference, suite, bytes), 0);
}

/* Calls check() for every suite, implementation and cell. */
static void each(void (*check)(const struct aead *aead, struct pair *pair, uint32_t len))
{
	for (int fallback = 0; fallback < 2; fallback++) {
		struct aead aead;
		assert_int_equal(aead_init(&aead), 0);
		if (fallback)
			aead.by_mgr = aead.has_aes = false;
		for (uint32_t suite = 1; suite <= 2; suite++) {
			if ((aead_suites(&aead) & 1u << suite) == 0)
				continue;
			for (uint32_t cell = 0; cell < 2; cell++) {
				struct pair pair;
				keys_make(&aead, &pair, suite);
				check(&aead, &pair, cells[cell]);
			}
		}
		aead_fini(&aead);
	}
}

static void check_same_bytes(const struct aead *aead, struct pair *pair, uint32_t len)
{
	uint8_t ours[WIRE_LARGE_BYTES], reference[WIRE_LARGE_BYTES], plain[WIRE_LARGE_BYTES];

	for (uint32_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		randombytes_buf(plain, len);
		memcpy(ours, plain, len);
		memcpy(reference, plain, len);
		aead_prefetch(&pair->ours, len);
		aead_seal(aead, &pair->ours, 0xdeadbeef, counters[i], ours, len);
		hop_seal(&pair->reference, 0xdeadbeef, counters[i], reference, len);
		assert_memory_equal(ours, reference, len);
		assert_int_equal(aead_open(aead, &pair->ours, ours, len), 0);
		assert_int_equal(hop_open(&pair->reference, reference, len), 0);
		assert_memory_equal(ours, reference, len);
		assert_memory_equal(ours + WIRE_TRANSPORT_HEADER_BYTES,
			plain + WIRE_TRANSPORT_HEADER_BYTES, len - WIRE_TRANSPORT_OVERHEAD_BYTES);
	}
}

static void both_seal_to_the_same_bytes(void **state)
{
	(void)state;
	each(check_same_bytes);
}

static void check_forgeries(const struct aead *aead, struct pair *pair, uint32_t len)
{
	static const uint8_t zeros[WIRE_LARGE_BYTES];
	const uint32_t inner = len - WIRE_TRANSPORT_OVERHEAD_BYTES;
	uint8_t sealed[WIRE_LARGE_BYTES], forged[WIRE_LARGE_BYTES];

	randombytes_buf(sealed, len);
	aead_seal(aead, &pair->ours, 7, 42, sealed, len);
	/* Counter, ciphertext and tag; type and index are the door's and the table's to check. */
	for (uint32_t bit = 64; bit < len * 8; bit++) {
		memcpy(forged, sealed, len);
		forged[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(aead_open(aead, &pair->ours, forged, len), -EBADMSG);
		assert_memory_equal(forged + WIRE_TRANSPORT_HEADER_BYTES, zeros, inner);
	}
	assert_int_equal(aead_open(aead, &pair->ours, sealed, len), 0);
}

static void every_flipped_bit_is_refused_and_leaves_zeros(void **state)
{
	(void)state;
	each(check_forgeries);
}

static void unknown_suites_are_refused(void **state)
{
	struct aead aead;
	_Alignas(64) struct aead_key key;
	const uint8_t bytes[WIRE_KEY_BYTES] = { 0 };

	(void)state;
	assert_int_equal(aead_init(&aead), 0);
	assert_int_equal(aead_key_init(&aead, &key, 0, bytes), -ENOTSUP);
	assert_int_equal(aead_key_init(&aead, &key, 3, bytes), -ENOTSUP);
	aead.has_aes = false;
	assert_int_equal(aead_key_init(&aead, &key, WIRE_SUITE_AES256GCM, bytes), -ENOTSUP);
	assert_int_equal(aead_suites(&aead), 1u << WIRE_SUITE_CHACHA20POLY1305);
	aead_fini(&aead);
}

/* NULL arguments are an error, which the library notes in its global. */
static int errno_after_nonsense(IMB_MGR *mgr)
{
	const struct gcm_key_data key = { 0 };
	const uint8_t byte[WIRE_TAG_BYTES] = { 0 };

	IMB_AES256_GCM_ENC(mgr, &key, NULL, NULL, byte, 1, byte, NULL, 0, NULL, WIRE_TAG_BYTES);
	return imb_get_errno(NULL);
}

static void check_apart(const struct aead *linked, const struct aead *apart)
{
	struct pair pair;

	keys_make(linked, &pair, WIRE_SUITE_AES256GCM);
	assert_int_equal(imb_get_errno(NULL), 0);
	assert_int_equal(errno_after_nonsense(apart->mgr), 0);
	assert_int_not_equal(errno_after_nonsense(linked->mgr), 0);
	for (uint32_t suite = 1; suite <= 2; suite++) {
		keys_make(apart, &pair, suite);
		check_same_bytes(apart, &pair, WIRE_SMALL_BYTES);
	}
}

static void those_apart_share_no_state_and_seal_alike(void **state)
{
	enum { APART = 3 };
	struct aead linked, apart[APART];
	struct aead_library library;
	const int copied = aead_library_copy(&library);

	(void)state;
	aead_library_close(&library);
	assert_int_equal(aead_init(&linked), 0);
	assert_false(aead_is_apart(&linked));
	for (int i = 0; i < APART; i++) {
		assert_int_equal(aead_init_apart(&apart[i]), 0);
		if (!linked.has_aes || copied == -ENOTSUP)
			continue;
		assert_true(aead_is_apart(&apart[i]));
		check_apart(&linked, &apart[i]);
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(apart[i].mgr->gcm256_enc, apart[j].mgr->gcm256_enc);
	}
	for (int i = 0; i < APART; i++)
		aead_fini(&apart[i]);
	aead_fini(&linked);
}

static void this_machine_offers_what_libsodium_offers(void **state)
{
	struct aead aead;

	(void)state;
	assert_int_equal(aead_init(&aead), 0);
	assert_int_equal(aead_suites(&aead), hop_suites());
	aead_fini(&aead);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_seal_to_the_same_bytes),
		cmocka_unit_test(every_flipped_bit_is_refused_and_leaves_zeros),
		cmocka_unit_test(unknown_suites_are_refused),
		cmocka_unit_test(those_apart_share_no_state_and_seal_alike),
		cmocka_unit_test(this_machine_offers_what_libsodium_offers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
