#include "daemon/log.h"
#include "store_sql.h"

#include <errno.h>
#include <stdlib.h>

int store_error_number(int code)
{
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EACCES;
	default:
		return -EIO;
	}
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_rollback(store);
	if (store->erase_due)
		store_erase(store);
	for (int i = 0; i < STORE_SQL_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	free(store);
}

sqlite3_stmt *store_statement(struct store *store, enum store_statement which)
{
	return store->statements[which];
}

int store_step(struct store *store, sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE)
		return 0;
	if ((code & 0xff) != SQLITE_CONSTRAINT)
		log_error("store: %s", sqlite3_errmsg(store->db));
	return store_error_number(code);
}

/* What a transaction came to. One that a constraint ends says nothing about the disk. */
static int note_write(struct store *store, int result)
{
	if (result != -EEXIST)
		store->write_error = result < 0 ? result : 0;
	return result;
}

int store_write_error(const struct store *store)
{
	return store->write_error;
}

int store_finish(sqlite3_stmt *statement, int result)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return result;
}

int store_begin(struct store *store)
{
	sqlite3_stmt *begin = store_statement(store, STORE_SQL_BEGIN);
	int result;

	if (store->in_transaction)
		return 0;
	result = store_finish(begin, store_step(store, begin));
	store->in_transaction = result == 0;
	return result;
}

int store_write(struct store *store, sqlite3_stmt *statement)
{
	int result = store_begin(store);

	if (result == 0)
		result = store_step(store, statement);
	store_finish(statement, 0);
	if (result < 0)
		note_write(store, result);
	return result < 0 ? result : sqlite3_changes(store->db);
}

int store_write_away(struct store *store, sqlite3_stmt *statement)
{
	int result = store_write(store, statement);

	if (result <= 0)
		return result < 0 ? result : -ENOENT;
	store->erase_due = true;
	return 0;
}

int store_commit(struct store *store)
{
	sqlite3_stmt *commit = store_statement(store, STORE_SQL_COMMIT);
	int result;

	if (!store->in_transaction)
		return 0;
	result = note_write(store, store_finish(commit, store_step(store, commit)));
	if (result < 0)
		store_rollback(store);
	store->in_transaction = false;
	store->committed = store->tally;
	return result;
}

void store_rollback(struct store *store)
{
	sqlite3_stmt *rollback = store->statements[STORE_SQL_ROLLBACK];

	if (!store->in_transaction)
		return;
	/* After some errors SQLite has rolled back by itself. */
	if (!sqlite3_get_autocommit(store->db))
		store_finish(rollback, store_step(store, rollback));
	store->in_transaction = false;
	store->tally = store->committed;
}

bool store_erase_due(const struct store *store)
{
	return store->erase_due;
}

int store_erase(struct store *store)
{
	sqlite3_stmt *checkpoint = store_statement(store, STORE_SQL_CHECKPOINT);
	int result;

	if (store->in_transaction)
		return -EBUSY;
	result = store_step(store, checkpoint);
	if (result == 1)
		result = sqlite3_column_int(checkpoint, 0) == 0 ? 0 : -EBUSY;
	store_finish(checkpoint, 0);
	/* SQLite puts rows together in a page of its own that keeps what was there last: a row as
	 * long as that page, never committed, zeroes it. The pages it has cached and no longer
	 * needs go back through the wiping allocator. */
	store_write(store, store_statement(store, STORE_SQL_SCRATCH));
	store_rollback(store);
	sqlite3_db_release_memory(store->db);
	if (result == 0)
		store->erase_due = false;
	return result;
}

void store_bind_blob(sqlite3_stmt *statement, int parameter, const void *bytes, size_t len)
{
	sqlite3_bind_blob(statement, parameter, bytes, (int)len, SQLITE_STATIC);
}

void store_read_blob(sqlite3_stmt *statement, int column, void *bytes, size_t len)
{
	const void *blob = sqlite3_column_blob(statement, column);

	if (blob && (size_t)sqlite3_column_bytes(statement, column) == len)
		memcpy(bytes, blob, len);
	else
		memset(bytes, 0, len);
}
