/* Messages on their way to the dataplane: joining, order, tags. */
#include "control/table_queue.h"
#include "tests/unit/src/testing.h"

#include <stdlib.h>

static struct table_queue queue;

static int setup(void **state)
{
	(void)state;
	table_queue_init(&queue);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	table_queue_wipe(&queue);
	return 0;
}

static uint32_t messages(void)
{
	uint32_t count = 0;

	for (const struct table_out *out = queue.first; out; out = out->next)
		count++;
	return count;
}

static void records_of_one_op_share_a_message(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(table_queue_add(&queue, TABLE_DEVICE_REMOVE, &i, sizeof i, 0), 0);
	assert_int_equal(messages(), 1);
	assert_int_equal(table_out_head(queue.first)->count, 10);
	assert_int_equal(queue.first->len, sizeof(struct table_head) + 40);
	assert_int_equal(queue.bytes, queue.first->len);
	for (uint32_t i = 0; i < 10; i++) {
		uint32_t record;
		memcpy(&record, queue.first->bytes + sizeof(struct table_head) + 4 * i, 4);
		assert_int_equal(record, i);
	}
}

static void order_is_kept_between_ops(void **state)
{
	static const uint16_t ops[] = { TABLE_DEVICE_REMOVE, TABLE_SESSION_KEEP,
		TABLE_DEVICE_REMOVE, TABLE_SYNC_BEGIN, TABLE_SYNC_BEGIN };
	uint32_t record = 1;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(table_queue_add(&queue, ops[i], &record, i < 3 ? 4 : 0, 0), 0);
	for (size_t i = 0; i < 5; i++) {
		assert_non_null(queue.first);
		assert_int_equal(table_out_head(queue.first)->op, ops[i]);
		assert_int_equal(table_out_head(queue.first)->seq, i + 1);
		assert_int_equal(table_out_head(queue.first)->count, i < 3);
		assert_int_equal(table_queue_sent(&queue), 0);
	}
	assert_null(queue.first);
	assert_null(queue.last);
	assert_int_equal(queue.bytes, 0);
}

static void messages_never_grow_too_long(void **state)
{
	static struct table_install install;
	static struct table_route route;
	struct {
		uint16_t op;
		const void *record;
		size_t size;
		uint64_t tag;
		uint32_t most;
	} cases[] = {
		{ TABLE_SESSION_INSTALL, &install, sizeof install, 1,
			(TABLE_MESSAGE_BYTES - 16) / sizeof install },
		{ TABLE_ROUTE_SET, &route, sizeof route, 0,
			(TABLE_MESSAGE_BYTES - 16) / sizeof route },
		{ TABLE_ROUTE_SET, &route, sizeof route, 1, TABLE_TAGS_MAX },
	};

	(void)state;
	for (size_t c = 0; c < 3; c++) {
		for (uint32_t i = 0; i < 2 * cases[c].most + 1; i++)
			assert_int_equal(table_queue_add(&queue, cases[c].op, cases[c].record,
						 cases[c].size, cases[c].tag),
				0);
		assert_int_equal(messages(), 3);
		while (queue.first) {
			assert_true(queue.first->len <= TABLE_MESSAGE_BYTES);
			assert_int_equal(table_message_check(queue.first->bytes, queue.first->len,
						 TABLE_TO_DATAPLANE),
				0);
			table_queue_sent(&queue);
		}
		free(table_queue_acked(&queue, queue.seq - 2));
		free(table_queue_acked(&queue, queue.seq - 1));
		free(table_queue_acked(&queue, queue.seq));
	}
}

static void tags_come_back_with_their_message(void **state)
{
	struct table_waiting *waiting;
	uint32_t record = 0;

	(void)state;
	table_queue_add(&queue, TABLE_DEVICE_REMOVE, &record, 4, 11);
	table_queue_add(&queue, TABLE_DEVICE_REMOVE, &record, 4, 0);
	table_queue_add(&queue, TABLE_DEVICE_REMOVE, &record, 4, 13);
	table_queue_add(&queue, TABLE_SYNC_BEGIN, NULL, 0, 0);
	table_queue_add(&queue, TABLE_SYNC_END, NULL, 0, 15);
	while (queue.first)
		table_queue_sent(&queue);
	waiting = table_queue_acked(&queue, 1);
	assert_non_null(waiting);
	assert_int_equal(waiting->count, 3);
	assert_int_equal(waiting->tags[0], 11);
	assert_int_equal(waiting->tags[1], 0);
	assert_int_equal(waiting->tags[2], 13);
	free(waiting);
	assert_null(table_queue_acked(&queue, 2));
	waiting = table_queue_acked(&queue, 3);
	assert_non_null(waiting);
	assert_int_equal(waiting->op, TABLE_SYNC_END);
	assert_int_equal(waiting->tags[0], 15);
	free(waiting);
}

static void broken_link_returns_every_tag_once(void **state)
{
	struct table_waiting *waiting;
	uint64_t seen = 0;
	uint32_t record = 0;

	(void)state;
	for (uint64_t tag = 1; tag <= 20; tag++) {
		table_queue_add(&queue, tag % 2 ? TABLE_DEVICE_REMOVE : TABLE_SESSION_REMOVE,
			&record, 4, tag);
		if (tag == 7)
			while (queue.first)
				table_queue_sent(&queue);
	}
	waiting = table_queue_clear(&queue);
	while (waiting) {
		struct table_waiting *next = waiting->next;
		for (uint32_t i = 0; i < waiting->count; i++) {
			assert_false(seen >> waiting->tags[i] & 1);
			seen |= UINT64_C(1) << waiting->tags[i];
		}
		free(waiting);
		waiting = next;
	}
	assert_int_equal(seen, 0x1ffffe);
	assert_int_equal(queue.bytes, 0);
	/* A new connection counts from 1 again. */
	table_queue_add(&queue, TABLE_SYNC_BEGIN, NULL, 0, 0);
	assert_int_equal(table_out_head(queue.first)->seq, 1);
}

static void sent_message_is_wiped(void **state)
{
	struct table_install install;

	(void)state;
	memset(&install, 0x5a, sizeof install);
	table_queue_add(&queue, TABLE_SESSION_INSTALL, &install, sizeof install, 1);
	table_queue_sent(&queue);
	assert_non_null(queue.spare);
	assert_true(sodium_is_zero(queue.spare->bytes, sizeof install + 16));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(records_of_one_op_share_a_message),
		TEST(order_is_kept_between_ops),
		TEST(messages_never_grow_too_long),
		TEST(tags_come_back_with_their_message),
		TEST(broken_link_returns_every_tag_once),
		TEST(sent_message_is_wiped),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
