#include "fill.h"

#include "bench.h"
#include "control/store.h"
#include "src/control_op.h"

#include <sqlite3.h>
#include <stdio.h>

enum { FILL_PATH_BYTES = 256, FILL_CACHE_KIB = 1 << 20 };

/* Shares no factor with a number below it: row i is device i * this % devices. */
#define FILL_STEP UINT64_C(2147483647)

struct fill {
	sqlite3 *db;
	const char *path;
	uint64_t random;
};

static void check(const struct fill *fill, int code)
{
	if (code != SQLITE_OK && code != SQLITE_DONE)
		bench_fail("%s: %s", fill->path, sqlite3_errmsg(fill->db));
}

static void run(const struct fill *fill, const char *sql)
{
	check(fill, sqlite3_exec(fill->db, sql, NULL, NULL, NULL));
}

static void bind_random(struct fill *fill, sqlite3_stmt *add, int parameter, int len)
{
	uint64_t words[WIRE_KEY_BYTES / 8];

	for (uint32_t i = 0; i < WIRE_KEY_BYTES / 8; i++)
		words[i] = bench_random(&fill->random);
	check(fill, sqlite3_bind_blob(add, parameter, words, len, SQLITE_TRANSIENT));
}

static sqlite3_stmt *prepare(const struct fill *fill, const char *sql)
{
	sqlite3_stmt *statement;

	check(fill, sqlite3_prepare_v2(fill->db, sql, -1, &statement, NULL));
	return statement;
}

static void step(const struct fill *fill, sqlite3_stmt *add)
{
	check(fill, sqlite3_step(add));
	sqlite3_reset(add);
}

static void add_devices(struct fill *fill, uint32_t devices)
{
	sqlite3_stmt *add = prepare(fill,
		"INSERT INTO device (id, slot, key, psk, created) VALUES (?, ?, ?, ?, 1700000000)");

	for (uint32_t i = 0; i < devices; i++) {
		sqlite3_bind_int64(add, 1, i + 1);
		sqlite3_bind_int64(add, 2, i);
		bind_random(fill, add, 3, WIRE_KEY_BYTES);
		bind_random(fill, add, 4, WIRE_KEY_BYTES);
		step(fill, add);
	}
	sqlite3_finalize(add);
}

static void add_routes(struct fill *fill, uint32_t devices, uint32_t routes)
{
	sqlite3_stmt *add =
		prepare(fill, "INSERT INTO route (route, device, flags, created, request) "
			      "VALUES (?, ?, ?, 1700000000, ?)");

	for (uint64_t i = 0; i < (uint64_t)devices * routes; i++) {
		bind_random(fill, add, 1, WIRE_ROUTE_BYTES);
		sqlite3_bind_int64(add, 2, (int64_t)(i * FILL_STEP % devices + 1));
		sqlite3_bind_int64(add, 3, CONTROL_ROUTE_LIVE);
		sqlite3_bind_int64(add, 4, (int64_t)bench_random(&fill->random));
		step(fill, add);
	}
	sqlite3_finalize(add);
}

void fill_store(const char *state_dir, uint32_t devices, uint32_t routes)
{
	char path[FILL_PATH_BYTES], cache[64];
	struct fill fill = { .path = path, .random = 0x636861707065 };

	snprintf(path, sizeof path, "%s/%s", state_dir, STORE_FILE);
	snprintf(cache, sizeof cache, "PRAGMA cache_size = -%d", FILL_CACHE_KIB);
	check(&fill, sqlite3_open_v2(path, &fill.db, SQLITE_OPEN_READWRITE, NULL));
	run(&fill, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF;"
		   "PRAGMA synchronous = OFF");
	run(&fill, cache);
	run(&fill, "BEGIN");
	add_devices(&fill, devices);
	add_routes(&fill, devices, routes);
	run(&fill, "COMMIT");
	sqlite3_close(fill.db);
}
