#include "store_sql.h"
#include "store_vfs.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const sql_texts[STORE_SQL_COUNT] = {
#define X(name, sql) sql,
	STORE_STATEMENTS(X)
#undef X
};

static const char *const pragmas = "PRAGMA locking_mode = EXCLUSIVE;"
				   "PRAGMA secure_delete = ON;"
				   "PRAGMA journal_mode = WAL;"
				   "PRAGMA synchronous = FULL;"
				   "PRAGMA temp_store = MEMORY;"
				   "PRAGMA cache_size = -8192;";

static int store_path(const char *dir, char *path, size_t path_len, char *error)
{
	if (snprintf(path, path_len, "%s/%s", dir, STORE_FILE) < (int)path_len)
		return 0;
	snprintf(error, STORE_ERROR_BYTES, "%.100s...: the directory's name is too long", dir);
	return -ENAMETOOLONG;
}

static int store_connect(const char *path, int flags, struct store *store, char *error)
{
	int code;

	store_use_wiping_memory();
	if (store_vfs_register() < 0) {
		snprintf(error, STORE_ERROR_BYTES, "SQLite does not start");
		return -EIO;
	}
	code = sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX, STORE_VFS_NAME);
	if (code == SQLITE_OK)
		code = sqlite3_exec(store->db, pragmas, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		return 0;
	snprintf(error, STORE_ERROR_BYTES, "%s: %s%s", path, sqlite3_errmsg(store->db),
		code == SQLITE_BUSY ? "; is another chappe-control using it?"
		: code == SQLITE_NOTADB || code == SQLITE_CORRUPT
			? "; restore a backup (chappectl restore)"
			: "");
	return store_error_number(code);
}

/* Makes the tables that came after a version. */
static int create_tables(struct store *store, int version)
{
	static const struct {
		const char *table, *column, *declaration;
	} columns[] = {
#define C(table, column, declaration, how_long, what) { #table, #column, declaration },
		STORE_COLUMNS(C)
#undef C
	};
	static const struct {
		const char *name, *constraints;
		int since;
	} tables[] = {
#define T(name, constraints, since) { #name, constraints, since },
		STORE_TABLES(T)
#undef T
	};

	for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
		char sql[1024];
		size_t len = (size_t)snprintf(sql, sizeof sql, "CREATE TABLE %s", tables[t].name);
		const char *separator = " (";
		if (tables[t].since <= version)
			continue;
		for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
			if (strcmp(columns[c].table, tables[t].name) != 0)
				continue;
			len += (size_t)snprintf(sql + len, sizeof sql - len, "%s%s %s", separator,
				columns[c].column, columns[c].declaration);
			separator = ", ";
		}
		snprintf(sql + len, sizeof sql - len, "%s) STRICT", tables[t].constraints);
		if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
			return -EIO;
	}
	return 0;
}

/* Brings the schema from a version, 0 for an empty file, to this one, in the caller's transaction.
 */
static int create_schema(struct store *store, int version)
{
	char sql[1024];
	int result = create_tables(store, version);

	/* Version 2: the message store. Its frames live ttl_minutes at most; days are rounded up,
	 * so that a row does not tell when its route was revoked. */
	snprintf(sql, sizeof sql,
		"INSERT INTO message_store (id) VALUES (1);"
		"CREATE TRIGGER route_gone AFTER DELETE ON route "
		"WHEN (SELECT seen FROM message_store) BEGIN "
		"INSERT OR IGNORE INTO erasure (route, expires) SELECT old.route, "
		"(unixepoch() + 60 * coalesce(ttl_minutes, %u)) / 86400 * 86400 + 86400 "
		"FROM message_store; END",
		admin_limits_default().ttl_minutes);
	if (result == 0 && version < 2 &&
		sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		result = -EIO;
	snprintf(sql, sizeof sql, "PRAGMA user_version = %d", STORE_VERSION);
	if (result == 0 && sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		result = -EIO;
	return result;
}

static int create_secrets(struct store *store)
{
	uint8_t secret[RESET_SECRET_BYTES];
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(
		store->db, "INSERT INTO secret VALUES ('reset', ?)", -1, &statement, NULL);

	if (code != SQLITE_OK)
		return -EIO;
	randombytes_buf(secret, sizeof secret);
	store_bind_blob(statement, 1, secret, sizeof secret);
	code = sqlite3_step(statement);
	sqlite3_finalize(statement);
	sodium_memzero(secret, sizeof secret);
	return code == SQLITE_DONE ? 0 : -EIO;
}

int store_create(const char *state_dir, char error[STORE_ERROR_BYTES])
{
	struct store store = { 0 };
	char path[STORE_PATH_BYTES];
	mode_t before;
	int result = store_path(state_dir, path, sizeof path, error);

	if (result < 0)
		return result;
	if (access(path, F_OK) == 0) {
		snprintf(error, STORE_ERROR_BYTES, "%s: exists already and is left as it is", path);
		return -EEXIST;
	}
	before = umask(077);
	result = store_connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &store, error);
	if (result == 0) {
		if (sqlite3_exec(store.db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
			create_schema(&store, 0) < 0 || create_secrets(&store) < 0 ||
			sqlite3_exec(store.db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
			result = store_error_number(sqlite3_errcode(store.db));
			snprintf(
				error, STORE_ERROR_BYTES, "%s: %s", path, sqlite3_errmsg(store.db));
		}
	}
	sqlite3_close(store.db);
	umask(before);
	return result;
}

static int upgrade(struct store *store, int version, const char *path, char *error)
{
	if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
		create_schema(store, version) == 0 &&
		sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	snprintf(error, STORE_ERROR_BYTES,
		"%s: can't be brought from store version %d to %d: %s; nothing was changed", path,
		version, STORE_VERSION, sqlite3_errmsg(store->db));
	return store_error_number(sqlite3_errcode(store->db));
}

static int check_version(struct store *store, const char *path, char *error)
{
	sqlite3_stmt *statement;
	int version = -1;

	if (sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &statement, NULL) ==
			SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	if (version == STORE_VERSION)
		return 0;
	if (version > 0 && version < STORE_VERSION)
		return upgrade(store, version, path, error);
	if (version > STORE_VERSION)
		snprintf(error, STORE_ERROR_BYTES,
			"%s: written by a later version of Chappe (store version %d, this program "
			"knows %d): upgrade chappe-control",
			path, version, STORE_VERSION);
	else
		snprintf(error, STORE_ERROR_BYTES,
			"%s: not a store of Chappe; restore a backup (chappectl restore)", path);
	return -EPROTO;
}

int store_open(const char *state_dir, struct store **store, char error[STORE_ERROR_BYTES])
{
	struct store *opened;
	char path[STORE_PATH_BYTES];
	int result = store_path(state_dir, path, sizeof path, error);

	*store = NULL;
	if (result < 0)
		return result;
	if (access(path, R_OK | W_OK) != 0) {
		result = -errno;
		snprintf(error, STORE_ERROR_BYTES, "%s: %s%s", path, strerror(-result),
			result == -ENOENT ? ", but its key is there: is it mounted? It is in a "
					    "backup (chappectl restore)"
					  : "");
		return result;
	}
	opened = calloc(1, sizeof *opened);
	if (!opened)
		return -ENOMEM;
	result = store_connect(path, SQLITE_OPEN_READWRITE, opened, error);
	if (result == 0)
		result = check_version(opened, path, error);
	for (int i = 0; result == 0 && i < STORE_SQL_COUNT; i++) {
		if (sqlite3_prepare_v3(opened->db, sql_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &opened->statements[i], NULL) == SQLITE_OK)
			continue;
		result = -EPROTO;
		snprintf(error, STORE_ERROR_BYTES, "%s: %s", path, sqlite3_errmsg(opened->db));
	}
	if (result == 0) {
		result = store_take_tally(opened);
		if (result < 0)
			snprintf(error, STORE_ERROR_BYTES, "%s: %s", path,
				sqlite3_errmsg(opened->db));
	}
	if (result < 0) {
		store_close(opened);
		return result;
	}
	/* A process that was killed may have left deleted rows in the WAL. */
	opened->erase_due = true;
	*store = opened;
	return 0;
}
