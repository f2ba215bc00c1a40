/* The depot when its index is not what was written: nothing that was acknowledged is lost by that
 * alone. */
#include "depot_rig.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ROUTE = 3,
	COMMITS = 10,
	EACH = 10, /* messages a commit */
	ALL = COMMITS * EACH,
};

static uint32_t now;

static void end(void)
{
	depot_close(depot);
	depot = NULL;
}

static int try_open(char error[DEPOT_ERROR_BYTES])
{
	char path[96];

	end();
	snprintf(path, sizeof path, "%s/store", files_directory);
	return depot_open(&depot, path, &generous, DEVICES, now, &report, error);
}

static void start_again(void)
{
	char error[DEPOT_ERROR_BYTES];

	if (try_open(error) != 0)
		fail_msg("%s", error);
}

static int empty_directory(void **state)
{
	if (sodium_init() < 0 || files_make(state) != 0)
		return -1;
	now = NOW;
	return 0;
}

static void take_many(uint64_t first, uint64_t count)
{
	for (uint64_t id = first; id < first + count; id++)
		assert_int_equal(depot_take(depot, 0, cell(ROUTE, id), SMALL), DEPOT_TAKEN);
	assert_int_equal(depot_commit(depot), 0);
}

static void receive(uint64_t first, uint64_t count)
{
	for (uint64_t id = first; id < first + count; id++)
		assert_int_equal(depot_received(depot, cell(ROUTE, id)->route, id), 0);
	assert_int_equal(depot_commit(depot), 0);
}

/* Whether these wait, in this order, and no others. */
static void assert_wait(uint64_t first, uint64_t count)
{
	const struct mailbox *box = mailbox_find(depot_mailboxes(depot), cell(ROUTE, 1)->route);
	struct record_frame frame;

	assert_int_equal(mailboxes_load(depot_mailboxes(depot)).count, count);
	for (uint32_t at = 0; at < count; at++) {
		assert_int_equal(depot_read(depot, box, at, &frame), 0);
		assert_memory_equal(frame.bytes, cell(ROUTE, first + at), SMALL);
		assert_int_equal(depot_check(depot, box, at), 0);
	}
}

struct file {
	char path[256];
	off_t size;
};

static void note_largest(const char *path, void *arg)
{
	struct file *file = arg;
	struct stat status;

	if (stat(path, &status) == 0 && (file->path[0] == 0 || status.st_size > file->size)) {
		snprintf(file->path, sizeof file->path, "%s", path);
		file->size = status.st_size;
	}
}

static void note_list(const char *path, void *arg)
{
	if (strstr(path, "/MANIFEST-"))
		note_largest(path, arg);
}

/* RocksDB's log as it is. */
static struct file log_now(void)
{
	struct file file = { "", 0 };

	files_each(".log", note_largest, &file);
	assert_true(file.path[0] != 0);
	return file;
}

/* A log that ends between two records says nothing of those that are missing. */
static void last_writes_of_the_index_are_lost(void **state)
{
	for (uint64_t left = 0; left <= COMMITS; left += 5) {
		struct file log = { "", 0 };
		if (left > 0)
			setup(state);
		start_again();
		for (uint64_t i = 0; i < COMMITS; i++) {
			if (i == left && left > 0)
				log = log_now();
			take_many(1 + i * EACH, EACH);
		}
		if (left == 0 || left == COMMITS)
			log = log_now();
		end();
		assert_int_equal(truncate(log.path, left == 0 ? 0 : log.size), 0);
		for (int round = 0; round < 2; round++) {
			const bool found = round == 0 && left < COMMITS;
			start_again();
			assert_wait(1, ALL);
			assert_int_equal(report.unindexed, found ? ALL - left * EACH : 0);
			assert_int_equal(report.rebuilt, report.unindexed);
		}
		take_many(ALL + 1, EACH);
		receive(1, ALL);
		start_again();
		assert_wait(ALL + 1, EACH);
		if (left < COMMITS)
			teardown(state);
	}
}

/* Of those that the index knows, what was received does not come again. */
static void what_was_received_before_does_not_come_again(void **state)
{
	(void)state;
	start_again();
	take_many(1, ALL);
	receive(1, ALL);
	const struct file log = log_now();
	take_many(ALL + 1, EACH);
	receive(ALL + 1, 1);
	end();
	assert_int_equal(truncate(log.path, log.size), 0);
	now += 60;
	start_again();
	assert_wait(ALL + 1, EACH); /* the one too: that it was received was in the log */
	assert_int_equal(report.unindexed, EACH);
	receive(ALL + 1, EACH);
	now += 60;
	start_again();
	assert_wait(0, 0);
	assert_int_equal(report.unindexed, 0);
}

/* Numbers go on behind all that were ever given, so that no cell is taken for another one. */
static void numbers_go_on_when_nothing_waits(void **state)
{
	(void)state;
	start_again();
	take_many(1, ALL);
	receive(1, ALL);
	now += 60;
	start_again();
	take_many(ALL + 1, 1);
	const struct mailbox *box = mailbox_find(depot_mailboxes(depot), cell(ROUTE, 1)->route);
	assert_in_range(mailbox_number(box->entries[0]), ALL + 1, ALL + 32);
	start_again();
	assert_wait(ALL + 1, 1);
}

/* What is found again is served, though its index can't be written. */
static void last_writes_are_lost_on_a_disk_that_does_not_write(void **state)
{
	(void)state;
	if (!files_mount("64m"))
		skip();
	start_again();
	take_many(1, EACH);
	const struct file log = log_now();
	take_many(EACH + 1, ALL - EACH);
	end();
	assert_int_equal(truncate(log.path, log.size), 0);
	files_limit("64m", true);
	for (int round = 0; round < 2; round++) {
		start_again();
		assert_int_equal(report.engine.read_only, -EROFS);
		assert_wait(1, ALL);
		assert_int_equal(report.unindexed, ALL - EACH);
	}
	end();
	files_limit("64m", false);
	for (int round = 0; round < 2; round++) {
		start_again();
		assert_int_equal(report.engine.read_only, 0);
		assert_wait(1, ALL);
		assert_int_equal(report.unindexed, round == 0 ? ALL - EACH : 0);
	}
	end();
	files_unmount();
}

static void empty(const char *path, void *arg)
{
	(void)arg;
	assert_int_equal(truncate(path, 0), 0);
}

/* The index led to copies in its log alone, and where they had been copied from is gone. */
static void last_writes_are_lost_after_cells_were_moved(void **state)
{
	(void)state;
	start_again();
	take_many(1, ALL);
	receive(1, ALL - EACH);
	assert_int_equal(depot_compact(depot), 0);
	assert_wait(ALL - EACH + 1, EACH);
	end();
	files_each(".log", empty, NULL);
	start_again();
	assert_wait(ALL - EACH + 1, EACH);
}

/* The list of the index's files ends before one of them was added, but its log goes on behind: it
 * opens, and what it says is read and compared with what it should. */
static void a_table_of_the_index_is_missing(void **state)
{
	struct file list = { "", 0 };

	(void)state;
	start_again();
	take_many(1, ALL);
	start_again(); /* moves the log into a table */
	take_many(ALL + 1, EACH);
	end();
	files_each("", note_list, &list);
	assert_int_equal(truncate(list.path, list.size / 2), 0);
	for (int round = 0; round < 2; round++) {
		start_again();
		assert_wait(1, ALL + EACH);
		assert_int_equal(report.engine.index_lost, round == 0);
	}
}

static void empty_table(void)
{
	struct file table = { "", 0 };

	files_each(".sst", note_largest, &table);
	assert_int_equal(truncate(table.path, 0), 0);
}

static void take_current_away(void)
{
	struct file current = { "", 0 };

	files_each("CURRENT", note_largest, &current);
	assert_int_equal(unlink(current.path), 0);
}

static void damage_format(void)
{
	struct file format = { "", 0 };

	take_current_away();
	files_each("format", note_largest, &format);
	files_damage(format.path, 2, 1);
}

/* An index that does not open is made anew from the cells; where the disk does not write, in
 * memory, each time. */
static void damaged_index_on_a_disk_that_does_not_write(void **state)
{
	static void (*const damages[])(void) = { empty_table, take_current_away, damage_format };

	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		char error[DEPOT_ERROR_BYTES];
		if (i > 0)
			setup(state);
		if (!files_mount("64m"))
			skip();
		start_again();
		take_many(1, ALL);
		receive(1, EACH);
		now += 60;
		start_again(); /* moves the log into a table */
		end();
		damages[i]();
		files_limit("64m", true);
		for (int round = 0; round < 2; round++) {
			start_again();
			assert_int_equal(report.engine.read_only, -EROFS);
			assert_true(report.engine.index_lost);
			assert_wait(1, ALL); /* also those that were received an hour ago */
			assert_int_equal(
				depot_take(depot, 0, cell(ROUTE, ALL + 1), SMALL), DEPOT_FAILED);
			assert_int_equal(depot_compact(depot), -EROFS);
			assert_int_equal(depot_copy(depot, "/nowhere", error), -EROFS);
		}
		end();
		files_limit("64m", false);
		for (int round = 0; round < 2; round++) {
			start_again();
			assert_int_equal(report.engine.read_only, 0);
			assert_int_equal(report.engine.index_lost, round == 0);
			assert_wait(1, ALL);
		}
		end();
		files_unmount();
		if (i + 1 < sizeof damages / sizeof *damages)
			teardown(state);
	}
}

static void damage_first_table(const char *path, void *arg)
{
	bool *done = arg;
	struct stat status;

	/* That of the index; others are smaller. */
	if (*done || stat(path, &status) != 0 || status.st_size < 4096)
		return;
	*done = true;
	files_damage(path, 2000, 8);
}

/* Its messages are found again by their cells. */
static void a_block_of_the_index_is_damaged(void **state)
{
	enum { MANY = 900 };
	bool done = false;

	(void)state;
	start_again();
	take_many(1, MANY);
	assert_int_equal(depot_compact(depot), 0);
	end();
	files_each(".sst", damage_first_table, &done);
	assert_true(done);
	start_again();
	assert_int_equal(report.damaged, 1);
	assert_true(report.rebuilt > 0);
	assert_int_equal(report.unreadable, 0);
	assert_wait(1, MANY);
	assert_int_equal(depot_take(depot, 0, cell(ROUTE, 1), SMALL), DEPOT_KNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, empty_directory, teardown)
		TEST(last_writes_of_the_index_are_lost),
		TEST(what_was_received_before_does_not_come_again),
		TEST(numbers_go_on_when_nothing_waits),
		TEST(last_writes_are_lost_on_a_disk_that_does_not_write),
		TEST(last_writes_are_lost_after_cells_were_moved),
		TEST(a_table_of_the_index_is_missing),
		TEST(a_block_of_the_index_is_damaged),
		TEST(damaged_index_on_a_disk_that_does_not_write),
#undef TEST
	};
	return cmocka_run_group_tests_name("depot damage", tests, NULL, NULL);
}
