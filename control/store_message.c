/* What control keeps about the message store: its limits, and what it is still to erase. */
#include "store_sql.h"

#include <errno.h>

enum { DAY_S = 86400 };

static void bind_limit(sqlite3_stmt *statement, int parameter, int64_t limit)
{
	if (limit == STORE_LIMIT_DEFAULT)
		sqlite3_bind_null(statement, parameter);
	else
		sqlite3_bind_int64(statement, parameter, limit);
}

static int64_t read_limit(sqlite3_stmt *row, int column)
{
	return sqlite3_column_type(row, column) == SQLITE_NULL ? STORE_LIMIT_DEFAULT
							       : sqlite3_column_int64(row, column);
}

int store_message_limits(struct store *store, struct store_message_limits *limits)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_MESSAGE_LIMITS);
	int result = store_step(store, select), column = 0;

	if (result == 1) {
#define X(field, least, most, otherwise, what) limits->field = read_limit(select, column++);
		ADMIN_LIMITS(X)
#undef X
	}
	return store_finish(select, result < 0 ? result : result == 1 ? 0 : -ENOENT);
}

/* What waits may now live longer, under routes that are gone too. */
static int prolong_erasures(struct store *store, int64_t now_s, int64_t ttl_minutes)
{
	sqlite3_stmt *prolong = store_statement(store, STORE_SQL_ERASURE_PROLONG);
	const int64_t minutes = ttl_minutes == STORE_LIMIT_DEFAULT
					? admin_limits_default().ttl_minutes
					: ttl_minutes;

	sqlite3_bind_int64(prolong, 1, (now_s + 60 * minutes) / DAY_S * DAY_S + DAY_S);
	return store_write(store, prolong);
}

int store_message_limits_set(
	struct store *store, int64_t now_s, const struct store_message_limits *limits)
{
	sqlite3_stmt *change = store_statement(store, STORE_SQL_MESSAGE_LIMITS_SET);
	int result, parameter = 1;

#define X(field, least, most, otherwise, what) bind_limit(change, parameter++, limits->field);
	ADMIN_LIMITS(X)
#undef X
	result = store_write(store, change);
	if (result == 0)
		return -ENOENT;
	if (result > 0)
		result = prolong_erasures(store, now_s, limits->ttl_minutes);
	return result < 0 ? result : 0;
}

int store_message_store_seen(struct store *store)
{
	const int result = store_write(store, store_statement(store, STORE_SQL_MESSAGE_SEEN));

	return result < 0 ? result : 0;
}

int store_message_store_was_seen(struct store *store, bool *seen)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_MESSAGE_WAS_SEEN);
	int result = store_step(store, select);

	if (result == 1)
		*seen = sqlite3_column_int(select, 0) != 0;
	return store_finish(select, result < 0 ? result : result == 1 ? 0 : -ENOENT);
}

int store_erasures_after(struct store *store, uint64_t after, struct store_erasure *erasures,
	uint32_t max, uint32_t *count)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_ERASURE_AFTER);
	int result = 0;

	*count = 0;
	sqlite3_bind_int64(select, 1, (int64_t)after);
	sqlite3_bind_int64(select, 2, max);
	while (*count < max && (result = store_step(store, select)) == 1) {
		struct store_erasure *erasure = &erasures[(*count)++];
		erasure->row = (uint64_t)sqlite3_column_int64(select, 0);
		store_read_blob(select, 1, erasure->route, sizeof erasure->route);
	}
	return store_finish(select, result < 0 ? result : 0);
}

int store_erasures_last(struct store *store, uint64_t *row)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_ERASURE_LAST);
	int result = store_step(store, select);

	*row = result == 1 ? (uint64_t)sqlite3_column_int64(select, 0) : 0;
	return store_finish(select, result < 0 ? result : 0);
}

int store_erasure_delete(struct store *store, uint64_t row)
{
	sqlite3_stmt *delete = store_statement(store, STORE_SQL_ERASURE_DELETE);

	sqlite3_bind_int64(delete, 1, (int64_t)row);
	return store_write_away(store, delete);
}
