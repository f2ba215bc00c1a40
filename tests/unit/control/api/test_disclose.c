/* The disclosure names every column that the store has, and nothing twice. Structs are compared
 * with the programs by tests/system/test_disclose.sh. */
#include "control/api/disclose_json.h"
#include "control/store.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64], path[96];

static int make_store(void **state)
{
	(void)state;
	char error[STORE_ERROR_BYTES];
	strcpy(directory, "/tmp/chappe-disclose-XXXXXX");
	if (mkdtemp(directory) == NULL || store_create(directory, error) != 0)
		return -1;
	snprintf(path, sizeof path, "%s/%s", directory, STORE_FILE);
	return 0;
}

static int remove_store(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

/* The place of a table, in either scope; the caller frees *owner. */
static const json_t *find_table(const char *table, json_t **owner)
{
	for (int scope = 0; scope < 2; scope++) {
		size_t i;
		json_t *place;
		*owner = disclose_places((enum disclose_scope)scope);
		json_array_foreach (*owner, i, place) {
			if (strcmp(json_string_value(json_object_get(place, "kind")), "table") ==
					0 &&
				strcmp(json_string_value(json_object_get(place, "name")), table) ==
					0)
				return place;
		}
		json_decref(*owner);
	}
	*owner = NULL;
	return NULL;
}

static bool names(const json_t *place, const char *column)
{
	size_t i;
	json_t *datum;
	json_array_foreach (json_object_get(place, "data"), i, datum) {
		if (strcmp(json_string_value(json_object_get(datum, "name")), column) == 0)
			return true;
	}
	return false;
}

static void check_columns(sqlite3 *db, const char *table)
{
	json_t *owner;
	char sql[128];
	sqlite3_stmt *columns;
	size_t count = 0;
	const json_t *place = find_table(table, &owner);
	if (place == NULL)
		fail_msg("table %s is not disclosed", table);
	snprintf(sql, sizeof sql, "PRAGMA table_info(%s)", table);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &columns, NULL), SQLITE_OK);
	while (sqlite3_step(columns) == SQLITE_ROW) {
		const char *column = (const char *)sqlite3_column_text(columns, 1);
		if (!names(place, column))
			fail_msg("column %s.%s is not disclosed", table, column);
		count++;
	}
	sqlite3_finalize(columns);
	assert_int_equal(count, json_array_size(json_object_get(place, "data")));
	json_decref(owner);
}

static void every_table_and_column_is_named(void **state)
{
	(void)state;
	sqlite3 *db;
	sqlite3_stmt *tables;
	size_t count = 0;
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT name FROM sqlite_master WHERE type = 'table' "
				 "AND name NOT LIKE 'sqlite_%'",
				 -1, &tables, NULL),
		SQLITE_OK);
	while (sqlite3_step(tables) == SQLITE_ROW) {
		check_columns(db, (const char *)sqlite3_column_text(tables, 0));
		count++;
	}
	sqlite3_finalize(tables);
	sqlite3_close(db);
	assert_true(count >= 5);
}

/* Proves that the test above can fail. */
static void a_column_that_nobody_named_is_found(void **state)
{
	(void)state;
	json_t *owner;
	const json_t *place = find_table("device", &owner);
	assert_non_null(place);
	assert_true(names(place, "psk"));
	assert_false(names(place, "last_seen"));
	json_decref(owner);
	assert_null(find_table("contacts", &owner));
}

static void every_place_explains_every_datum(void **state)
{
	(void)state;
	for (int scope = 0; scope < 2; scope++) {
		json_t *places = disclose_places((enum disclose_scope)scope), *place, *datum;
		size_t i, j;
		assert_true(json_array_size(places) > 0);
		json_array_foreach (places, i, place) {
			const json_t *data = json_object_get(place, "data");
			if (json_array_size(data) == 0)
				fail_msg("%s names no datum",
					json_string_value(json_object_get(place, "place")));
			json_array_foreach (data, j, datum) {
				assert_true(json_string_length(json_object_get(datum, "what")) > 0);
				assert_true(
					json_string_length(json_object_get(datum, "until")) > 0);
			}
		}
		json_decref(places);
	}
}

static void a_record_has_a_value_for_every_datum(void **state)
{
	(void)state;
	json_t *record = disclose_record(DISCLOSE_session_receive);
	assert_non_null(json_object_get(record, "bitmap"));
	assert_non_null(json_object_get(record, "candidate"));
	disclose_set(record, "key", disclose_secret(32));
	assert_string_equal(
		json_string_value(json_object_get(record, "key")), "(secret: 32 bytes, not shown)");
	json_decref(record);
}

static void a_name_that_stands_twice_is_found(void **state)
{
	(void)state;
	for (int scope = 0; scope < 2; scope++) {
		json_t *places = disclose_places((enum disclose_scope)scope), *place;
		size_t i;
		json_array_foreach (places, i, place) {
			json_t *seen = json_object(), *datum;
			size_t j;
			json_array_foreach (json_object_get(place, "data"), j, datum) {
				const char *name =
					json_string_value(json_object_get(datum, "name"));
				assert_null(json_object_get(seen, name));
				json_object_set_new(seen, name, json_true());
			}
			json_decref(seen);
		}
		json_decref(places);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			every_table_and_column_is_named, make_store, remove_store),
		cmocka_unit_test(a_column_that_nobody_named_is_found),
		cmocka_unit_test(every_place_explains_every_datum),
		cmocka_unit_test(a_record_has_a_value_for_every_datum),
		cmocka_unit_test(a_name_that_stands_twice_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
