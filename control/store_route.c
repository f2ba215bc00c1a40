#include "store_sql.h"

#include <errno.h>

int store_route_add(struct store *store, const struct store_route *route)
{
	sqlite3_stmt *add = store_statement(store, STORE_SQL_ROUTE_ADD);
	int result;

	store_bind_blob(add, 1, route->route, sizeof route->route);
	sqlite3_bind_int64(add, 2, route->device);
	sqlite3_bind_int64(add, 3, route->flags);
	sqlite3_bind_int64(add, 4, route->created_s);
	sqlite3_bind_int64(add, 5, (int64_t)route->request);
	result = store_write(store, add);
	if (result < 0)
		return result;
	store->tally.routes++;
	return 0;
}

int store_route_flags(
	struct store *store, uint32_t device, const uint8_t route[WIRE_ROUTE_BYTES], uint32_t flags)
{
	sqlite3_stmt *change = store_statement(store, STORE_SQL_ROUTE_FLAGS);
	int result;

	sqlite3_bind_int64(change, 1, flags);
	store_bind_blob(change, 2, route, WIRE_ROUTE_BYTES);
	sqlite3_bind_int64(change, 3, device);
	result = store_write(store, change);
	return result < 0 ? result : result == 0 ? -ENOENT : 0;
}

int store_route_delete(struct store *store, uint32_t device, const uint8_t route[WIRE_ROUTE_BYTES])
{
	sqlite3_stmt *delete = store_statement(store, STORE_SQL_ROUTE_DELETE);
	int result;

	store_bind_blob(delete, 1, route, WIRE_ROUTE_BYTES);
	sqlite3_bind_int64(delete, 2, device);
	result = store_write(store, delete);
	if (result <= 0)
		return result < 0 ? result : -ENOENT;
	store->tally.routes--;
	store->erase_due = true;
	return 0;
}

static void read_route(sqlite3_stmt *row, struct store_route *route)
{
	route->row = (uint64_t)sqlite3_column_int64(row, 0);
	store_read_blob(row, 1, route->route, sizeof route->route);
	route->device = (uint32_t)sqlite3_column_int64(row, 2);
	route->slot = sqlite3_column_type(row, 3) == SQLITE_NULL
			      ? STORE_NO_SLOT
			      : (uint32_t)sqlite3_column_int64(row, 3);
	route->flags = (uint32_t)sqlite3_column_int64(row, 4);
	route->created_s = sqlite3_column_int64(row, 5);
	route->request = (uint64_t)sqlite3_column_int64(row, 6);
}

int store_route_by_request(
	struct store *store, uint32_t device, uint64_t request, struct store_route *route)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_ROUTE_BY_REQUEST);
	int result;

	memset(route, 0, sizeof *route);
	sqlite3_bind_int64(select, 1, device);
	sqlite3_bind_int64(select, 2, (int64_t)request);
	result = store_step(store, select);
	if (result == 1)
		read_route(select, route);
	return store_finish(select, result < 0 ? result : result == 1 ? 0 : -ENOENT);
}

int store_route_count(struct store *store, uint32_t device, uint32_t *count)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_ROUTE_COUNT);
	int result;

	sqlite3_bind_int64(select, 1, device);
	result = store_step(store, select);
	*count = result == 1 ? (uint32_t)sqlite3_column_int64(select, 0) : 0;
	return store_finish(select, result < 0 ? result : 0);
}

static int read_routes(struct store *store, sqlite3_stmt *select, struct store_route *routes,
	uint32_t max, uint32_t *count)
{
	int result = 0;

	*count = 0;
	while (*count < max && (result = store_step(store, select)) == 1)
		read_route(select, &routes[(*count)++]);
	return store_finish(select, result < 0 ? result : 0);
}

int store_routes_after(struct store *store, uint32_t device, uint64_t after,
	struct store_route *routes, uint32_t max, uint32_t *count)
{
	sqlite3_stmt *select =
		store_statement(store, device ? STORE_SQL_ROUTE_OF_DEVICE : STORE_SQL_ROUTE_AFTER);
	int parameter = 1;

	sqlite3_bind_int64(select, parameter++, (int64_t)after);
	if (device)
		sqlite3_bind_int64(select, parameter++, device);
	sqlite3_bind_int64(select, parameter, max);
	return read_routes(store, select, routes, max, count);
}

int store_targets_after(struct store *store, uint64_t after, struct store_target *targets,
	uint32_t max, uint32_t *count)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_TARGET_AFTER);
	int result = 0;

	*count = 0;
	sqlite3_bind_int64(select, 1, (int64_t)after);
	sqlite3_bind_int64(select, 2, max);
	while (*count < max && (result = store_step(store, select)) == 1) {
		struct store_target *target = &targets[(*count)++];
		target->row = (uint64_t)sqlite3_column_int64(select, 0);
		store_read_blob(select, 1, target->route, sizeof target->route);
		target->device = (uint32_t)sqlite3_column_int64(select, 2);
		target->flags = (uint32_t)sqlite3_column_int64(select, 3);
	}
	return store_finish(select, result < 0 ? result : 0);
}

int store_routes_by_prefix(struct store *store, const uint8_t *prefix, size_t prefix_len,
	struct store_route *routes, uint32_t max, uint32_t *count)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_ROUTE_BY_PREFIX);
	uint8_t first[WIRE_ROUTE_BYTES] = { 0 }, last[WIRE_ROUTE_BYTES];

	*count = 0;
	if (prefix_len > WIRE_ROUTE_BYTES)
		return -EINVAL;
	memset(last, 0xff, sizeof last);
	if (prefix_len) {
		memcpy(first, prefix, prefix_len);
		memcpy(last, prefix, prefix_len);
	}
	store_bind_blob(select, 1, first, sizeof first);
	store_bind_blob(select, 2, last, sizeof last);
	sqlite3_bind_int64(select, 3, max);
	return read_routes(store, select, routes, max, count);
}
