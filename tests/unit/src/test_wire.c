#include "src/wire.h"
#include "testing.h"
#include <stdlib.h>

_Static_assert(sizeof(struct wire_init) == 512, "4.1");
_Static_assert(sizeof(struct wire_response) == 512, "4.1");
_Static_assert(sizeof(struct wire_cookie_reply) == 512, "4.1");
_Static_assert(sizeof(struct wire_transport) == 16, "4.2");
_Static_assert(sizeof(struct wire_inner) == 32, "4.3");
_Static_assert(sizeof(struct wire_reset) == 24, "4.5");
_Static_assert(sizeof(struct wire_init_payload) <= WIRE_INIT_PAYLOAD_BYTES, "4.1");
_Static_assert(sizeof(struct wire_response_payload) <= WIRE_RESPONSE_PAYLOAD_BYTES, "4.1");

/* The smallest good frame of each type, and which of its bytes are reserved. */
static const struct frame_type {
	uint8_t type;
	uint8_t head[4];
	bool large_too;
	struct {
		uint16_t from, to; /* [from, to); END_TAG: up to the mac at the frame's end */
	} reserved[2];
} types[] = {
#define END_TAG 0xffff
	{ WIRE_INIT, { 1, 1, 1, 0 }, false, { { 3, 4 } } },
	{ WIRE_RESPONSE, { 2, 1, 2, 0 }, false, { { 3, 4 } } },
	{ WIRE_COOKIE_REPLY, { 3, 0, 0, 0 }, false, { { 1, 4 }, { 64, 512 } } },
	{ WIRE_TRANSPORT, { 4, 0, 0, 0 }, true, { { 1, 4 } } },
	{ WIRE_RESET, { 5, 0, 0, 0 }, true, { { 1, 4 }, { 24, END_TAG } } },
};
enum { TYPES = sizeof types / sizeof *types, DATAGRAM_BYTES_MAX = 1500 };

static bool is_reserved(const struct frame_type *type, size_t at, size_t len)
{
	for (size_t i = 0; i < 2; i++) {
		size_t to = type->reserved[i].to == END_TAG ? len - 16 : type->reserved[i].to;
		if (at >= type->reserved[i].from && at < to)
			return true;
	}
	return false;
}

static bool length_ok(const struct frame_type *type, size_t len)
{
	return len == 512 || (len == 1232 && type->large_too);
}

/* On the heap and of exactly this length, so that a sanitizer sees a read past the end. */
static uint8_t *frame_new(const struct frame_type *type, size_t len)
{
	uint8_t *frame = calloc(len + (len == 0), 1);
	assert_non_null(frame);
	memcpy(frame, type->head, len < 4 ? len : 4);
	return frame;
}

static void every_truncation_of_every_type(void **state)
{
	(void)state;
	for (size_t t = 0; t < TYPES; t++)
		for (size_t len = 0; len <= DATAGRAM_BYTES_MAX; len++) {
			uint8_t *frame = frame_new(&types[t], len);
			enum wire_verdict want =
				length_ok(&types[t], len) ? WIRE_OK : WIRE_BAD_LENGTH;
			assert_int_equal(wire_check(frame, len), want);
			free(frame);
		}
}

static void every_type_byte(void **state)
{
	(void)state;
	static const size_t lengths[] = { 512, 1232 };
	for (size_t l = 0; l < 2; l++)
		for (unsigned byte = 0; byte < 256; byte++) {
			uint8_t frame[1232] = { (uint8_t)byte };
			enum wire_verdict want = WIRE_BAD_TYPE;
			for (size_t t = 0; t < TYPES; t++)
				if (types[t].type == byte) {
					memcpy(frame, types[t].head, 4);
					want = length_ok(&types[t], lengths[l]) ? WIRE_OK
										: WIRE_BAD_LENGTH;
				}
			assert_int_equal(wire_check(frame, lengths[l]), want);
		}
}

static void every_reserved_byte(void **state)
{
	(void)state;
	static const size_t lengths[] = { 512, 1232 };
	for (size_t t = 0; t < TYPES; t++)
		for (size_t l = 0; l < 2; l++) {
			size_t len = lengths[l];
			if (!length_ok(&types[t], len))
				continue;
			uint8_t *frame = frame_new(&types[t], len);
			/* Bytes 0 to 2 of a handshake are type, version and suite. */
			for (size_t at = types[t].head[1] ? 3 : 1; at < len; at++)
				for (unsigned bit = 0; bit < 8; bit++) {
					flip_bit(frame, at * 8 + bit);
					assert_int_equal(wire_check(frame, len),
						is_reserved(&types[t], at, len) ? WIRE_BAD_RESERVED
										: WIRE_OK);
					flip_bit(frame, at * 8 + bit);
				}
			free(frame);
		}
}

static void versions_and_suites(void **state)
{
	(void)state;
	for (uint8_t type = WIRE_INIT; type <= WIRE_RESPONSE; type++)
		for (unsigned byte = 0; byte < 256; byte++) {
			uint8_t frame[512] = { type, (uint8_t)byte, 1, 0 };
			assert_int_equal(wire_check(frame, sizeof frame),
				byte == 1 ? WIRE_OK : WIRE_BAD_VERSION);
			frame[1] = 1;
			frame[2] = (uint8_t)byte;
			assert_int_equal(wire_check(frame, sizeof frame),
				byte == 1 || byte == 2 ? WIRE_OK : WIRE_BAD_SUITE);
		}
}

static void inner_header_from_a_device(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		struct wire_inner inner = { .kind = (uint8_t)kind };
		bool want = kind == 1 || kind == 2 || kind == 4 || kind == 5 || kind == 6;
		assert_int_equal(wire_inner_from_device_ok(&inner), want);
	}
	/* ttl, frame_id and route are free; flags, hops and the reserved word are not. */
	for (size_t at = 1; at < sizeof(struct wire_inner); at++) {
		struct wire_inner inner = { .kind = WIRE_STORED };
		((uint8_t *)&inner)[at] = 0x80;
		bool want = at == 2 || at >= 8;
		assert_int_equal(wire_inner_from_device_ok(&inner), want);
	}
}

static void index_holds_owner_generation_slot(void **state)
{
	(void)state;
	assert_int_equal(wire_index(31, 63, 0x1fffff), 0xffffffff);
	assert_int_equal(wire_index(1, 0, 0), 1U << 27);
	assert_int_equal(wire_index(0, 1, 0), 1U << 21);
	/* A generation counts on past its 6 bits. */
	assert_int_equal(wire_index(0, 64, 5), 5);
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t index = randombytes_random();
		assert_int_equal(wire_index(wire_index_owner(index), wire_index_generation(index),
					 wire_index_slot(index)),
			index);
	}
}

static void integers_are_little_endian(void **state)
{
	(void)state;
	assert_memory_equal(put16(0x0102).b, "\x02\x01", 2);
	assert_memory_equal(put32(0x01020304).b, "\x04\x03\x02\x01", 4);
	assert_memory_equal(put64(0x0102030405060708).b, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
	assert_int_equal(get16(put16(0xfedc)), 0xfedc);
	assert_int_equal(get32(put32(0xfedcba98)), 0xfedcba98);
	assert_true(get64(put64(0xfedcba9876543210)) == 0xfedcba9876543210);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_truncation_of_every_type),
		cmocka_unit_test(every_type_byte),
		cmocka_unit_test(every_reserved_byte),
		cmocka_unit_test(versions_and_suites),
		cmocka_unit_test(inner_header_from_a_device),
		cmocka_unit_test(index_holds_owner_generation_slot),
		cmocka_unit_test(integers_are_little_endian),
	};
	return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
