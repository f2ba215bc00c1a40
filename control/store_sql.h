/* Inside of the store: its statements and how they are run. For control/store*.c only. */
#ifndef CHAPPE_CONTROL_STORE_SQL_H
#define CHAPPE_CONTROL_STORE_SQL_H

#include "store.h"
#include <sqlite3.h>

#define STORE_DEVICE_COLUMNS                                                                       \
	"id, slot, key, psk, created, revoked, routes_max, frames_per_s, bytes_per_s"
/* In the order of ADMIN_LIMITS. */
#define STORE_MESSAGE_COLUMNS                                                                      \
	"route_frames, route_bytes, device_frames, device_bytes, total_bytes, disk_free_bytes, "   \
	"ttl_minutes"
#define STORE_ROUTE_SELECT                                                                         \
	"SELECT route.id, route.route, route.device, device.slot, route.flags, route.created, "    \
	"route.request FROM route JOIN device ON device.id = route.device "

#define STORE_STATEMENTS(X)                                                                        \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                \
	X(COMMIT, "COMMIT")                                                                        \
	X(ROLLBACK, "ROLLBACK")                                                                    \
	X(CHECKPOINT, "PRAGMA wal_checkpoint(TRUNCATE)")                                           \
	X(SCRATCH, "INSERT INTO secret VALUES ('', zeroblob(4000))")                               \
	X(SECRET, "SELECT value FROM secret WHERE name = ?")                                       \
	X(TALLY, "SELECT (SELECT count(*) FROM device WHERE revoked IS NULL), "                    \
		 "(SELECT count(*) FROM device WHERE revoked IS NOT NULL), "                       \
		 "(SELECT count(*) FROM route), (SELECT count(*) FROM audit)")                     \
	X(COUNTS, "SELECT (SELECT count(*) FROM invitation WHERE used IS NULL AND expires > ?), "  \
		  "(SELECT count(*) FROM erasure)")                                                \
	X(DEVICE_ADD, "INSERT INTO device (slot, key, psk, created, routes_max, frames_per_s, "    \
		      "bytes_per_s) VALUES (?, ?, ?, ?, ?, ?, ?)")                                 \
	X(DEVICE_LIMITS, "UPDATE device SET routes_max = ?, frames_per_s = ?, bytes_per_s = ? "    \
			 "WHERE id = ?")                                                           \
	X(DEVICE_REVOKE, "UPDATE device SET slot = NULL, revoked = ? "                             \
			 "WHERE id = ? AND revoked IS NULL")                                       \
	X(DEVICE_GET, "SELECT " STORE_DEVICE_COLUMNS " FROM device WHERE id = ?")                  \
	X(DEVICE_BY_KEY, "SELECT " STORE_DEVICE_COLUMNS " FROM device WHERE key = ?")              \
	X(DEVICE_AFTER, "SELECT " STORE_DEVICE_COLUMNS " FROM device WHERE id > ? ORDER BY id")    \
	X(DEVICE_EXPIRE, "DELETE FROM device WHERE revoked <= ?")                                  \
	X(ROUTE_ADD, "INSERT INTO route (route, device, flags, created, request) "                 \
		     "VALUES (?, ?, ?, ?, ?)")                                                     \
	X(ROUTE_FLAGS, "UPDATE route SET flags = ? WHERE route = ? AND device = ?")                \
	X(ROUTE_DELETE, "DELETE FROM route WHERE route = ? AND device = ?")                        \
	X(ROUTE_DELETE_ALL, "DELETE FROM route WHERE device = ?")                                  \
	X(ROUTE_BY_REQUEST, STORE_ROUTE_SELECT "WHERE route.device = ? AND route.request = ?")     \
	X(ROUTE_COUNT, "SELECT count(*) FROM route WHERE device = ?")                              \
	X(ROUTE_AFTER, STORE_ROUTE_SELECT "WHERE route.id > ? ORDER BY route.id LIMIT ?")          \
	X(TARGET_AFTER, "SELECT id, route, device, flags FROM route WHERE id > ? "                 \
			"ORDER BY id LIMIT ?")                                                     \
	X(ROUTE_OF_DEVICE, STORE_ROUTE_SELECT "WHERE route.id > ? AND route.device = ? "           \
					      "ORDER BY route.id LIMIT ?")                         \
	X(ROUTE_BY_PREFIX, STORE_ROUTE_SELECT "WHERE route.route BETWEEN ? AND ? "                 \
					      "ORDER BY route.route LIMIT ?")                      \
	X(INVITATION_ADD, "INSERT INTO invitation (id, secret, created, expires) "                 \
			  "VALUES (?, ?, ?, ?)")                                                   \
	X(INVITATION_USE, "UPDATE invitation SET secret = NULL, used = ?, device = ? "             \
			  "WHERE id = ? AND used IS NULL")                                         \
	X(INVITATION_DELETE, "DELETE FROM invitation WHERE id = ?")                                \
	X(INVITATION_GET, "SELECT id, secret, created, expires, used, device FROM invitation "     \
			  "WHERE id = ?")                                                          \
	X(INVITATION_ALL, "SELECT id, secret, created, expires, used, device FROM invitation "     \
			  "ORDER BY created, id")                                                  \
	X(INVITATION_OPEN, "SELECT count(*) FROM invitation WHERE used IS NULL AND expires > ?")   \
	X(INVITATION_EXPIRE, "DELETE FROM invitation WHERE expires <= ?")                          \
	X(MESSAGE_LIMITS, "SELECT " STORE_MESSAGE_COLUMNS " FROM message_store")                   \
	X(MESSAGE_LIMITS_SET, "UPDATE message_store SET (" STORE_MESSAGE_COLUMNS ") = "            \
			      "(?, ?, ?, ?, ?, ?, ?)")                                             \
	X(MESSAGE_SEEN, "UPDATE message_store SET seen = 1 WHERE seen = 0")                        \
	X(MESSAGE_WAS_SEEN, "SELECT seen FROM message_store")                                      \
	X(ERASURE_AFTER, "SELECT id, route FROM erasure WHERE id > ? ORDER BY id LIMIT ?")         \
	X(ERASURE_LAST, "SELECT max(id) FROM erasure")                                             \
	X(ERASURE_DELETE, "DELETE FROM erasure WHERE id = ?")                                      \
	X(ERASURE_EXPIRE, "DELETE FROM erasure WHERE expires <= ?")                                \
	X(ERASURE_PROLONG, "UPDATE erasure SET expires = max(expires, ?)")                         \
	X(AUDIT_ADD, "INSERT INTO audit (at, who, what, outcome) VALUES (?, ?, ?, ?)")             \
	X(AUDIT_AFTER, "SELECT id, at, who, what, outcome FROM audit WHERE id > ? "                \
		       "ORDER BY id LIMIT ?")

enum store_statement {
#define X(name, sql) STORE_SQL_##name,
	STORE_STATEMENTS(X)
#undef X
		STORE_SQL_COUNT
};

enum { STORE_PATH_BYTES = 1024 };

/* Rows of the large tables. SQLite would walk them to count them, some 100 ms for a million devices
 * and their routes, and the event loop with it. */
struct store_tally {
	uint64_t devices, revoked, routes, audits;
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[STORE_SQL_COUNT];
	bool in_transaction;
	int write_error;                     /* of the last transaction: 0, or -errno */
	struct store_tally tally, committed; /* committed: as of the last commit */
	bool erase_due;
};

/* -errno of an SQLite result code. */
int store_error_number(int code);
/* The statement, reset, its parameters cleared. It is the caller's until store_finish(). */
sqlite3_stmt *store_statement(struct store *store, enum store_statement which);
/* From now on SQLite wipes what it frees; to be called before it starts. */
void store_use_wiping_memory(void);
/* One step: 1 for a row, 0 at the end, or -errno. */
int store_step(struct store *store, sqlite3_stmt *statement);
/* Resets the statement and drops its parameters; returns result. */
int store_finish(sqlite3_stmt *statement, int result);
/* Counts rows, once after opening; from there on whoever adds or deletes some keeps the tally. */
int store_take_tally(struct store *store);
/* Begins a transaction unless there is one. */
int store_begin(struct store *store);
/* Runs a writing statement whose parameters are bound, in the transaction, and finishes it.
 * Returns how many rows changed, or -errno. */
int store_write(struct store *store, sqlite3_stmt *statement);

/* The same for one that takes something away which nobody may find again (store_erase_due()).
 * Returns 0, -ENOENT where it found nothing, or -errno. */
int store_write_away(struct store *store, sqlite3_stmt *statement);

/* Bind and read blobs of a fixed size; a blob of another size reads as zeros. */
void store_bind_blob(sqlite3_stmt *statement, int parameter, const void *bytes, size_t len);
void store_read_blob(sqlite3_stmt *statement, int column, void *bytes, size_t len);

#endif
