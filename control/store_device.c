#include "store_sql.h"

#include <errno.h>
#include <sodium.h>

static void bind_limit(sqlite3_stmt *statement, int parameter, int64_t limit)
{
	if (limit < 0)
		sqlite3_bind_null(statement, parameter);
	else
		sqlite3_bind_int64(statement, parameter, limit);
}

static int64_t read_limit(sqlite3_stmt *statement, int column)
{
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return STORE_LIMIT_DEFAULT;
	return sqlite3_column_int64(statement, column);
}

int store_device_add(struct store *store, struct store_device *device)
{
	sqlite3_stmt *add = store_statement(store, STORE_SQL_DEVICE_ADD);
	int result;

	sqlite3_bind_int64(add, 1, device->slot);
	store_bind_blob(add, 2, device->key, sizeof device->key);
	store_bind_blob(add, 3, device->psk, sizeof device->psk);
	sqlite3_bind_int64(add, 4, device->created_s);
	bind_limit(add, 5, device->limits.routes_max);
	bind_limit(add, 6, device->limits.frames_per_s);
	bind_limit(add, 7, device->limits.bytes_per_s);
	result = store_write(store, add);
	if (result < 0)
		return result;
	device->id = (uint32_t)sqlite3_last_insert_rowid(store->db);
	store->tally.devices++;
	return 0;
}

int store_device_limits(struct store *store, uint32_t id, const struct store_limits *limits)
{
	sqlite3_stmt *change = store_statement(store, STORE_SQL_DEVICE_LIMITS);
	int result;

	bind_limit(change, 1, limits->routes_max);
	bind_limit(change, 2, limits->frames_per_s);
	bind_limit(change, 3, limits->bytes_per_s);
	sqlite3_bind_int64(change, 4, id);
	result = store_write(store, change);
	return result < 0 ? result : result == 0 ? -ENOENT : 0;
}

int store_device_revoke(struct store *store, uint32_t id, int64_t now_s)
{
	sqlite3_stmt *revoke = store_statement(store, STORE_SQL_DEVICE_REVOKE);
	sqlite3_stmt *routes = store_statement(store, STORE_SQL_ROUTE_DELETE_ALL);
	int result;

	sqlite3_bind_int64(revoke, 1, now_s);
	sqlite3_bind_int64(revoke, 2, id);
	result = store_write(store, revoke);
	if (result <= 0)
		return result < 0 ? result : -ENOENT;
	store->tally.devices--;
	store->tally.revoked++;
	sqlite3_bind_int64(routes, 1, id);
	result = store_write(store, routes);
	if (result < 0)
		return result;
	store->tally.routes -= (uint32_t)result;
	store->erase_due = true;
	return 0;
}

static void read_device(sqlite3_stmt *row, struct store_device *device)
{
	device->id = (uint32_t)sqlite3_column_int64(row, 0);
	device->slot = sqlite3_column_type(row, 1) == SQLITE_NULL
			       ? STORE_NO_SLOT
			       : (uint32_t)sqlite3_column_int64(row, 1);
	store_read_blob(row, 2, device->key, sizeof device->key);
	store_read_blob(row, 3, device->psk, sizeof device->psk);
	device->created_s = sqlite3_column_int64(row, 4);
	device->revoked_s = sqlite3_column_int64(row, 5);
	device->limits.routes_max = read_limit(row, 6);
	device->limits.frames_per_s = read_limit(row, 7);
	device->limits.bytes_per_s = read_limit(row, 8);
}

static int get_one(struct store *store, sqlite3_stmt *select, struct store_device *device)
{
	int result = store_step(store, select);

	memset(device, 0, sizeof *device);
	if (result == 1)
		read_device(select, device);
	return store_finish(select, result < 0 ? result : result == 1 ? 0 : -ENOENT);
}

int store_device_get(struct store *store, uint32_t id, struct store_device *device)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_DEVICE_GET);

	sqlite3_bind_int64(select, 1, id);
	return get_one(store, select, device);
}

int store_device_by_key(
	struct store *store, const uint8_t key[WIRE_KEY_BYTES], struct store_device *device)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_DEVICE_BY_KEY);

	store_bind_blob(select, 1, key, WIRE_KEY_BYTES);
	return get_one(store, select, device);
}

int store_devices(struct store *store, store_device_visit *visit, void *arg)
{
	return store_devices_after(store, 0, visit, arg);
}

int store_devices_after(struct store *store, uint32_t after, store_device_visit *visit, void *arg)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_DEVICE_AFTER);
	struct store_device device;
	int result;

	sqlite3_bind_int64(select, 1, after);
	while ((result = store_step(store, select)) == 1) {
		read_device(select, &device);
		result = visit(arg, &device);
		if (result != 0)
			break;
	}
	sodium_memzero(&device, sizeof device);
	return store_finish(select, result);
}
