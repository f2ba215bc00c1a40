/* What the relay keeps on disk: devices, routes, invitations, the reset secret, limits of the
 * message store and the audit log, in one SQLite file (WAL, synchronous=FULL, secure_delete=ON) of
 * the state directory. The relay's identity key is not in it: it lies in a file of its own,
 * relay.key (src/key.h).
 *
 * Not on disk, by design: when a device was last seen, its address, its sessions, its attempt
 * counter, who sends to whom.
 *
 * One thread uses a store. Writes open a transaction by themselves; nothing is durable before
 * store_commit() returned 0, and store_rollback() undoes everything since the last commit. So
 * several writes may share one sync of the disk. Reads see the writes before them.
 *
 * Functions return 0 or -errno: -ENOENT no such row, -EEXIST there is one already, -ENOSPC disk
 * full, -EIO anything else of SQLite's (logged with its text). */
#ifndef CHAPPE_CONTROL_STORE_H
#define CHAPPE_CONTROL_STORE_H

#include "src/reset.h"
#include "src/wire.h"
#include "store/admin_limits.h"

struct store;

#define STORE_FILE "chappe.db"
#define STORE_KEY_FILE "relay.key"
/* Empty, in a state directory that was restored from a backup, until the dataplane has been in step
 * with it: sessions that a dataplane still has are of other devices. */
#define STORE_RESTORED_FILE "restored"

enum {
	/* PRAGMA user_version; a store of an earlier version is brought up to this one when it is
	 * opened, one of a later version is refused. */
	STORE_VERSION = 2,
	STORE_ERASE_S =
		5, /* at most so long after a commit, what was deleted is gone from the files */
	STORE_REVOKED_KEEP_S = 30 * 86400, /* a revoked device's key and psk, to tell it so */
	STORE_INVITATION_KEEP_S = 86400,   /* an expired invitation, to tell its device so */
	STORE_ERROR_BYTES = 1280,
};

/* A limit that is not set for a device of its own: the relay's default holds. */
enum { STORE_LIMIT_DEFAULT = -1 };
#define STORE_NO_SLOT UINT32_MAX

struct store_limits {
	int64_t routes_max;   /* 0..2^31-1 */
	int64_t frames_per_s; /* 0 = no limit */
	int64_t bytes_per_s;  /* 0 = no limit */
};

struct store_device {
	uint32_t id;                 /* names the device for people; from 1 */
	uint32_t slot;               /* of the dataplane's tables; STORE_NO_SLOT once revoked */
	uint8_t key[WIRE_KEY_BYTES]; /* public */
	uint8_t psk[WIRE_KEY_BYTES]; /* was the invitation's secret */
	int64_t created_s;           /* UNIX time, as all times here */
	int64_t revoked_s;           /* 0 = not revoked */
	struct store_limits limits;
};

struct store_route {
	uint64_t row; /* order of creation; cursor of store_routes_after() */
	uint8_t route[WIRE_ROUTE_BYTES];
	uint32_t device; /* id */
	uint32_t slot;   /* of the device */
	uint32_t flags;  /* enum control_route_flags */
	int64_t created_s;
	uint64_t request; /* frame_id of the frame that asked for it */
};

/* What the dataplane needs to know of a route. */
struct store_target {
	uint64_t row; /* cursor of store_targets_after() */
	uint8_t route[WIRE_ROUTE_BYTES];
	uint32_t device; /* id */
	uint32_t flags;  /* enum control_route_flags */
};

struct store_invitation {
	uint8_t id[WIRE_INVITATION_ID_BYTES];
	uint8_t secret[WIRE_KEY_BYTES]; /* zeros once used: the device has it as its psk */
	int64_t created_s, expires_s;
	int64_t used_s;  /* 0 = not used */
	uint32_t device; /* id of the device that used it, else 0 */
};

struct store_audit {
	uint64_t row;
	int64_t at_s;
	const char *who, *what, *outcome; /* valid during the call of the visitor only */
};

/* Makes the directory's store and the reset secret. The relay key is the caller's. -EEXIST when
 * there is a store already. On failure error says what and where. */
int store_create(const char *state_dir, char error[STORE_ERROR_BYTES]);

/* Opens the store, bringing it up to this version; -ENOENT when store_create() was never called
 * here, -EPROTO for a version this program doesn't know. On failure error says what, where and what
 * to do. */
int store_open(const char *state_dir, struct store **store, char error[STORE_ERROR_BYTES]);
/* Rolls back what was not committed, erases what was deleted, closes. NULL is allowed. */
void store_close(struct store *store);

int store_commit(struct store *store);
void store_rollback(struct store *store);

/* True when something was deleted since the last store_erase(): it may still be in the files. */
/* Why the last change could not be written: -errno, or 0 where it could. */
int store_write_error(const struct store *store);

bool store_erase_due(const struct store *store);
/* Writes the WAL back and truncates it: with secure_delete nothing deleted is left in the files. */
int store_erase(struct store *store);

/* 32 random bytes made with the store: every reset key derives from it (src/reset.h). */
int store_reset_secret(struct store *store, uint8_t secret[RESET_SECRET_BYTES]);

/* Devices. add sets device->id; key and slot must be unique among devices (-EEXIST). */
int store_device_add(struct store *store, struct store_device *device);
int store_device_limits(struct store *store, uint32_t id, const struct store_limits *limits);
/* Deletes the device's routes, frees its slot, keeps key and psk for STORE_REVOKED_KEEP_S. */
int store_device_revoke(struct store *store, uint32_t id, int64_t now_s);
int store_device_get(struct store *store, uint32_t id, struct store_device *device);
int store_device_by_key(
	struct store *store, const uint8_t key[WIRE_KEY_BYTES], struct store_device *device);

/* Visitors: return 0 to go on, anything else to stop; the walk then returns that value. They must
 * not write to the store. */
typedef int store_device_visit(void *arg, const struct store_device *device);
int store_devices(struct store *store, store_device_visit *visit, void *arg); /* by id */
int store_devices_after(
	struct store *store, uint32_t after, store_device_visit *visit, void *arg); /* ids above */

/* Routes. add: -EEXIST when the route exists or the device has one of this request already. */
int store_route_add(struct store *store, const struct store_route *route);
int store_route_flags(struct store *store, uint32_t device, const uint8_t route[WIRE_ROUTE_BYTES],
	uint32_t flags);
int store_route_delete(struct store *store, uint32_t device, const uint8_t route[WIRE_ROUTE_BYTES]);
int store_route_by_request(
	struct store *store, uint32_t device, uint64_t request, struct store_route *route);
int store_route_count(struct store *store, uint32_t device, uint32_t *count);
/* The routes of all devices (device 0) or of one, oldest first, whose row is above after: at most
 * max of them; *count receives how many. Fewer than max: these were the last. */
int store_routes_after(struct store *store, uint32_t device, uint64_t after,
	struct store_route *routes, uint32_t max, uint32_t *count);
/* The routes of all devices in the order of their rows, like store_routes_after(); reads nothing
 * but their table from its beginning to its end. */
int store_targets_after(struct store *store, uint64_t after, struct store_target *targets,
	uint32_t max, uint32_t *count);
/* Those that begin with the given bytes: how people name a route (tools show the first 4). */
int store_routes_by_prefix(struct store *store, const uint8_t *prefix, size_t prefix_len,
	struct store_route *routes, uint32_t max, uint32_t *count);

/* Invitations. */
int store_invitation_add(struct store *store, const struct store_invitation *invitation);
int store_invitation_get(struct store *store, const uint8_t id[WIRE_INVITATION_ID_BYTES],
	struct store_invitation *invitation);
/* Erases the secret and notes the device. -ENOENT when it is unknown or was used before. */
int store_invitation_use(struct store *store, const uint8_t id[WIRE_INVITATION_ID_BYTES],
	uint32_t device, int64_t now_s);
int store_invitation_delete(struct store *store, const uint8_t id[WIRE_INVITATION_ID_BYTES]);
/* How many can still be used. */
int store_invitations_open(struct store *store, int64_t now_s, uint64_t *count);
typedef int store_invitation_visit(void *arg, const struct store_invitation *invitation);
int store_invitations(struct store *store, store_invitation_visit *visit, void *arg);

/* Deletes revoked devices and invitations whose time to be kept is over; *deleted counts them. */
int store_expire(struct store *store, int64_t now_s, uint32_t *deleted);

/* The audit log: acts of people, never of devices. Appended to, never changed. */
int store_audit_add(
	struct store *store, int64_t at_s, const char *who, const char *what, const char *outcome);
typedef int store_audit_visit(void *arg, const struct store_audit *audit);
/* Entries whose row is above after, oldest first, at most max. */
int store_audits_after(
	struct store *store, uint64_t after, uint32_t max, store_audit_visit *visit, void *arg);

/* Limits of the message store; STORE_LIMIT_DEFAULT where the default holds (admin_limits.h). */
struct store_message_limits {
#define X(field, least, most, otherwise, what) int64_t field;
	ADMIN_LIMITS(X)
#undef X
};
int store_message_limits(struct store *store, struct store_message_limits *limits);
int store_message_limits_set(
	struct store *store, int64_t now_s, const struct store_message_limits *limits);

/* Erasures: routes that are gone and under which something may wait in the message store. From the
 * first time on that there was a message store, every route that is deleted leaves one, in the same
 * transaction (a trigger of the database: no way to delete a route goes round it). store_expire()
 * deletes those that are so old that whatever waited has expired. */
struct store_erasure {
	uint64_t row; /* order of deletion */
	uint8_t route[WIRE_ROUTE_BYTES];
};
int store_message_store_seen(struct store *store); /* there is a message store */
int store_message_store_was_seen(struct store *store, bool *seen);
/* The oldest whose row is above after, at most max; *count receives how many. */
int store_erasures_after(struct store *store, uint64_t after, struct store_erasure *erasures,
	uint32_t max, uint32_t *count);
/* The highest row, 0 where there is none. */
int store_erasures_last(struct store *store, uint64_t *row);
int store_erasure_delete(struct store *store, uint64_t row);

struct store_counts {
	uint64_t devices, revoked, routes, invitations_open, audits, erasures;
};
/* Walks invitations and erasures: for people who ask, not for timers. */
int store_counts(struct store *store, int64_t now_s, struct store_counts *counts);

/* Every column of every table, one line each: table, column, SQL declaration, how long it lives
 * there, what it is. The schema is made from this list, and `chappectl disclose` prints from it.
 * Tables: name, constraints, version of the store that brought it. */
#define STORE_TABLES(T)                                                                            \
	T(device, "", 1)                                                                           \
	T(route, ", UNIQUE (device, request)", 1)                                                  \
	T(invitation, "", 1)                                                                       \
	T(secret, "", 1)                                                                           \
	T(audit, "", 1)                                                                            \
	T(message_store, "", 2)                                                                    \
	T(erasure, "", 2)

#define ERASURE_END                                                                                \
	"until the message store has erased what waited there: seconds while it runs, at most "    \
	"a day longer than a frame may wait"
#define STORE_COLUMNS(C)                                                                           \
	C(device, id, "INTEGER PRIMARY KEY", "30 days after revocation", "number of the device")   \
	C(device, slot, "INTEGER UNIQUE", "until revoked", "place in the dataplane's tables")      \
	C(device, key, "BLOB NOT NULL UNIQUE", "30 days after revocation", "public key")           \
	C(device, psk, "BLOB NOT NULL", "30 days after revocation",                                \
		"secret of its invitation, mixed into every handshake; opens no session and no "   \
		"payload")                                                                         \
	C(device, created, "INTEGER NOT NULL", "30 days after revocation", "when it was enrolled") \
	C(device, revoked, "INTEGER", "30 days after revocation", "when it was revoked")           \
	C(device, routes_max, "INTEGER", "30 days after revocation", "limit of its own, if any")   \
	C(device, frames_per_s, "INTEGER", "30 days after revocation", "limit of its own, if any") \
	C(device, bytes_per_s, "INTEGER", "30 days after revocation", "limit of its own, if any")  \
	C(route, id, "INTEGER PRIMARY KEY", "until revoked", "order of creation")                  \
	C(route, route, "BLOB NOT NULL UNIQUE", "until revoked",                                   \
		"the route itself: whoever holds it may send to the device")                       \
	C(route, device, "INTEGER NOT NULL", "until revoked", "the device it leads to")            \
	C(route, flags, "INTEGER NOT NULL", "until revoked", "whether live frames are allowed")    \
	C(route, created, "INTEGER NOT NULL", "until revoked", "when it was made")                 \
	C(route, request, "INTEGER NOT NULL", "until revoked",                                     \
		"random number of the request, so that a repeated one makes no second route")      \
	C(invitation, id, "BLOB PRIMARY KEY NOT NULL", "a day after expiry",                       \
		"the invitation's id")                                                             \
	C(invitation, secret, "BLOB", "until used, at most a day after expiry",                    \
		"one-time secret of the invitation")                                               \
	C(invitation, created, "INTEGER NOT NULL", "a day after expiry", "when it was made")       \
	C(invitation, expires, "INTEGER NOT NULL", "a day after expiry", "when it ends")           \
	C(invitation, used, "INTEGER", "a day after expiry", "when it was used")                   \
	C(invitation, device, "INTEGER", "a day after expiry", "the device that used it")          \
	C(secret, name, "TEXT PRIMARY KEY NOT NULL", "as long as the relay", "which secret")       \
	C(secret, value, "BLOB NOT NULL", "as long as the relay",                                  \
		"reset secret: proves that a reset is the relay's; opens nothing")                 \
	C(audit, id, "INTEGER PRIMARY KEY", "as long as the relay", "order of the acts")           \
	C(audit, at, "INTEGER NOT NULL", "as long as the relay", "when an operator acted")         \
	C(audit, who, "TEXT NOT NULL", "as long as the relay", "which operator")                   \
	C(audit, what, "TEXT NOT NULL", "as long as the relay", "what was asked")                  \
	C(audit, outcome, "TEXT NOT NULL", "as long as the relay", "what came of it")              \
	C(message_store, id, "INTEGER PRIMARY KEY", "as long as the relay", "1: there is one row") \
	C(message_store, seen, "INTEGER NOT NULL DEFAULT 0", "as long as the relay",               \
		"whether there ever was a message store: from then on revoked routes are noted "   \
		"in the table erasure")                                                            \
	C(message_store, route_frames, "INTEGER", "as long as the relay", "limit, if one is set")  \
	C(message_store, route_bytes, "INTEGER", "as long as the relay", "limit, if one is set")   \
	C(message_store, device_frames, "INTEGER", "as long as the relay", "limit, if one is set") \
	C(message_store, device_bytes, "INTEGER", "as long as the relay", "limit, if one is set")  \
	C(message_store, total_bytes, "INTEGER", "as long as the relay", "limit, if one is set")   \
	C(message_store, disk_free_bytes, "INTEGER", "as long as the relay",                       \
		"limit, if one is set")                                                            \
	C(message_store, ttl_minutes, "INTEGER", "as long as the relay", "limit, if one is set")   \
	C(erasure, id, "INTEGER PRIMARY KEY", ERASURE_END, "order of revocation")                  \
	C(erasure, route, "BLOB NOT NULL UNIQUE", ERASURE_END,                                     \
		"a route that was revoked and that nobody can use any more; the device it led to " \
		"is not named")                                                                    \
	C(erasure, expires, "INTEGER NOT NULL", ERASURE_END,                                       \
		"day on which whatever waited has expired and the row goes in any case")

#endif
