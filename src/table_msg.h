/* The `table` link between control and dataplane: SOCK_SEQPACKET on a UNIX socket of the dataplane,
 * ordered and acknowledged. Both ends are built together and run on one host: native integers,
 * fixed widths, no padding. A message is a head and count records of one type, at most 64 KiB.
 *
 * On connecting: dataplane -> HELLO; control -> HELLO; dataplane -> LEASE and SESSION_DUMP (all of
 * them, the last with TABLE_LAST); control -> SYNC_BEGIN, all DEVICE_SET, ROUTE_SET and
 * SESSION_KEEP records, SYNC_END. What was not named since SYNC_BEGIN is removed at SYNC_END, never
 * before.
 *
 * Every control message but HELLO is answered by one ACK with its seq, in order. A record that
 * fails does not stop the ones after it: the ACK counts the failures and carries the first one. */
#ifndef CHAPPE_TABLE_MSG_H
#define CHAPPE_TABLE_MSG_H

#include "endpoint.h"
#include "stages.h"
#include "wire.h"

enum {
	TABLE_VERSION = 1,
	TABLE_MESSAGE_BYTES = 65536,
	TABLE_STAGES_S = 5,
	TABLE_LIMIT_CLASSES = 1024, /* different limits of devices, no limits among them */
};

/* op, code, direction, record, help */
#define TABLE_MESSAGES(X)                                                                          \
	X(HELLO, 1, BOTH, struct table_hello, "who speaks, which boot, how large the tables are")  \
	X(ACK, 2, TO_CONTROL, struct table_ack, "result of the message with this seq")             \
	X(LEASE, 3, TO_CONTROL, uint32_t, "session indices that control may hand out")             \
	X(SESSION_DUMP, 4, TO_CONTROL, struct table_session, "a session that is in the table")     \
	X(SESSION_CONFIRMED, 5, TO_CONTROL, struct table_confirmed,                                \
		"a pending session was confirmed")                                                 \
	X(SESSION_ENDED, 6, TO_CONTROL, struct table_ended,                                        \
		"a session is gone; its index is not leased")                                      \
	X(STATS, 7, TO_CONTROL, uint64_t, "counters of one worker, in the order of COUNTERS")      \
	X(STAGES, 8, TO_CONTROL, struct stage_sum,                                                 \
		"cycles of one worker's stages, in the order of STAGES")                           \
	X(SYNC_BEGIN, 16, TO_DATAPLANE, struct table_none, "what follows is everything")           \
	X(SYNC_END, 17, TO_DATAPLANE, struct table_none,                                           \
		"remove what was not named since SYNC_BEGIN")                                      \
	X(DEVICE_SET, 18, TO_DATAPLANE, struct table_device, "add a device or change its limits")  \
	X(DEVICE_REMOVE, 19, TO_DATAPLANE, uint32_t, "remove a device slot and end its sessions")  \
	X(ROUTE_SET, 20, TO_DATAPLANE, struct table_route, "add a route or change its flags")      \
	X(ROUTE_REMOVE, 21, TO_DATAPLANE, struct table_route, "remove a route")                    \
	X(SESSION_INSTALL, 22, TO_DATAPLANE, struct table_install,                                 \
		"a pending session and its response")                                              \
	X(SESSION_KEEP, 23, TO_DATAPLANE, uint32_t, "during a sync: this session index stays")     \
	X(SESSION_REMOVE, 24, TO_DATAPLANE, uint32_t, "end a session")                             \
	X(SESSION_LIST, 25, TO_DATAPLANE, struct table_none, "ask for SESSION_DUMP")               \
	X(STATS_GET, 26, TO_DATAPLANE, struct table_none,                                          \
		"ask for STATS: one message a worker, then one of the main lcore")                 \
	X(LEASE_GET, 27, TO_DATAPLANE, struct table_lease_get, "ask for more session indices")     \
	X(STAGES_GET, 28, TO_DATAPLANE, struct table_none,                                         \
		"ask for STAGES, one message a worker; stages are timed for TABLE_STAGES_S more")

enum table_op {
#define X(name, code, direction, record, help) TABLE_##name = code,
	TABLE_MESSAGES(X)
#undef X
};

/* Which end a message goes to. */
enum table_direction { TABLE_TO_CONTROL = 1, TABLE_TO_DATAPLANE = 2, TABLE_BOTH = 3 };

enum table_flags { TABLE_LAST = 1 /* the last message of an answer in several */ };

struct table_head {
	uint16_t op;    /* enum table_op */
	uint16_t flags; /* enum table_flags */
	uint32_t count; /* records that follow */
	uint64_t seq; /* the sender's, from 1; in ACK, STATS, STAGES and asked-for dumps that of the
		       * request */
};

struct table_none {
	uint8_t nothing[0];
};

struct table_hello {
	uint32_t version;           /* TABLE_VERSION, else the receiver closes the link */
	uint32_t owners;            /* dataplane: workers */
	uint64_t boot;              /* dataplane: drawn at its start; control: 0 */
	uint32_t devices_max;       /* dataplane: slots 0..devices_max-1 */
	uint32_t routes_per_device; /* dataplane */
	uint32_t suites;            /* dataplane: bit n = suite n; control: the suites it answers */
	uint32_t idle_sleep_us;     /* dataplane */
	uint8_t relay_public[WIRE_KEY_BYTES]; /* control: mac1 and cookie replies need it */
	uint8_t reset_secret[32];             /* control: section reset of the protocol */
};

struct table_ack {
	uint16_t op; /* what is acknowledged */
	uint16_t zero;
	uint32_t failed; /* records that failed */
	uint32_t first;  /* number of the first of them, from 0 */
	int32_t error;   /* its -errno: -ENOSPC table full, -ENOENT, -EEXIST, -EINVAL */
};

struct table_device {
	uint32_t slot;
	uint32_t frames_per_s; /* 0 = no limit */
	uint64_t bytes_per_s;  /* 0 = no limit */
};

struct table_route {
	uint8_t route[WIRE_ROUTE_BYTES];
	uint32_t device; /* slot */
	uint32_t flags;  /* enum control_route_flags */
};

struct table_install {
	uint32_t index;      /* leased, never installed before */
	uint32_t device;     /* slot; for an invitation the one kept for it */
	uint32_t peer_index; /* the device's: receiver_index of frames to it */
	uint16_t suite;
	uint16_t keepalive_s;
	uint32_t hard_lifetime_s;
	uint32_t zero;
	uint8_t receive_key[WIRE_KEY_BYTES]; /* device to relay */
	uint8_t send_key[WIRE_KEY_BYTES];    /* relay to device */
	struct endpoint endpoint;            /* where the init came from; the response goes there */
	uint8_t response[WIRE_SMALL_BYTES];  /* sent once the session is in the table */
};

struct table_confirmed {
	uint32_t index, device;
};

enum table_end_reason {
	TABLE_END_REMOVED = 1, /* control asked */
	TABLE_END_EXPIRED = 2,
	TABLE_END_REPLACED = 3,
	TABLE_END_UNCONFIRMED = 4,
};

struct table_ended {
	uint32_t index, device;
	uint32_t reason; /* enum table_end_reason */
};

/* All that the dataplane knows of a session but its keys and replay bits: `session list`,
 * `disclose`. */
struct table_session {
	uint32_t index, device;
	uint32_t peer_index;
	uint16_t suite;
	uint16_t confirmed; /* 0 or 1 */
	uint32_t expires_in_s;
	uint32_t keepalive_s;
	uint64_t highest_received; /* counter */
	uint64_t next_to_send;     /* counter */
	struct endpoint endpoint;
	struct endpoint candidate; /* family 0: none */
};

struct table_lease_get {
	uint32_t owner, count;
};

/* Checks what came from the link: a known message that goes to this end, of exactly the length that
 * its count of records asks for; one record where the message is about one thing, none where its
 * records are empty. What the records say is the receiver's to check. Returns 0 or -EBADMSG. */
int table_message_check(const void *message, size_t len, enum table_direction to);

#endif
