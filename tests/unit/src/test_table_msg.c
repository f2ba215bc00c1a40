#include "src/counters.h"
#include "src/punt_msg.h"
#include "src/table_msg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
	uint16_t op;
	enum table_direction direction;
	size_t record_bytes;
} kinds[] = {
#define X(name, code, direction, record, help) { code, TABLE_##direction, sizeof(record) },
	TABLE_MESSAGES(X)
#undef X
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Checks a message in a buffer of exactly its size, so that a sanitizer sees reads beyond. */
static int check(uint16_t op, uint16_t flags, uint32_t count, size_t len, enum table_direction to)
{
	const struct table_head head = { .op = op, .flags = flags, .count = count, .seq = 1 };
	uint8_t *message = calloc(1, len ? len : 1);
	assert_non_null(message);
	memcpy(message, &head, len < sizeof head ? len : sizeof head);
	const int result = table_message_check(message, len, to);
	free(message);
	return result;
}

static uint32_t right_count(size_t kind)
{
	if (kinds[kind].op == TABLE_STATS)
		return COUNTER_COUNT;
	if (kinds[kind].op == TABLE_STAGES)
		return STAGE_COUNT;
	return kinds[kind].record_bytes ? 1 : 0;
}

static void takes_each_message_in_its_direction(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		const uint32_t count = right_count(i);
		const size_t len = sizeof(struct table_head) + count * kinds[i].record_bytes;
		for (unsigned to = TABLE_TO_CONTROL; to <= TABLE_TO_DATAPLANE; to++)
			assert_int_equal(
				check(kinds[i].op, 0, count, len, (enum table_direction)to),
				kinds[i].direction & to ? 0 : -EBADMSG);
	}
}

static void refuses_every_other_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		const uint32_t count = right_count(i);
		const size_t right = sizeof(struct table_head) + count * kinds[i].record_bytes;
		for (size_t len = 0; len < right + 40; len++)
			if (len != right)
				assert_int_equal(
					check(kinds[i].op, 0, count, len, kinds[i].direction),
					-EBADMSG);
	}
}

static void counts_records(void **state)
{
	(void)state;
	const size_t head = sizeof(struct table_head);
	const struct {
		uint16_t op;
		uint32_t count;
		size_t len;
		int result;
	} rows[] = {
		{ TABLE_DEVICE_SET, 0, head, 0 },
		{ TABLE_DEVICE_SET, 3, head + 3 * sizeof(struct table_device), 0 },
		{ TABLE_DEVICE_SET, 4095, head + 4095 * sizeof(struct table_device), 0 },
		{ TABLE_DEVICE_SET, 4096, head + 4096 * sizeof(struct table_device), -EBADMSG },
		{ TABLE_DEVICE_SET, 0x10000001, head + sizeof(struct table_device), -EBADMSG },
		{ TABLE_HELLO, 2, head + 2 * sizeof(struct table_hello), -EBADMSG },
		{ TABLE_HELLO, 0, head, -EBADMSG },
		{ TABLE_SYNC_END, 1, head, -EBADMSG },
		{ TABLE_SYNC_END, UINT32_MAX, head, -EBADMSG },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(
			check(rows[i].op, 0, rows[i].count, rows[i].len, TABLE_TO_DATAPLANE),
			rows[i].result);
	assert_int_equal(check(TABLE_STATS, 0, COUNTER_COUNT - 1,
				 head + (COUNTER_COUNT - 1) * sizeof(uint64_t), TABLE_TO_CONTROL),
		-EBADMSG);
	assert_int_equal(
		check(TABLE_STAGES, 0, STAGE_COUNT + 1,
			head + (STAGE_COUNT + 1) * sizeof(struct stage_sum), TABLE_TO_CONTROL),
		-EBADMSG);
}

static void refuses_unknown_ops_and_flags(void **state)
{
	(void)state;
	for (uint32_t op = 0; op < 100; op++) {
		bool known = false;
		for (size_t i = 0; i < KINDS; i++)
			known |= kinds[i].op == op;
		if (!known)
			assert_int_equal(
				check((uint16_t)op, 0, 0, sizeof(struct table_head), TABLE_BOTH),
				-EBADMSG);
	}
	const size_t len = sizeof(struct table_head);
	assert_int_equal(check(TABLE_SESSION_DUMP, TABLE_LAST, 0, len, TABLE_TO_CONTROL), 0);
	assert_int_equal(check(TABLE_SESSION_DUMP, 2, 0, len, TABLE_TO_CONTROL), -EBADMSG);
}

static void checks_punts(void **state)
{
	(void)state;
	const struct {
		uint16_t kind, len;
		bool to_control;
		int result;
	} rows[] = {
		{ PUNT_INIT, 512, true, 0 },
		{ PUNT_INIT, 512, false, -EBADMSG },
		{ PUNT_INIT, 1232, true, -EBADMSG },
		{ PUNT_CONTROL, 480, true, 0 },
		{ PUNT_CONTROL, 1200, true, 0 },
		{ PUNT_CONTROL, 512, true, -EBADMSG },
		{ PUNT_CONTROL, 480, false, -EBADMSG },
		{ PUNT_SEND_RAW, 512, false, 0 },
		{ PUNT_SEND_RAW, 1232, false, 0 },
		{ PUNT_SEND_RAW, 1233, false, -EBADMSG },
		{ PUNT_SEND_RAW, 0, false, -EBADMSG },
		{ PUNT_SEND_RAW, 512, true, -EBADMSG },
		{ PUNT_SEND_SESSION, 480, false, 0 },
		{ PUNT_SEND_SESSION, 1200, false, 0 },
		{ PUNT_SEND_SESSION, 1232, false, -EBADMSG },
		{ PUNT_SEND_SESSION, 480, true, -EBADMSG },
		{ 0, 512, false, -EBADMSG },
		{ 5, 512, false, -EBADMSG },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct punt_record records[2] = { { .kind = PUNT_SEND_RAW, .len = 512 },
			{ .kind = rows[i].kind, .len = rows[i].len } };
		assert_int_equal(
			punt_message_check(&records[1], sizeof *records, rows[i].to_control),
			rows[i].result);
		assert_int_equal(
			punt_message_check(&records[1], sizeof *records - 1, rows[i].to_control),
			-EBADMSG);
		if (!rows[i].to_control)
			assert_int_equal(
				punt_message_check(records, sizeof records, false), rows[i].result);
	}
	assert_int_equal(punt_message_check(NULL, 0, true), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_each_message_in_its_direction),
		cmocka_unit_test(refuses_every_other_length),
		cmocka_unit_test(counts_records),
		cmocka_unit_test(refuses_unknown_ops_and_flags),
		cmocka_unit_test(checks_punts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
