/* `store-admin.sock` between control and chappe-store: SOCK_SEQPACKET on a socket of chappe-store
 * in the run directory, 0600. Control asks, one request at a time, and others while a BACKUP or
 * BACKUP_END is under way; each is answered by one reply. Both ends are built together and run on
 * one host: native integers, no padding. */
#ifndef CHAPPE_STORE_ADMIN_MSG_H
#define CHAPPE_STORE_ADMIN_MSG_H

#include "src/wire.h"

enum { ADMIN_VERSION = 2, ADMIN_TEXT_BYTES = 256 };

/* op, code, request, reply, help */
#define ADMIN_MESSAGES(X)                                                                          \
	X(STATUS, 1, nothing, status, "what waits, what was found at start, how the disk does")    \
	X(LIMITS_SET, 2, limits, nothing, "new limits, kept over a restart; what waits stays")     \
	X(LIMITS_GET, 3, nothing, limits, "the limits in force")                                   \
	X(ROUTE_QUERY, 4, route, waiting, "what waits under a route")                              \
	X(ROUTE_ERASE, 5, route, waiting, "erases what waits under a route, durably")              \
	X(VERIFY, 6, nothing, nothing, "begins to read all that waits; STATUS shows how far")      \
	X(COMPACT, 7, nothing, nothing, "begins to give room back; STATUS shows when it ends")     \
	X(BACKUP, 8, nothing, path, "makes a consistent copy in a new directory of the store's")   \
	X(BACKUP_END, 9, nothing, nothing, "removes that copy")

enum admin_op {
#define X(name, code, request, reply, help) ADMIN_##name = code,
	ADMIN_MESSAGES(X)
#undef X
};

struct admin_limits {
	uint32_t route_frames, device_frames;
	uint64_t route_bytes, device_bytes; /* of cells, 512 and 1232 */
	uint64_t total_bytes;
	uint64_t disk_free_bytes; /* nothing is taken while the disk has less room */
	uint32_t ttl_minutes;     /* the default, and the most that a frame gets */
	uint32_t reserved;
};

struct admin_route {
	uint8_t route[WIRE_ROUTE_BYTES];
};

struct admin_waiting {
	uint32_t frames, large;
	uint64_t bytes;
	uint32_t oldest_minute, newest_minute; /* of arrival, since 1970; 0 where nothing waits */
};

enum admin_job { ADMIN_JOB_NONE, ADMIN_JOB_RUNNING, ADMIN_JOB_DONE, ADMIN_JOB_FAILED };

struct admin_status {
	uint64_t mailboxes, frames, large, bytes;        /* that wait */
	uint64_t accepted, delivered, repeated, expired; /* since start */
	uint64_t refused_route, refused_device, refused_total, refused_failed;
	uint64_t damaged, rebuilt, unreadable; /* found at start, as in struct depot_report */
	uint64_t disk_free_bytes, disk_used_bytes;
	uint64_t epochs;
	uint64_t verified, verify_bad; /* records read by the last VERIFY, and those unreadable */
	uint32_t commit_p50_us, commit_p99_us; /* of the last minute */
	uint8_t linked;                        /* the dataplane is there */
	uint8_t failed;                        /* the disk does not write: nothing is accepted */
	uint8_t verify, compact;               /* enum admin_job */
	uint32_t commits;                      /* since start */
};

struct admin_path {
	char path[ADMIN_TEXT_BYTES];
};

struct admin_request {
	uint32_t version; /* ADMIN_VERSION */
	uint32_t op;      /* enum admin_op */
	union {
		struct admin_limits limits;
		struct admin_route route;
	};
};

struct admin_reply {
	uint32_t op;
	int32_t result; /* 0 or -errno, then with a text for people */
	char text[ADMIN_TEXT_BYTES];
	union {
		struct admin_status status;
		struct admin_limits limits;
		struct admin_waiting waiting;
		struct admin_path path;
	};
};

#endif
