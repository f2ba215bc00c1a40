#include "store_copy.h"
#include "store_sql.h"
#include "store_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STEP_PAGES = 128 /* of 4 KiB: below a millisecond where the disk does not block */ };

struct store_copy {
	sqlite3 *to;
	sqlite3_backup *backup;
	char path[STORE_PATH_BYTES];
};

static int fail(const struct store_copy *copy, int code, char *error)
{
	snprintf(error, STORE_ERROR_BYTES, "%s: %s", copy->path, sqlite3_errstr(code));
	return store_error_number(code);
}

int store_copy_begin(struct store *store, const char *path, struct store_copy **created,
	char error[STORE_ERROR_BYTES])
{
	struct store_copy *copy = calloc(1, sizeof *copy);
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int result = 0, code;

	*created = NULL;
	if (!copy || fd < 0 ||
		snprintf(copy->path, sizeof copy->path, "%s", path) >= (int)sizeof copy->path) {
		result = !copy ? -ENOMEM : fd < 0 ? -errno : -ENAMETOOLONG;
		snprintf(error, STORE_ERROR_BYTES, "%.1000s: %s", path, strerror(-result));
		free(copy);
		copy = NULL;
	}
	if (fd >= 0)
		close(fd);
	if (!copy)
		return result;
	code = sqlite3_open_v2(
		path, &copy->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, STORE_VFS_NAME);
	/* A copy that is not whole is worth nothing: no journal protects it, and it is synced once,
	 * at its end. */
	if (code == SQLITE_OK)
		code = sqlite3_exec(copy->to,
			"PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF;"
			"PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;",
			NULL, NULL, NULL);
	if (code == SQLITE_OK) {
		copy->backup = sqlite3_backup_init(copy->to, "main", store->db, "main");
		code = copy->backup ? SQLITE_OK : sqlite3_errcode(copy->to);
	}
	if (code == SQLITE_OK) {
		*created = copy;
		return 0;
	}
	result = fail(copy, code, error);
	store_copy_end(copy);
	return result;
}

static int make_durable(const struct store_copy *copy, char *error)
{
	const int fd = open(copy->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int result = fd < 0 || fsync(fd) != 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	if (result < 0)
		snprintf(error, STORE_ERROR_BYTES, "%s: %s", copy->path, strerror(-result));
	return result;
}

int store_copy_step(struct store_copy *copy, char error[STORE_ERROR_BYTES])
{
	int code = sqlite3_backup_step(copy->backup, STEP_PAGES);

	/* Locked: a transaction is open, which ends within this turn of the event loop. */
	if (code == SQLITE_OK || code == SQLITE_LOCKED || code == SQLITE_BUSY)
		return 1;
	if (code != SQLITE_DONE)
		return fail(copy, code, error);
	code = sqlite3_backup_finish(copy->backup);
	copy->backup = NULL;
	if (code == SQLITE_OK)
		code = sqlite3_close(copy->to);
	if (code != SQLITE_OK)
		return fail(copy, code, error);
	copy->to = NULL;
	return make_durable(copy, error);
}

void store_copy_end(struct store_copy *copy)
{
	if (!copy)
		return;
	if (copy->backup)
		sqlite3_backup_finish(copy->backup);
	sqlite3_close(copy->to);
	free(copy);
}

int store_check(const char *state_dir, char error[STORE_ERROR_BYTES])
{
	struct store *store;
	sqlite3_stmt *check = NULL;
	int result = store_open(state_dir, &store, error);

	if (result < 0)
		return result;
	if (sqlite3_prepare_v2(store->db, "PRAGMA integrity_check(1)", -1, &check, NULL) !=
			SQLITE_OK ||
		sqlite3_step(check) != SQLITE_ROW ||
		strcmp((const char *)sqlite3_column_text(check, 0), "ok") != 0) {
		result = -EBADMSG;
		snprintf(error, STORE_ERROR_BYTES, "%.400s/%s is damaged: %.400s", state_dir,
			STORE_FILE, sqlite3_errmsg(store->db));
	}
	sqlite3_finalize(check);
	store_close(store);
	return result;
}
