/* The engine when its disk returns other than was written, or does not write: that is said, and all
 * else served. */
#include "cells.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

	waitpid(cells_start_writer("records", records, compacted, -1), &result, 0);
	assert_int_equal(result, 0);
	*file = 0;
	files_each(ending, note_largest, file);
	assert_int_equal(stat(file, &status), 0);
	return status.st_size;
}

/* The last write reached the disk in part: all before it is served. cells_put_many() commits 1 to
 * 99, then hundreds, then the last record alone, which is a little above 500 bytes of log. */
static void torn_last_write_costs_itself_alone(void **state)
{
	static const struct {
		off_t torn;
		uint64_t served;
	} rows[] = { { 1, 999 }, { 7, 999 }, { 100, 999 }, { 500, 999 }, { 5000, 899 } };
	char log[256];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (i > 0)
			cells_setup(state);
		const off_t size = files_of_killed("1000", NULL, ".log", log);
		assert_int_equal(truncate(log, size - rows[i].torn), 0);
		cells_reopen();
		assert_int_equal(cells_scan().records, rows[i].served);
		assert_int_equal(cells_scan().last, rows[i].served);
		assert_int_equal(cells_get(rows[i].served), 0);
		cells_put_many(2000, 2010);
		cells_reopen();
		assert_int_equal(cells_get(2009), 0);
		if (i + 1 < sizeof rows / sizeof *rows)
			cells_teardown(state);
	}
}

static bool is_ours(void *arg, uint64_t number, const struct record_body_bytes *body, size_t len)
{
	struct record_frame frame;

	(void)arg;
	return record_open_body(&frame, number, body, len, &cells_key) == 0;
}

static int see_cell(void *arg, uint64_t number, const struct record_body_bytes *body, size_t len,
	struct segment_place place)
{
	struct cells_seen *seen = arg;
	struct record_index index = { .epoch = CELLS_EPOCH,
		.frame_id = number,
		.arrived = CELLS_MINUTE,
		.large = cells_length(number) == CELLS_LARGE };
	struct record_index_bytes bytes;

	assert_in_range(number, seen->damaged_first, seen->damaged_end - 1);
	assert_true(is_ours(NULL, number, body, len));
	memcpy(index.route, cells_frame(number)->route, sizeof index.route);
	record_seal_index(&bytes, number, &index, &cells_key);
	assert_int_equal(engine_restore(cells_engine, number, place, len, &bytes), 0);
	seen->cells++;
	return 0;
}

/* And its index made anew from the cells. */
static void damaged_block_is_reported_and_the_rest_served(void **state)
{
	static const struct engine_cell_visits visits = { is_ours, see_cell };
	char table[256];
	files_of_killed("20000", "compacted", ".sst", table);

	(void)state;
	files_damage(table, 100000, 8);
	cells_reopen();
	struct cells_seen seen = cells_scan();
	assert_int_equal(seen.damaged_ranges, 1);
	assert_in_range(seen.damaged_numbers, 1, 200);
	assert_int_equal(seen.records + seen.damaged_numbers, 20000);
	assert_int_equal(seen.last, 20000);
	assert_int_equal(engine_scan_cells(cells_engine, seen.damaged_first, seen.damaged_end,
				 &visits, &seen),
		0);
	assert_int_equal(seen.cells, seen.damaged_numbers);
	assert_int_equal(cells_get(seen.damaged_first), -EBADMSG);
	assert_int_equal(engine_commit(cells_engine), 0);
	for (uint64_t number = 1; number <= 20000; number++)
		assert_int_equal(cells_get(number), 0);
	assert_int_equal(cells_scan().last, 20000);
}

static void invert_middle(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	files_damage(path, status.st_size / 2, 1);
}

/* The log is read up to the place; from there on all is in the cells, whatever of it is erased. */
static void damaged_log_is_read_up_to_there(void **state)
{
	static const struct engine_cell_visits visits = { is_ours, see_cell };
	char file[256];

	(void)state;
	files_of_killed("2000", NULL, ".log", file);
	invert_middle(file);
	cells_reopen();
	struct cells_seen seen = cells_scan();
	assert_false(cells_report.index_lost);
	assert_in_range(seen.records, 500, 1500);
	assert_int_equal(seen.next, seen.last + 1);
	assert_true(seen.behind);
	seen.damaged_first = seen.next;
	seen.damaged_end = UINT64_MAX;
	assert_int_equal(engine_scan_cells(cells_engine, seen.next, UINT64_MAX, &visits, &seen), 0);
	assert_int_equal(seen.cells, 2000 - seen.records);
	assert_int_equal(engine_commit(cells_engine), 0);
	cells_reopen();
	seen = cells_scan();
	assert_int_equal(seen.records, 2000);
	assert_false(seen.behind);
	for (uint64_t number = 1; number <= 2000; number++)
		assert_int_equal(cells_get(number), 0);
}

static void empty(const char *path)
{
	assert_int_equal(truncate(path, 0), 0);
}

static void take_away(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

/* Of the file CURRENT, which names it. */
static void manifest_of(const char *current, char *manifest)
{
	FILE *file = fopen(current, "r");
	const size_t directory = strlen(current) - strlen("CURRENT");

	memcpy(manifest, current, directory);
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%64s", manifest + directory), 1);
	fclose(file);
}

static void empty_manifest(const char *current)
{
	char manifest[512] = "";

	manifest_of(current, manifest);
	empty(manifest);
}

static void take_manifest_away(const char *current)
{
	char manifest[512] = "";

	manifest_of(current, manifest);
	take_away(manifest);
}

/* Where RocksDB does not open what it has, all is made anew from the cells; also where the process
 * that did so ended before it was done. */
static void damaged_index_is_made_anew(void **state)
{
	static const struct engine_cell_visits visits = { is_ours, see_cell };
	static const struct {
		const char *file;
		void (*damage)(const char *path);
	} rows[] = { { ".sst", empty }, { "CURRENT", invert_middle }, { "CURRENT", take_away },
		{ "CURRENT", empty_manifest }, { "CURRENT", take_manifest_away } };
	char file[256];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (i > 0)
			cells_setup(state);
		const bool table = strcmp(rows[i].file, ".sst") == 0;
		files_of_killed("2000", table ? "compacted" : NULL, rows[i].file, file);
		rows[i].damage(file);
		for (int round = 0; round < 3; round++) {
			cells_reopen();
			struct cells_seen seen = cells_scan();
			assert_int_equal(cells_report.index_lost, round < 2);
			if (round == 2) {
				assert_int_equal(seen.records, 2000);
				break;
			}
			assert_int_equal(seen.records, 0);
			assert_int_equal(seen.damaged_ranges, 1);
			assert_true(strlen(cells_report.text) > 0);
			assert_int_equal(engine_scan_cells(cells_engine, seen.damaged_first,
						 seen.damaged_end, &visits, &seen),
				0);
			assert_int_equal(seen.cells, 2000);
			assert_int_equal(engine_commit(cells_engine), 0);
			if (round == 1)
				engine_loaded(cells_engine, false);
		}
		for (uint64_t number = 1; number <= 2000; number++)
			assert_int_equal(cells_get(number), 0);
		if (i + 1 < sizeof rows / sizeof *rows)
			cells_teardown(state);
	}
}

static void damaged_cell_is_not_served(void **state)
{
	char cells[256];
	uint32_t damaged = 0;
	files_of_killed("2000", NULL, ".cells", cells);

	(void)state;
	files_damage(cells, 300000, 1);
	cells_reopen();
	for (uint64_t number = 1; number <= 2000; number++) {
		const int result = cells_get(number);
		damaged += result == -EBADMSG;
		assert_true(result == 0 || result == -EBADMSG);
	}
	assert_int_equal(damaged, 1);
	assert_int_equal(cells_scan().records, 2000);
}

/* A disk that fills up, gets room again, turns read-only and back. */
static void disk_that_does_not_write_is_reported(void **state)
{
	char error[ENGINE_ERROR_BYTES];
	uint64_t number, acknowledged = 0;
	int ends[2], status;

	(void)state;
	engine_close(cells_engine);
	cells_engine = NULL;
	if (!files_mount("12m"))
		skip();
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const pid_t child = cells_start_writer("endless", NULL, NULL, ends[1]);
	close(ends[1]);
	while (read(ends[0], &number, sizeof number) == sizeof number)
		acknowledged = number;
	close(ends[0]);
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ENOSPC);
	assert_true(acknowledged > 1000);

	files_limit("64m", false);
	cells_reopen();
	for (number = 1; number <= acknowledged; number++)
		assert_int_equal(cells_get(number), 0);
	cells_put_many(200000, 200010);
	engine_close(cells_engine);
	cells_engine = NULL;
	files_limit("64m", true);
	assert_int_equal(engine_open(&cells_engine, cells_path, &cells_report, error), 0);
	assert_int_equal(cells_report.read_only, -EROFS);
	assert_int_equal(cells_get(200009), 0);
	assert_int_equal(engine_erase(cells_engine, 200009), 0);
	assert_int_equal(engine_commit(cells_engine), -EROFS);
	engine_close(cells_engine);
	cells_engine = NULL;
	files_limit("64m", false);
	cells_reopen();
	assert_int_equal(cells_get(200009), 0);
	engine_close(cells_engine);
	cells_engine = NULL;
	files_unmount();
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return cells_be_writer(argc, argv);
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, cells_setup, cells_teardown)
		TEST(torn_last_write_costs_itself_alone),
		TEST(damaged_block_is_reported_and_the_rest_served),
		TEST(damaged_log_is_read_up_to_there),
		TEST(damaged_index_is_made_anew),
		TEST(damaged_cell_is_not_served),
		TEST(disk_that_does_not_write_is_reported),
#undef TEST
	};
	return cmocka_run_group_tests_name("engine damage", tests, NULL, NULL);
}
