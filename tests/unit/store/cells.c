#include "cells.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct epoch_key cells_key;
struct engine *cells_engine;
struct engine_report cells_report;
char cells_path[96];

void cells_reopen(void)
{
	char error[ENGINE_ERROR_BYTES];

	engine_close(cells_engine);
	cells_engine = NULL;
	snprintf(cells_path, sizeof cells_path, "%s/db", files_directory);
	if (engine_open(&cells_engine, cells_path, &cells_report, error) != 0)
		fail_msg("%s", error);
}

static void make_key(void)
{
	memset(cells_key.bytes, 5, sizeof cells_key.bytes);
	seal_expand(&cells_key.sealing, cells_key.bytes, seal_has_fast());
}

int cells_setup(void **state)
{
	if (files_make(state) != 0)
		return -1;
	make_key();
	cells_reopen();
	return 0;
}

int cells_teardown(void **state)
{
	engine_close(cells_engine);
	cells_engine = NULL;
	return files_remove(state);
}

uint32_t cells_length(uint64_t number)
{
	return number % 10 == 3 ? CELLS_LARGE : CELLS_SMALL;
}

/* The frame of a number; the same each time. */
const struct wire_inner *cells_frame(uint64_t number)
{
	static uint8_t bytes[CELLS_LARGE];
	struct wire_inner *inner = (struct wire_inner *)bytes;
	uint64_t x = number + 1;

	for (size_t i = 0; i < sizeof bytes; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(x >> 56);
	}
	inner->frame_id = put64(number);
	return inner;
}

int cells_add(uint64_t number)
{
	const struct engine_message message = { .number = number,
		.epoch = CELLS_EPOCH,
		.arrived = CELLS_MINUTE,
		.key = &cells_key,
		.frame = cells_frame(number),
		.len = cells_length(number) };

	return engine_add(cells_engine, &message);
}

void cells_put(uint64_t number)
{
	assert_int_equal(cells_add(number), 0);
}

/* 0, or why it can't be read. */
int cells_get(uint64_t number)
{
	struct record_body_bytes body;
	struct record_frame frame;
	const ssize_t got = engine_get_body(cells_engine, number, &body);

	if (got < 0)
		return (int)got;
	const int result = record_open_body(&frame, number, &body, (size_t)got, &cells_key);
	if (result == 0) {
		assert_int_equal(frame.arrived, CELLS_MINUTE);
		assert_int_equal(frame.len, cells_length(number));
		assert_memory_equal(frame.bytes, cells_frame(number), frame.len);
	}
	return result;
}

void cells_put_many(uint64_t first, uint64_t end)
{
	for (uint64_t number = first; number < end; number++) {
		cells_put(number);
		if (number % 100 == 99)
			assert_int_equal(engine_commit(cells_engine), 0);
	}
	assert_int_equal(engine_commit(cells_engine), 0);
}

void cells_erase(uint64_t first, uint64_t end)
{
	for (uint64_t number = first; number < end; number++)
		assert_int_equal(engine_erase(cells_engine, number), 0);
	assert_int_equal(engine_commit(cells_engine), 0);
}

static int see(void *arg, uint64_t number, const struct record_index_bytes *bytes)
{
	struct cells_seen *seen = arg;
	struct record_index index;

	assert_int_equal(get32(bytes->epoch), CELLS_EPOCH);
	assert_int_equal(record_open_index(&index, number, bytes, &cells_key), 0);
	assert_int_equal(index.frame_id, number);
	assert_int_equal(index.arrived, CELLS_MINUTE);
	assert_int_equal(index.large, cells_length(number) == CELLS_LARGE);
	assert_memory_equal(index.route, cells_frame(number)->route, sizeof index.route);
	assert_true(seen->records == 0 || number > seen->last);
	seen->records++;
	seen->last = number;
	return 0;
}

static int see_damage(void *arg, uint64_t first, uint64_t end)
{
	struct cells_seen *seen = arg;

	assert_true(first < end);
	seen->damaged_ranges++;
	seen->damaged_numbers += end - first;
	seen->damaged_first = first;
	seen->damaged_end = end;
	return 0;
}

static int see_delivered(
	void *arg, uint64_t number, struct record_delivered_bytes *bytes, size_t len)
{
	struct cells_seen *seen = arg;
	const int64_t count = record_open_delivered(bytes, number, len, &cells_key);

	assert_true(count > 0);
	assert_in_range(number >> 32, CELLS_MINUTE, CELLS_MINUTE + 9);
	for (int64_t i = 0; i < count; i++)
		assert_int_equal(
			get64(bytes->frames[i].frame_id) % 3, (number >> 32) - CELLS_MINUTE);
	seen->delivered += (uint64_t)count;
	return 0;
}

static int see_end(void *arg, uint64_t next, bool behind)
{
	struct cells_seen *seen = arg;

	seen->next = next;
	seen->behind = behind;
	return 0;
}

struct cells_seen cells_scan(void)
{
	static const struct engine_visits visits = { see_delivered, see, see_damage, see_end };
	struct cells_seen seen = { 0 };

	assert_int_equal(engine_load(cells_engine, &visits, &seen), 0);
	return seen;
}

static bool readable_after_failure(uint64_t first, uint64_t end)
{
	for (uint64_t number = first; number < end; number++)
		if (cells_get(number) != 0)
			return false;
	cells_put(end);
	return engine_commit(cells_engine) != 0; /* and writing stays refused */
}

/* Another process, in which RocksDB has threads of its own: a child made by fork() alone has none.
 * "records": writes so many and is gone without closing anything; "endless": one by one, telling
 * each on standard output, until it is killed. */
int cells_be_writer(int argc, char **argv)
{
	snprintf(files_directory, sizeof files_directory, "%s", argv[2]);
	make_key();
	cells_reopen();
	if (strcmp(argv[1], "records") == 0) {
		cells_put_many(1, strtoull(argv[3], NULL, 10) + 1);
		_exit(argc > 4 ? engine_compact(cells_engine) != 0 : 0);
	}
	uint64_t first = cells_scan().last + 1;
	for (uint64_t number = first;; number++) {
		cells_put(number);
		const int result = engine_commit(cells_engine);
		if (result != 0)
			_exit(readable_after_failure(first, number) ? -result : 255);
		if (write(STDOUT_FILENO, &number, sizeof number) != sizeof number)
			_exit(254);
	}
}

pid_t cells_start_writer(const char *what, const char *records, const char *compacted, int output)
{
	engine_close(cells_engine);
	cells_engine = NULL;
	const pid_t child = fork();
	if (child == 0) {
		if (output >= 0)
			dup2(output, STDOUT_FILENO);
		execl("/proc/self/exe", "test_store_engine", what, files_directory, records,
			compacted, (char *)NULL);
		_exit(127);
	}
	return child;
}
