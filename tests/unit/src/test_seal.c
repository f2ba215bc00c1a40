/* End-to-end sealing: what is sealed opens, byte for byte, and nothing else does. */
#include "src/seal.h"
#include "testing.h"
#include <errno.h>
#include <sodium.h>

struct frame {
	union {
		struct wire_inner inner;
		uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES];
	};
	size_t payload_len;
};

union plain {
	struct seal_plain plain;
	uint8_t bytes[SEAL_LARGE_PLAIN_BYTES];
};

static struct noise_keypair alice, bob;
static uint8_t psk[NOISE_KEY_BYTES];

static int make_keys(void **state)
{
	(void)state;
	noise_generate(&alice);
	noise_generate(&bob);
	randombytes_buf(psk, sizeof psk);
	return sodium_init() < 0;
}

static void fill_plain(
	union plain *plain, uint8_t type, uint16_t frag, uint16_t frags, uint16_t len)
{
	memset(plain, 0, sizeof *plain);
	plain->plain.type = type;
	plain->plain.frag = put16(frag);
	plain->plain.frags = put16(frags);
	plain->plain.len = put16(len);
	plain->plain.message = put64(type == SEAL_ACK ? 0 : 7);
	size_t room = seal_plain_bytes(len) - SEAL_HEADER_BYTES;
	randombytes_buf(plain->plain.data, len < room ? len : room);
}

static void seal(struct frame *frame, const union plain *plain, size_t plain_len)
{
	randombytes_buf(frame, sizeof *frame);
	frame->inner.kind = WIRE_LIVE;
	frame->payload_len = plain_len + SEAL_OVERHEAD_BYTES;
	assert_int_equal(
		seal_payload(&alice, bob.public, psk, &frame->inner, &plain->plain, plain_len), 0);
}

static int open_frame(
	const struct frame *frame, uint8_t sender[NOISE_KEY_BYTES], union plain *plain)
{
	memset(plain, 0xaa, sizeof *plain);
	memset(sender, 0xaa, NOISE_KEY_BYTES);
	return seal_open(&bob, psk, &frame->inner, frame->payload_len, sender, &plain->plain);
}

static void assert_refused(const struct frame *frame, int error)
{
	uint8_t sender[NOISE_KEY_BYTES];
	union plain plain;
	assert_int_equal(open_frame(frame, sender, &plain), error);
	assert_true(sodium_is_zero(sender, sizeof sender));
	assert_true(sodium_is_zero(plain.bytes, frame->payload_len - SEAL_OVERHEAD_BYTES));
}

static void fills_both_cells_at_every_length(void **state)
{
	(void)state;
	assert_int_equal(SEAL_SMALL_DATA_BYTES, 336);
	assert_int_equal(SEAL_LARGE_DATA_BYTES, 1056);
	assert_int_equal(SEAL_FRAGMENTS_MAX, 993);
	for (unsigned len = 0; len <= SEAL_LARGE_DATA_BYTES; len++) {
		union plain plain, opened;
		struct frame frame;
		uint8_t sender[NOISE_KEY_BYTES];
		size_t plain_len = seal_plain_bytes(len);
		assert_int_equal(plain_len, len <= 336 ? 352 : 1072);
		fill_plain(&plain, SEAL_DATA, 0, 1, (uint16_t)len);
		seal(&frame, &plain, plain_len);
		assert_int_equal(open_frame(&frame, sender, &opened), 0);
		assert_memory_equal(opened.bytes, plain.bytes, plain_len);
		assert_memory_equal(sender, alice.public, sizeof sender);
	}
}

static void refuses_every_flipped_bit_of_header_and_payload(void **state)
{
	(void)state;
	const uint16_t lens[] = { 100, 1000 };
	for (size_t cell = 0; cell < 2; cell++) {
		union plain plain;
		struct frame frame;
		fill_plain(&plain, SEAL_DATA, 0, 1, lens[cell]);
		seal(&frame, &plain, seal_plain_bytes(lens[cell]));
		size_t bits = 8 * (WIRE_INNER_HEADER_BYTES + frame.payload_len);
		for (size_t bit = 0; bit < bits; bit++) {
			frame.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			/* X25519 ignores the top bit of a point, but Noise hashes the bytes. */
			assert_refused(&frame, -EBADMSG);
			frame.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		uint8_t sender[NOISE_KEY_BYTES];
		assert_int_equal(open_frame(&frame, sender, &plain), 0);
	}
}

static void refuses_other_keys_and_lengths(void **state)
{
	(void)state;
	union plain plain, opened;
	struct frame frame;
	uint8_t sender[NOISE_KEY_BYTES], other_psk[NOISE_KEY_BYTES];
	struct noise_keypair eve;

	fill_plain(&plain, SEAL_DATA, 0, 1, 10);
	seal(&frame, &plain, SEAL_SMALL_PLAIN_BYTES);
	noise_generate(&eve);
	memcpy(other_psk, psk, sizeof psk);
	other_psk[31] ^= 1;
	assert_int_equal(
		seal_open(&eve, psk, &frame.inner, frame.payload_len, sender, &opened.plain),
		-EBADMSG);
	assert_int_equal(
		seal_open(&bob, other_psk, &frame.inner, frame.payload_len, sender, &opened.plain),
		-EBADMSG);
	const size_t lens[] = { 0, 95, 96, 112, 447, 449, 1167, 1169, 65536 };
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
		assert_int_equal(seal_open(&bob, psk, &frame.inner, lens[i], sender, &opened.plain),
			-EBADMSG);
	const size_t plain_lens[] = { 0, 16, 351, 353, 1071, 1073 };
	for (size_t i = 0; i < sizeof plain_lens / sizeof *plain_lens; i++)
		assert_int_equal(seal_payload(&alice, bob.public, psk, &frame.inner, &plain.plain,
					 plain_lens[i]),
			-EINVAL);
	const uint8_t low_order[NOISE_KEY_BYTES] = { 0 };
	assert_int_equal(seal_payload(&alice, low_order, psk, &frame.inner, &plain.plain,
				 SEAL_SMALL_PLAIN_BYTES),
		-EINVAL);
	assert_true(sodium_is_zero(frame.inner.payload, WIRE_SMALL_PAYLOAD_BYTES));
}

static void refuses_plaintexts_that_break_the_rules(void **state)
{
	(void)state;
	static const struct {
		uint8_t type;
		uint16_t frag, frags, len;
		int error;
	} rows[] = {
		{ SEAL_DATA, 0, 1, 0, 0 },
		{ SEAL_DATA, 0, 1, 1056, 0 },
		{ SEAL_DATA, 0, 1, 1057, -EPROTO },
		{ SEAL_DATA, 0, 1, 65535, -EPROTO },
		{ SEAL_DATA, 0, 0, 5, -EPROTO },
		{ SEAL_DATA, 1, 1, 5, -EPROTO },
		{ SEAL_DATA, 0, 2, 1056, 0 },
		{ SEAL_DATA, 0, 2, 1055, -EPROTO }, /* not the last, not full */
		{ SEAL_DATA, 1, 2, 1, 0 },
		{ SEAL_DATA, 1, 2, 0, -EPROTO },  /* the last, empty */
		{ SEAL_DATA, 992, 993, 1024, 0 }, /* 992 * 1056 + 1024 = 1 MiB */
		{ SEAL_DATA, 992, 993, 1025, -EPROTO },
		{ SEAL_DATA, 991, 993, 1056, 0 },
		{ SEAL_DATA, 0, 994, 1056, -EPROTO },
		{ SEAL_DATA, 0, 65535, 1056, -EPROTO },
		{ SEAL_HELLO, 0, 1, 500, 0 },
		{ SEAL_HELLO, 0, 2, 1056, -EPROTO },
		{ SEAL_ACK, 0, 1, 40, 0 },
		{ SEAL_ACK, 0, 2, 1056, -EPROTO },
		{ 0, 0, 1, 5, -EPROTONOSUPPORT },
		{ SEAL_GIVEN_UP, 0, 1, 0, 0 },
		{ SEAL_GIVEN_UP, 0, 1, 5, -EPROTO },
		{ 5, 0, 1, 5, -EPROTONOSUPPORT },
		{ 255, 0, 1, 5, -EPROTONOSUPPORT },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		union plain plain, opened;
		struct frame frame;
		uint8_t sender[NOISE_KEY_BYTES];
		fill_plain(&plain, rows[i].type, rows[i].frag, rows[i].frags, rows[i].len);
		seal(&frame, &plain, SEAL_LARGE_PLAIN_BYTES);
		if (rows[i].error)
			assert_refused(&frame, rows[i].error);
		else
			assert_int_equal(open_frame(&frame, sender, &opened), 0);
	}
}

static void refuses_reserved_bytes_and_wrong_numbers(void **state)
{
	(void)state;
	union plain plain;
	struct frame frame;

	for (size_t at = SEAL_HEADER_BYTES + 20; at < SEAL_SMALL_PLAIN_BYTES; at++) {
		fill_plain(&plain, SEAL_DATA, 0, 1, 20);
		plain.bytes[at] = 1;
		seal(&frame, &plain, SEAL_SMALL_PLAIN_BYTES);
		assert_refused(&frame, -EPROTO);
	}
	fill_plain(&plain, SEAL_DATA, 0, 1, 20);
	plain.plain.message = put64(3);
	for (unsigned skip = 0; skip < 256; skip++) { /* below the message, and there is no 0 */
		plain.plain.skip = (uint8_t)skip;
		seal(&frame, &plain, SEAL_SMALL_PLAIN_BYTES);
		if ((skip & SEAL_SKIP_MAX) >= 3) {
			assert_refused(&frame, -EPROTO);
			continue;
		}
		uint8_t sender[NOISE_KEY_BYTES];
		union plain opened;
		assert_int_equal(open_frame(&frame, sender, &opened), 0);
		assert_int_equal(opened.plain.skip, skip);
	}
	const uint8_t types[] = { SEAL_DATA, SEAL_HELLO, SEAL_ACK };
	for (size_t i = 0; i < 3; i++) {
		fill_plain(&plain, types[i], 0, 1, 20);
		plain.plain.message = put64(types[i] == SEAL_ACK ? 1 : 0);
		seal(&frame, &plain, SEAL_SMALL_PLAIN_BYTES);
		assert_refused(&frame, -EPROTO);
	}
}

static void seals_the_same_plaintext_to_different_bytes(void **state)
{
	(void)state;
	union plain plain;
	struct frame one, two;
	fill_plain(&plain, SEAL_DATA, 0, 1, 300);
	seal(&one, &plain, SEAL_SMALL_PLAIN_BYTES);
	two = one;
	assert_int_equal(seal_payload(&alice, bob.public, psk, &two.inner, &plain.plain,
				 SEAL_SMALL_PLAIN_BYTES),
		0);
	for (size_t i = 0; i + 8 <= WIRE_SMALL_PAYLOAD_BYTES; i++)
		assert_memory_not_equal(one.inner.payload + i, two.inner.payload + i, 8);
}

/* What is repeated until it is stored: the same bytes for the same, and for nothing else. */
static void seals_repeatably_what_is_repeated(void **state)
{
	(void)state;
	union plain plain, opened;
	struct frame one, two;
	uint8_t sender[NOISE_KEY_BYTES];
	fill_plain(&plain, SEAL_DATA, 0, 1, 300);
	seal(&one, &plain, SEAL_SMALL_PLAIN_BYTES);
	two = one;
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			seal_repeatable(&alice, bob.public, psk, i ? &two.inner : &one.inner,
				&plain.plain, SEAL_SMALL_PLAIN_BYTES),
			0);
	assert_memory_equal(&one, &two, sizeof one);
	assert_int_equal(open_frame(&one, sender, &opened), 0);
	assert_memory_equal(opened.bytes, plain.bytes, SEAL_SMALL_PLAIN_BYTES);
	for (int what = 0; what < 3; what++) {
		two = one;
		two.inner.frame_id.b[0] ^= what == 0;
		two.inner.ttl ^= what == 1;
		plain.plain.data[0] ^= what == 2;
		assert_int_equal(seal_repeatable(&alice, bob.public, psk, &two.inner, &plain.plain,
					 SEAL_SMALL_PLAIN_BYTES),
			0);
		plain.plain.data[0] ^= what == 2;
		/* the ephemeral key first: it is never used for two payloads */
		for (size_t i = 0; i + 8 <= WIRE_SMALL_PAYLOAD_BYTES; i++)
			assert_memory_not_equal(one.inner.payload + i, two.inner.payload + i, 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_both_cells_at_every_length),
		cmocka_unit_test(refuses_every_flipped_bit_of_header_and_payload),
		cmocka_unit_test(refuses_other_keys_and_lengths),
		cmocka_unit_test(refuses_plaintexts_that_break_the_rules),
		cmocka_unit_test(refuses_reserved_bytes_and_wrong_numbers),
		cmocka_unit_test(seals_the_same_plaintext_to_different_bytes),
		cmocka_unit_test(seals_repeatably_what_is_repeated),
	};
	return cmocka_run_group_tests(tests, make_keys, NULL);
}
