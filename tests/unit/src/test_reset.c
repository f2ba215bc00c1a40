#include "src/reset.h"
#include "testing.h"

static const size_t cells[] = { WIRE_SMALL_BYTES, WIRE_LARGE_BYTES };
static const uint64_t BOOT = 0x1122334455667788;

static void make(const uint8_t key[WIRE_RESET_KEY_BYTES], uint8_t *frame, size_t len)
{
	struct wire_transport cause = {
		.type = WIRE_TRANSPORT,
		.receiver_index = put32(0xaabbccdd),
		.counter = put64(12345),
	};
	reset_write(key, BOOT, &cause, frame, len);
}

static void is_as_long_as_its_cause_and_echoes_it(void **state)
{
	(void)state;
	uint8_t key[WIRE_RESET_KEY_BYTES], frame[WIRE_LARGE_BYTES];
	fill(key, sizeof key, 1);
	for (size_t c = 0; c < 2; c++) {
		memset(frame, 0xee, sizeof frame);
		make(key, frame, cells[c]);
		const struct wire_reset *reset = (const struct wire_reset *)frame;
		assert_int_equal(wire_check(frame, cells[c]), WIRE_OK);
		assert_int_equal(reset->type, WIRE_RESET);
		assert_int_equal(get32(reset->index), 0xaabbccdd);
		assert_int_equal(get64(reset->counter), 12345);
		assert_true(get64(reset->boot) == BOOT);
		assert_true(reset_ok(key, frame, cells[c]));
		/* Not a byte more is written. */
		for (size_t at = cells[c]; at < sizeof frame; at++)
			assert_int_equal(frame[at], 0xee);
	}
}

static void may_be_written_over_its_cause(void **state)
{
	(void)state;
	uint8_t key[WIRE_RESET_KEY_BYTES], apart[WIRE_LARGE_BYTES], over[WIRE_LARGE_BYTES];
	fill(key, sizeof key, 2);
	for (size_t c = 0; c < 2; c++) {
		fill(over, sizeof over, 3);
		over[0] = WIRE_TRANSPORT;
		reset_write(key, BOOT, (struct wire_transport *)over, apart, cells[c]);
		reset_write(key, BOOT, (struct wire_transport *)over, over, cells[c]);
		assert_memory_equal(apart, over, cells[c]);
	}
}

static void every_forged_bit_fails(void **state)
{
	(void)state;
	uint8_t key[WIRE_RESET_KEY_BYTES], frame[WIRE_LARGE_BYTES];
	fill(key, sizeof key, 4);
	for (size_t c = 0; c < 2; c++) {
		make(key, frame, cells[c]);
		for (size_t bit = 0; bit < cells[c] * 8; bit++) {
			flip_bit(frame, bit);
			assert_false(reset_ok(key, frame, cells[c]));
			flip_bit(frame, bit);
		}
		for (size_t bit = 0; bit < sizeof key * 8; bit++) {
			flip_bit(key, bit);
			assert_false(reset_ok(key, frame, cells[c]));
			flip_bit(key, bit);
		}
		assert_true(reset_ok(key, frame, cells[c]));
	}
}

static void keys_differ_by_secret_slot_generation_owner(void **state)
{
	(void)state;
	static const uint32_t indices[] = { 0, 1, 1U << 21, 1U << 27, 0xffffffff };
	enum { N = sizeof indices / sizeof *indices };
	uint8_t secret[2][RESET_SECRET_BYTES], keys[2 * N][WIRE_RESET_KEY_BYTES];
	fill(secret[0], sizeof secret[0], 5);
	fill(secret[1], sizeof secret[1], 6);
	for (size_t i = 0; i < 2 * N; i++)
		reset_key(secret[i / N], indices[i % N], keys[i]);
	for (size_t i = 0; i < 2 * N; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j], sizeof keys[i]);
	uint8_t again[WIRE_RESET_KEY_BYTES];
	reset_key(secret[1], indices[N - 1], again);
	assert_memory_equal(again, keys[2 * N - 1], sizeof again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_as_long_as_its_cause_and_echoes_it),
		cmocka_unit_test(may_be_written_over_its_cause),
		cmocka_unit_test(every_forged_bit_fails),
		cmocka_unit_test(keys_differ_by_secret_slot_generation_owner),
	};
	return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
