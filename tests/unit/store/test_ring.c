/* The ring against a model of it, between two threads, and against a peer that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/ring.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

enum { SLOT_BYTES = 128, WORDS = SLOT_BYTES / 8 };

static struct ring_shared *memory_of(uint32_t count)
{
	struct ring_shared *shared = aligned_alloc(RING_LINE_BYTES, ring_bytes(count, SLOT_BYTES));
	assert_non_null(shared);
	memset(shared, 0, ring_bytes(count, SLOT_BYTES));
	return shared;
}

static void fill(uint64_t *record, uint64_t value)
{
	for (uint32_t i = 0; i < WORDS; i++)
		record[i] = value * WORDS + i;
}

static bool filled(const uint64_t *record, uint64_t value)
{
	for (uint32_t i = 0; i < WORDS; i++)
		if (record[i] != value * WORDS + i)
			return false;
	return true;
}

static void sizes_are_checked(void **state)
{
	static const uint32_t wrong[][2] = { { 0, 64 }, { 3, 64 }, { 4, 0 }, { 4, 65 },
		{ RING_SLOTS_MAX * 2u, 64 }, { 4, RING_SLOT_BYTES_MAX + 64 } };

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(ring_bytes(wrong[i][0], wrong[i][1]), 0);
	assert_int_equal(ring_bytes(4, 64), sizeof(struct ring_shared) + 4 * 64);
}

/* Random operations: what comes out is what went in, in order; full and empty when the model is.
 * Either side is attached anew now and then, as by a process that was started again. */
static void behaves_like_a_queue(void **state)
{
	uint64_t in = 0, out = 0, record[WORDS];

	(void)state;
	srandom(1);
	for (uint32_t count = 1; count <= 8; count *= 2) {
		struct ring_shared *shared = memory_of(count);
		struct ring producer, consumer;
		in = out = 0;
		assert_int_equal(ring_attach_producer(&producer, shared, count, SLOT_BYTES), 0);
		assert_int_equal(ring_attach_consumer(&consumer, shared, count, SLOT_BYTES), 0);
		for (uint32_t step = 0; step < 20000; step++) {
			const long what = random() % 100;
			if (what < 50) {
				uint64_t *slot = ring_claim(&producer);
				assert_int_equal(slot != NULL, in - out < count);
				if (slot) {
					fill(slot, in++);
					ring_publish(&producer);
				}
			} else if (what < 98) {
				assert_int_equal(ring_take(&consumer, record), in != out);
				assert_true(in == out || filled(record, out));
				out += in != out;
			} else if (what < 99) {
				assert_int_equal(
					ring_attach_producer(&producer, shared, count, SLOT_BYTES),
					0);
			} else {
				assert_int_equal(
					ring_attach_consumer(&consumer, shared, count, SLOT_BYTES),
					0);
			}
		}
		assert_true(in > 1000);
		free(shared);
	}
}

static void what_was_taken_is_wiped(void **state)
{
	static const uint8_t zeros[SLOT_BYTES];
	struct ring_shared *shared = memory_of(2);
	struct ring producer, consumer;
	uint64_t record[WORDS];

	(void)state;
	assert_int_equal(ring_attach_producer(&producer, shared, 2, SLOT_BYTES), 0);
	assert_int_equal(ring_attach_consumer(&consumer, shared, 2, SLOT_BYTES), 0);
	uint64_t *slot = ring_claim(&producer);
	fill(slot, 7);
	ring_publish(&producer);
	assert_memory_not_equal(slot, zeros, SLOT_BYTES);
	assert_true(ring_take(&consumer, record));
	assert_memory_equal(slot, zeros, SLOT_BYTES);
	free(shared);
}

enum { PASSED = 300000, THREAD_SLOTS = 64 };

static void *produce(void *arg)
{
	struct ring producer;

	assert_int_equal(ring_attach_producer(&producer, arg, THREAD_SLOTS, SLOT_BYTES), 0);
	for (uint64_t n = 0; n < PASSED;) {
		uint64_t *slot = ring_claim(&producer);
		if (!slot) {
			sched_yield();
			continue;
		}
		fill(slot, n++);
		ring_publish(&producer);
	}
	return NULL;
}

static void passes_between_threads(void **state)
{
	struct ring_shared *shared = memory_of(THREAD_SLOTS);
	struct ring consumer;
	pthread_t thread;
	uint64_t record[WORDS];

	(void)state;
	assert_int_equal(ring_attach_consumer(&consumer, shared, THREAD_SLOTS, SLOT_BYTES), 0);
	assert_int_equal(pthread_create(&thread, NULL, produce, shared), 0);
	for (uint64_t n = 0; n < PASSED;) {
		if (!ring_take(&consumer, record)) {
			sched_yield();
			continue;
		}
		assert_true(filled(record, n));
		n++;
	}
	pthread_join(thread, NULL);
	assert_false(ring_take(&consumer, record));
	assert_false(consumer.broken);
	free(shared);
}

/* Counters that can't be stop the ring for good; nothing is read or written outside. */
static void impossible_counters_break_it(void **state)
{
	static const uint64_t lies[] = { 5, UINT64_MAX, 1ull << 63, 1ull << 32 };
	uint64_t record[WORDS];

	(void)state;
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		struct ring_shared *shared = memory_of(4);
		struct ring producer, consumer;
		assert_int_equal(ring_attach_consumer(&consumer, shared, 4, SLOT_BYTES), 0);
		shared->produced = lies[i];
		assert_false(ring_take(&consumer, record));
		assert_true(consumer.broken);
		shared->produced = 1;
		assert_false(ring_take(&consumer, record));

		shared->produced = 0;
		assert_int_equal(ring_attach_producer(&producer, shared, 4, SLOT_BYTES), 0);
		for (int n = 0; n < 4; n++) {
			assert_non_null(ring_claim(&producer));
			ring_publish(&producer);
		}
		shared->consumed = lies[i];
		assert_null(ring_claim(&producer));
		assert_true(producer.broken);
		shared->consumed = 4;
		assert_null(ring_claim(&producer));

		shared->produced = lies[i];
		shared->consumed = 0;
		assert_int_equal(ring_attach_consumer(&consumer, shared, 4, SLOT_BYTES), -EPROTO);
		assert_int_equal(ring_attach_producer(&producer, shared, 4, SLOT_BYTES), -EPROTO);
		free(shared);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_checked),
		cmocka_unit_test(behaves_like_a_queue),
		cmocka_unit_test(what_was_taken_is_wiped),
		cmocka_unit_test(passes_between_threads),
		cmocka_unit_test(impossible_counters_break_it),
	};
	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
