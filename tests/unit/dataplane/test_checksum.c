#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/checksum.h"

/* RFC 1071, section 4.1, word by word. */
static uint16_t reference(const uint8_t *bytes, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | (i + 1 < len ? bytes[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void assert_sum(const uint8_t *bytes, uint32_t len)
{
	const uint16_t expected = __builtin_bswap16(reference(bytes, len));

	assert_int_equal(checksum_fold(checksum_sum(bytes, len)), expected);
	for (enum checksum_form form = CHECKSUM_BASE; form <= checksum_widest(); form++)
		assert_int_equal(checksum_fold(checksum_sum_by(form, bytes, len)), expected);
}

static void every_length_and_alignment_sums_up(void **state)
{
	uint8_t bytes[1300];

	(void)state;
	for (uint32_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 167 + 13);
	for (uint32_t offset = 0; offset < 16; offset++)
		for (uint32_t len = 0; len <= 1240; len++)
			assert_sum(bytes + offset, len);
}

static void nothing_overflows(void **state)
{
	static uint8_t bytes[65535];

	(void)state;
	memset(bytes, 0xff, sizeof bytes);
	assert_sum(bytes, sizeof bytes);
	memset(bytes, 0, sizeof bytes);
	assert_sum(bytes, sizeof bytes);
}

/* The example of RFC 1071, section 3. */
static void the_example_of_the_rfc(void **state)
{
	const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(checksum_fold(checksum_sum(bytes, sizeof bytes)), 0xf2dd);
}

static void sums_of_parts_are_the_sum_of_the_whole(void **state)
{
	uint8_t bytes[64];

	(void)state;
	for (uint32_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(255 - i);
	for (uint32_t cut = 0; cut <= sizeof bytes; cut += 2)
		assert_int_equal(checksum_fold(checksum_sum(bytes, cut) +
					       checksum_sum(bytes + cut, 64 - cut)),
			checksum_fold(checksum_sum(bytes, 64)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_and_alignment_sums_up),
		cmocka_unit_test(nothing_overflows),
		cmocka_unit_test(the_example_of_the_rfc),
		cmocka_unit_test(sums_of_parts_are_the_sum_of_the_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
