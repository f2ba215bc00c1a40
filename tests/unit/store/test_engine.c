/* The engine: what was committed is there, what was erased gives back its room. */
#include "cells.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void committed_records_are_there(void **state)
{
	(void)state;
	cells_put_many(1, 1000);
	cells_put(5000); /* not committed */
	assert_int_equal(cells_get(5000), -ENOENT);
	cells_reopen();
	assert_int_equal(cells_get(5000), -ENOENT);
	assert_int_equal(cells_scan().records, 999);
	assert_int_equal(cells_scan().last, 999);
	assert_int_equal(cells_get(999), 0);
	assert_false(cells_report.format_damaged || cells_report.index_lost);
	for (uint64_t number = 6000; number < 6000 + ENGINE_BATCH_MAX; number++)
		cells_put(number);
	assert_int_equal(cells_add(6000 + ENGINE_BATCH_MAX), -ENOBUFS);
	assert_int_equal(engine_commit(cells_engine), 0);
	assert_int_equal(cells_get(6000 + ENGINE_BATCH_MAX - 1), 0);
}

static void erased_records_are_gone(void **state)
{
	(void)state;
	cells_put_many(1, 1000);
	cells_erase(7, 8);
	cells_erase(100, 200);
	cells_erase(999, 1000);
	cells_put(1001);
	engine_abandon(cells_engine);
	assert_int_equal(engine_commit(cells_engine), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(cells_scan().records, 999 - 102);
		assert_int_equal(cells_get(7), -ENOENT);
		assert_int_equal(cells_get(99), 0);
		assert_int_equal(cells_get(100), -ENOENT);
		assert_int_equal(cells_get(200), 0);
		assert_int_equal(cells_get(999), -ENOENT);
		assert_int_equal(cells_get(1001), -ENOENT);
		assert_int_equal(engine_compact(cells_engine), 0);
		cells_reopen();
	}
}

/* Under the minute of their arrival, until that is forgotten. */
static void delivered_are_remembered(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 10000; n++) {
		const struct engine_delivered delivered = { .epoch = CELLS_EPOCH,
			.arrived = CELLS_MINUTE + (uint32_t)(n % 3),
			.key = &cells_key,
			.frame.frame_id = put64(n) };
		assert_int_equal(engine_remember(cells_engine, &delivered), 0);
		if (n % 5000 == 0)
			assert_int_equal(engine_commit(cells_engine), 0);
	}
	assert_int_equal(engine_commit(cells_engine), 0);
	assert_int_equal(cells_scan().delivered, 10000);
	cells_reopen();
	assert_int_equal(cells_scan().delivered, 10000);
	engine_forget(cells_engine, CELLS_MINUTE + 2);
	assert_int_equal(engine_commit(cells_engine), 0);
	assert_int_equal(cells_scan().delivered, 3333);
	cells_reopen();
	assert_int_equal(cells_scan().delivered, 3333);
}

static void count_bytes(const char *file, void *arg)
{
	struct stat status;

	assert_int_equal(stat(file, &status), 0);
	*(off_t *)arg += status.st_size;
}

static off_t bytes_of_cells(void)
{
	off_t bytes = 0;

	files_each(".cells", count_bytes, &bytes);
	return bytes;
}

/* Of what was erased the disk gets its room back, without and with being asked. */
static void erased_cells_give_back_their_room(void **state)
{
	enum { MANY = 300000, LEFT = 60000 };

	(void)state;
	for (uint64_t number = 1; number <= MANY; number++) {
		cells_put(number);
		if (number % 10000 == 0)
			assert_int_equal(engine_commit(cells_engine), 0);
	}
	engine_loaded(cells_engine, true);
	const off_t before = bytes_of_cells();
	assert_true(before > 2 * (off_t)SEGMENT_BYTES);
	cells_erase(1, LEFT); /* some of the first segment */
	for (uint64_t number = LEFT; number < MANY; number++)
		if (number % 10 != 9)
			assert_int_equal(engine_erase(cells_engine, number), 0);
	assert_int_equal(engine_commit(cells_engine), 0);
	for (int wait = 0; wait < 600 && bytes_of_cells() > before / 2; wait++)
		usleep(100000);
	assert_true(bytes_of_cells() < before / 2);
	assert_int_equal(engine_compact(cells_engine), 0);
	assert_true(bytes_of_cells() < before / 6);
	for (int round = 0; round < 2; round++) {
		for (uint64_t number = LEFT + 9; number < MANY; number += 10)
			assert_int_equal(cells_get(number), 0);
		assert_int_equal(cells_scan().records, (MANY - LEFT) / 10 + 1);
		cells_reopen();
	}
	for (uint64_t number = LEFT + 9; number <= MANY; number += number + 10 > MANY ? 1 : 10)
		assert_int_equal(engine_erase(cells_engine, number), 0);
	(void)cells_scan();
	assert_int_equal(engine_commit(cells_engine), 0);
	engine_loaded(cells_engine, true);
	assert_true(bytes_of_cells() < (off_t)SEGMENT_BYTES / 100);
}

/* A process that dies by SIGKILL while it writes: what it was told to be durable is there. */
static void killed_process_loses_nothing(void **state)
{
	(void)state;
	for (int round = 0; round < 5; round++) {
		uint64_t acknowledged = 0, number = 0;
		int ends[2], status;
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		const pid_t child = cells_start_writer("endless", NULL, NULL, ends[1]);
		close(ends[1]);
		for (int n = 0; n < 50 + 37 * round &&
				read(ends[0], &number, sizeof number) == sizeof number;
			n++)
			acknowledged = number;
		kill(child, SIGKILL);
		while (read(ends[0], &number, sizeof number) == sizeof number)
			acknowledged = number;
		close(ends[0]);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		cells_reopen();
		assert_true(acknowledged > 0);
		assert_true(cells_scan().records >= acknowledged);
		for (number = 1; number <= acknowledged; number++)
			assert_int_equal(cells_get(number), 0);
	}
}

/* Nothing of it is touched. */
static void another_format_is_refused(void **state)
{
	char error[ENGINE_ERROR_BYTES], file[128];

	(void)state;
	engine_close(cells_engine);
	cells_engine = NULL;
	snprintf(file, sizeof file, "%s/format", cells_path);
	FILE *format = fopen(file, "w");
	fputs("chappe-store 3\n", format);
	fclose(format);
	assert_int_equal(engine_open(&cells_engine, cells_path, &cells_report, error), -EPROTO);
	assert_non_null(strstr(error, "another version"));
	assert_int_equal(unlink(file), 0);
	snprintf(file, sizeof file, "%s/CURRENT", cells_path);
	format = fopen(file, "w");
	fclose(format);
	assert_int_equal(engine_open(&cells_engine, cells_path, &cells_report, error), -EPROTO);
	assert_non_null(strstr(error, "older version"));
	assert_int_equal(unlink(file), 0);
	assert_int_equal(engine_open(&cells_engine, cells_path, &cells_report, error), 0);
}

static void copy_has_all_that_is_committed(void **state)
{
	char copy[112], error[ENGINE_ERROR_BYTES];

	(void)state;
	cells_put_many(1, 1000);
	snprintf(copy, sizeof copy, "%s/copy", files_directory);
	assert_int_equal(engine_copy(cells_engine, copy, error), 0);
	assert_int_equal(engine_copy(cells_engine, copy, error) < 0, true); /* never over another */
	cells_put_many(2000, 2010);
	engine_close(cells_engine);
	cells_engine = NULL;
	assert_int_equal(engine_open(&cells_engine, copy, &cells_report, error), 0);
	for (uint64_t number = 1; number < 1000; number++)
		assert_int_equal(cells_get(number), 0);
	assert_int_equal(cells_scan().last, 999);
	assert_int_equal(cells_scan().records, 999);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return cells_be_writer(argc, argv);
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, cells_setup, cells_teardown)
		TEST(committed_records_are_there),
		TEST(erased_records_are_gone),
		TEST(delivered_are_remembered),
		TEST(erased_cells_give_back_their_room),
		TEST(another_format_is_refused),
		TEST(killed_process_loses_nothing),
		TEST(copy_has_all_that_is_committed),
#undef TEST
	};
	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
