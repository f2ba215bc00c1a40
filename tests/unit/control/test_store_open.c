/* The store's file: who may open it, which version it is, what it is made of. */
#include "store_files.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

static void refuses_a_second_store(void **state)
{
	(void)state;
	assert_int_equal(store_create(directory, error), -EEXIST);
	assert_non_null(strstr(error, directory));
}

static void refuses_what_it_can_not_open(void **state)
{
	struct store *other;
	char path[96];
	sqlite3 *db;

	(void)state;
	assert_int_equal(store_open("/nonexistent", &other, error), -ENOENT);
	assert_null(other);
	assert_non_null(strstr(error, "chappectl restore"));
	/* In use. */
	assert_int_equal(store_open(directory, &other, error), -EBUSY);
	assert_non_null(strstr(error, "another"));
	store_close(store);
	store = NULL;
	/* Of a later version. */
	snprintf(path, sizeof path, "%s/%s", directory, STORE_FILE);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(directory, &other, error), -EPROTO);
	assert_non_null(strstr(error, "later version"));
	/* No database. */
	FILE *file = fopen(path, "wb");
	for (int i = 0; i < 4096; i++)
		fputc('x', file);
	fclose(file);
	assert_true(store_open(directory, &other, error) < 0);
	assert_null(other);
}

/* As version 1 left it: without what the message store brought. */
static void opens_a_store_of_version_1(void **state)
{
	struct store_device device = device_of(1), found;
	struct store_message_limits limits;
	struct store_counts counts;
	char path[96];
	sqlite3 *db;

	(void)state;
	assert_int_equal(store_device_add(store, &device), 0);
	assert_int_equal(store_commit(store), 0);
	store_close(store);
	store = NULL;
	snprintf(path, sizeof path, "%s/%s", directory, STORE_FILE);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				 "DROP TRIGGER route_gone; DROP TABLE erasure; "
				 "DROP TABLE message_store; PRAGMA user_version = 1",
				 NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	for (int i = 0; i < 2; i++) { /* brought up to date once, and opened again */
		assert_int_equal(store_open(directory, &store, error), 0);
		assert_int_equal(store_device_get(store, device.id, &found), 0);
		assert_int_equal(store_message_limits(store, &limits), 0);
		assert_int_equal(limits.ttl_minutes, STORE_LIMIT_DEFAULT);
		assert_int_equal(store_counts(store, 0, &counts), 0);
		assert_int_equal(counts.erasures, 0);
		store_close(store);
	}
	assert_int_equal(store_open(directory, &store, error), 0);
}

static void files_are_the_owner_s(void **state)
{
	struct store_device device = device_of(1);
	char pattern[80];
	struct stat status;
	glob_t found;

	(void)state;
	assert_int_equal(store_device_add(store, &device), 0);
	assert_int_equal(store_commit(store), 0);
	snprintf(pattern, sizeof pattern, "%s/*", directory);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 2);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		assert_int_equal(stat(found.gl_pathv[i], &status), 0);
		assert_int_equal(status.st_mode & 077, 0);
	}
	globfree(&found);
}

/* The schema on disk is the list of columns that disclose prints from. */
static void columns_are_the_list(void **state)
{
	static const char *const listed[][2] = {
#define C(table, column, declaration, how_long, what) { #table, #column },
		STORE_COLUMNS(C)
#undef C
	};
	char path[96], sql[128];
	sqlite3_stmt *statement;
	sqlite3 *db;

	(void)state;
	store_close(store);
	store = NULL;
	snprintf(path, sizeof path, "%s/%s", directory, STORE_FILE);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	strcpy(sql, "SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p "
		    "WHERE m.type = 'table'");
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	size_t rows = 0;
	while (sqlite3_step(statement) == SQLITE_ROW) {
		bool known = false;
		for (size_t i = 0; i < sizeof listed / sizeof *listed; i++)
			known |= strcmp(listed[i][0],
					 (const char *)sqlite3_column_text(statement, 0)) == 0 &&
				 strcmp(listed[i][1],
					 (const char *)sqlite3_column_text(statement, 1)) == 0;
		assert_true(known);
		rows++;
	}
	assert_int_equal(rows, sizeof listed / sizeof *listed);
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(refuses_a_second_store),
		TEST(refuses_what_it_can_not_open),
		TEST(opens_a_store_of_version_1),
		TEST(files_are_the_owner_s),
		TEST(columns_are_the_list),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
