/* The engine: what was committed is there, whatever happens to process and disk. */
#include "files.h"

#include "store/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BODY_BYTES = 500, INDEX_BYTES = 51 };

static struct engine *engine;
static struct engine_report report;
static char path[96];

static void reopen(void)
{
	char error[ENGINE_ERROR_BYTES];

	engine_close(engine);
	engine = NULL;
	snprintf(path, sizeof path, "%s/db", files_directory);
	if (engine_open(&engine, path, &report, error) != 0)
		fail_msg("%s", error);
}

static int setup(void **state)
{
	if (files_make(state) != 0)
		return -1;
	reopen();
	return 0;
}

static int teardown(void **state)
{
	engine_close(engine);
	engine = NULL;
	return files_remove(state);
}

/* The record of a number; the same each time. */
static void value_of(enum engine_space space, uint64_t number, uint8_t *value)
{
	uint64_t x = number * 2 + space + 1;

	for (size_t i = 0; i < BODY_BYTES; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		value[i] = (uint8_t)(x >> 56);
	}
}

static void put(uint64_t number)
{
	uint8_t value[BODY_BYTES];

	value_of(ENGINE_INDEX, number, value);
	engine_put(engine, ENGINE_INDEX, number, value, INDEX_BYTES);
	value_of(ENGINE_BODY, number, value);
	engine_put(engine, ENGINE_BODY, number, value, BODY_BYTES);
}

static ssize_t get_body(uint64_t number)
{
	uint8_t value[BODY_BYTES], wanted[BODY_BYTES];
	const ssize_t got = engine_get(engine, ENGINE_BODY, number, value, sizeof value);

	if (got >= 0) {
		value_of(ENGINE_BODY, number, wanted);
		assert_int_equal(got, BODY_BYTES);
		assert_memory_equal(value, wanted, BODY_BYTES);
	}
	return got;
}

static void put_many(uint64_t first, uint64_t end)
{
	for (uint64_t number = first; number < end; number++) {
		put(number);
		if (number % 100 == 99)
			assert_int_equal(engine_commit(engine), 0);
	}
	assert_int_equal(engine_commit(engine), 0);
}

struct seen {
	uint64_t records, last, damaged_ranges, damaged_numbers;
};

static int see(void *arg, uint64_t number, const void *value, size_t bytes)
{
	struct seen *seen = arg;
	uint8_t wanted[BODY_BYTES];

	value_of(ENGINE_INDEX, number, wanted);
	assert_int_equal(bytes, INDEX_BYTES);
	assert_memory_equal(value, wanted, INDEX_BYTES);
	assert_true(seen->records == 0 || number > seen->last);
	seen->records++;
	seen->last = number;
	return 0;
}

static int see_damage(void *arg, uint64_t first, uint64_t end)
{
	struct seen *seen = arg;

	assert_true(first < end);
	seen->damaged_ranges++;
	seen->damaged_numbers += end - first;
	return 0;
}

static struct seen scan(uint64_t first, uint64_t end)
{
	struct seen seen = { 0 };

	assert_int_equal(engine_scan(engine, ENGINE_INDEX, first, end, see, see_damage, &seen), 0);
	return seen;
}

static void committed_records_are_there(void **state)
{
	uint8_t small[10];

	(void)state;
	put_many(1, 1000);
	put(5000); /* not committed */
	assert_int_equal(get_body(5000), -ENOENT);
	reopen();
	assert_int_equal(get_body(5000), -ENOENT);
	assert_int_equal(scan(0, UINT64_MAX).records, 999);
	assert_int_equal(scan(10, 20).records, 10);
	assert_int_equal(scan(990, 2000).last, 999);
	assert_int_equal(get_body(999), BODY_BYTES);
	assert_int_equal(engine_get(engine, ENGINE_BODY, 999, small, sizeof small), -EMSGSIZE);
	assert_false(report.log_damaged || report.tables_damaged);
}

static void erased_records_are_gone(void **state)
{
	(void)state;
	put_many(1, 1000);
	engine_erase(engine, ENGINE_BODY, 7);
	engine_erase(engine, ENGINE_INDEX, 7);
	engine_erase_range(engine, 100, 200);
	assert_int_equal(engine_commit(engine), 0);
	put(1001);
	engine_abandon(engine);
	assert_int_equal(engine_commit(engine), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(scan(0, UINT64_MAX).records, 999 - 101);
		assert_int_equal(get_body(7), -ENOENT);
		assert_int_equal(get_body(99), BODY_BYTES);
		assert_int_equal(get_body(100), -ENOENT);
		assert_int_equal(get_body(200), BODY_BYTES);
		assert_int_equal(get_body(1001), -ENOENT);
		assert_int_equal(engine_compact(engine), 0);
		reopen();
	}
}

static bool readable_after_failure(uint64_t first, uint64_t end)
{
	for (uint64_t number = first; number < end; number++)
		if (get_body(number) != BODY_BYTES)
			return false;
	put(end);
	return engine_commit(engine) != 0; /* and writing stays refused */
}

/* Another process, in which RocksDB has threads of its own: a child made by fork() alone has none.
 * "records": writes so many and is gone without closing anything; "endless": one by one, telling
 * each on standard output, until it is killed. */
static int be_writer(int argc, char **argv)
{
	snprintf(files_directory, sizeof files_directory, "%s", argv[2]);
	reopen();
	if (strcmp(argv[1], "records") == 0) {
		put_many(1, strtoull(argv[3], NULL, 10) + 1);
		_exit(argc > 4 ? engine_compact(engine) != 0 : 0);
	}
	uint64_t first = scan(0, UINT64_MAX).last + 1;
	for (uint64_t number = first;; number++) {
		put(number);
		const int result = engine_commit(engine);
		if (result != 0)
			_exit(readable_after_failure(first, number) ? -result : 255);
		if (write(STDOUT_FILENO, &number, sizeof number) != sizeof number)
			_exit(254);
	}
}

static pid_t start_writer(const char *what, const char *records, const char *compacted, int output)
{
	engine_close(engine);
	engine = NULL;
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

/* A process that dies by SIGKILL while it writes: what it was told to be durable is there. */
static void killed_process_loses_nothing(void **state)
{
	(void)state;
	for (int round = 0; round < 5; round++) {
		uint64_t acknowledged = 0, number = 0;
		int ends[2], status;
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		const pid_t child = start_writer("endless", NULL, NULL, ends[1]);
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
		reopen();
		assert_true(acknowledged > 0);
		assert_true(scan(0, UINT64_MAX).records >= acknowledged);
		for (number = 1; number <= acknowledged; number++)
			assert_int_equal(get_body(number), BODY_BYTES);
	}
}

static void note_largest(const char *file, void *arg)
{
	struct stat status, largest;
	char *found = arg;

	if (stat(file, &status) == 0 &&
		(*found == 0 || (stat(found, &largest) == 0 && status.st_size > largest.st_size)))
		strcpy(found, file);
}

/* Leaves the files as a process that was killed leaves them, and names the largest of an ending. */
static off_t files_of_killed(
	const char *records, const char *compacted, const char *ending, char *file)
{
	struct stat status;
	int result;

	waitpid(start_writer("records", records, compacted, -1), &result, 0);
	assert_int_equal(result, 0);
	*file = 0;
	files_each(ending, note_largest, file);
	assert_int_equal(stat(file, &status), 0);
	return status.st_size;
}

/* The last write reached the disk in part: all before it is served. put_many() commits 1 to 99,
 * then hundreds, then the last record alone, which is a little above 600 bytes of log. */
static void torn_last_write_costs_itself_alone(void **state)
{
	static const struct {
		off_t torn;
		uint64_t served;
	} rows[] = { { 1, 999 }, { 7, 999 }, { 100, 999 }, { 550, 999 }, { 5000, 899 } };
	char log[256];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (i > 0)
			setup(state);
		const off_t size = files_of_killed("1000", NULL, ".log", log);
		assert_int_equal(truncate(log, size - rows[i].torn), 0);
		reopen();
		assert_int_equal(scan(0, UINT64_MAX).records, rows[i].served);
		assert_int_equal(scan(0, UINT64_MAX).last, rows[i].served);
		assert_int_equal(get_body(rows[i].served), BODY_BYTES);
		put_many(2000, 2010);
		reopen();
		assert_int_equal(get_body(2009), BODY_BYTES);
		if (i + 1 < sizeof rows / sizeof *rows)
			teardown(state);
	}
}

static void damaged_log_is_reported_and_the_rest_served(void **state)
{
	char log[256];
	const off_t size = files_of_killed("2000", NULL, ".log", log);

	(void)state;
	files_damage(log, size / 2, 16);
	reopen();
	assert_true(report.log_damaged);
	assert_true(strlen(report.text) > 0);
	const struct seen seen = scan(0, UINT64_MAX);
	assert_in_range(seen.records, 1700, 1999);
	assert_int_equal(seen.last, 2000);
}

static void damaged_block_is_reported_and_the_rest_served(void **state)
{
	char table[256];
	files_of_killed("20000", "compacted", ".sst", table);

	(void)state;
	files_damage(table, 100000, 8);
	reopen();
	const struct seen seen = scan(0, UINT64_MAX);
	assert_int_equal(seen.damaged_ranges, 1);
	assert_in_range(seen.damaged_numbers, 1, 200);
	assert_int_equal(seen.records + seen.damaged_numbers, 20000);
	assert_int_equal(seen.last, 20000);
}

static void damaged_cell_is_not_served(void **state)
{
	char blob[256];
	uint32_t damaged = 0;
	files_of_killed("2000", "compacted", ".blob", blob);

	(void)state;
	files_damage(blob, 300000, 1);
	reopen();
	for (uint64_t number = 1; number <= 2000; number++) {
		const ssize_t got = get_body(number);
		damaged += got == -EBADMSG;
		assert_true(got == BODY_BYTES || got == -EBADMSG);
	}
	assert_int_equal(damaged, 1);
	assert_int_equal(scan(0, UINT64_MAX).records, 2000);
}

/* A disk that fills up, gets room again, turns read-only and back. */
static void disk_that_does_not_write_is_reported(void **state)
{
	char error[ENGINE_ERROR_BYTES];
	uint64_t number, acknowledged = 0;
	int ends[2], status;

	(void)state;
	engine_close(engine);
	engine = NULL;
	if (!files_mount("12m"))
		skip();
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const pid_t child = start_writer("endless", NULL, NULL, ends[1]);
	close(ends[1]);
	while (read(ends[0], &number, sizeof number) == sizeof number)
		acknowledged = number;
	close(ends[0]);
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ENOSPC);
	assert_true(acknowledged > 1000);

	files_limit("64m", false);
	reopen();
	for (number = 1; number <= acknowledged; number++)
		assert_int_equal(get_body(number), BODY_BYTES);
	put_many(200000, 200010);
	engine_close(engine);
	engine = NULL;
	files_limit("64m", true);
	assert_int_equal(engine_open(&engine, path, &report, error), 0);
	assert_int_equal(report.read_only, -EROFS);
	assert_int_equal(get_body(200009), BODY_BYTES);
	engine_erase(engine, ENGINE_BODY, 200009);
	assert_int_equal(engine_commit(engine), -EROFS);
	engine_close(engine);
	engine = NULL;
	files_limit("64m", false);
	reopen();
	assert_int_equal(get_body(200009), BODY_BYTES);
	engine_close(engine);
	engine = NULL;
	files_unmount();
}

static void copy_has_all_that_is_committed(void **state)
{
	char copy[112], error[ENGINE_ERROR_BYTES];

	(void)state;
	put_many(1, 1000);
	snprintf(copy, sizeof copy, "%s/copy", files_directory);
	assert_int_equal(engine_copy(engine, copy, error), 0);
	assert_int_equal(engine_copy(engine, copy, error) < 0, true); /* never over another */
	put_many(2000, 2010);
	engine_close(engine);
	engine = NULL;
	assert_int_equal(engine_open(&engine, copy, &report, error), 0);
	assert_int_equal(scan(0, UINT64_MAX).last, 999);
	assert_int_equal(scan(0, UINT64_MAX).records, 999);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return be_writer(argc, argv);
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(committed_records_are_there),
		TEST(erased_records_are_gone),
		TEST(killed_process_loses_nothing),
		TEST(torn_last_write_costs_itself_alone),
		TEST(damaged_log_is_reported_and_the_rest_served),
		TEST(damaged_block_is_reported_and_the_rest_served),
		TEST(damaged_cell_is_not_served),
		TEST(copy_has_all_that_is_committed),
		TEST(disk_that_does_not_write_is_reported),
#undef TEST
	};
	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
