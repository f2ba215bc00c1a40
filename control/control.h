/* What the API needs of chappe-control. All of it is called on the event-loop thread, the only one
 * that touches state; callbacks come on the same thread. */
#ifndef CHAPPE_CONTROL_CONTROL_H
#define CHAPPE_CONTROL_CONTROL_H

#include "counters.h"
#include "src/table_msg.h"
#include "store.h"
#include "store/admin_msg.h"

struct control;
struct event_base;

struct event_base *control_base(struct control *control);

/* For reading (lists, counts) and for the audit log. Acts on devices, routes and invitations go
 * through the functions below, which keep memory, disk and dataplane in step. Whoever writes
 * audit entries calls store_commit(). */
struct store *control_store(struct control *control);

/* Acts. Each is durable, and on its way to the dataplane, when it returns 0. -ENOENT: no such
 * thing. -ENOSPC: no room (control_invite: as many devices and open invitations as the dataplane
 * has slots). -EIO: the store failed; nothing has changed. */
int control_invite(struct control *control, uint32_t ttl_s, struct store_invitation *invitations,
	uint32_t count); /* all of them or none; on failure they are wiped */
int control_invitation_cancel(struct control *control, const uint8_t id[WIRE_INVITATION_ID_BYTES]);
/* -ENOSPC: devices have as many different limits already as the dataplane can tell apart. */
int control_device_limits(struct control *control, uint32_t id, const struct store_limits *limits);
/* Ends the device's sessions and deletes its routes; -EALREADY when it is revoked already. */
int control_device_revoke(struct control *control, uint32_t id);
int control_route_revoke(struct control *control, const uint8_t route[WIRE_ROUTE_BYTES]);
/* Draining: new handshakes get the status draining, sessions go on. Ends with the process. */
void control_drain(struct control *control, bool draining);

enum { CONTROL_NAMES_MAX = 8, CONTROL_NAME_BYTES = 256, CONTROL_PATH_BYTES = 512 };

/* How the relay is doing. */
struct control_info {
	uint8_t relay_public[WIRE_KEY_BYTES];
	uint32_t names_count; /* of the relay, "host:port", as links and invitations carry them */
	char names[CONTROL_NAMES_MAX][CONTROL_NAME_BYTES];
	int64_t started_s;
	bool draining;
	bool in_step; /* the table link is up and the dataplane holds what the store holds */
	/* Of the dataplane connected last; zeros before the first. */
	uint64_t boot;
	uint32_t owners, devices_max, routes_per_device, suites, idle_sleep_us;
	int64_t connected_s; /* when the table link came up, 0 = it is down */
	uint32_t devices, invitations, pending_sessions;
	uint32_t leased;      /* session indices at hand */
	uint32_t queue_depth; /* inits that wait for a thread or are in its hands */
	uint32_t threads;
	struct store_limits default_limits;
	uint32_t keepalive_s, keepalive_min_s;
	uint64_t counters[CONTROL_COUNTER_COUNT];
};
void control_info(const struct control *control, struct control_info *info);

/* Everything that control holds in memory about a device, beside what the store holds. */
struct control_device_memory {
	uint64_t attempt;          /* highest confirmed since control started, 0 = none */
	uint32_t session;          /* index of the confirmed session */
	uint32_t earlier_session;  /* the one before, until it ends */
	uint32_t pending_sessions; /* handshakes answered and not confirmed yet */
	bool has_session, has_earlier_session;
};
int control_device_memory(
	const struct control *control, uint32_t id, struct control_device_memory *memory);

/* A handshake of the device that is answered and not confirmed yet. */
struct control_pending_memory {
	uint64_t attempt;
	uint32_t index, slot;
	bool sent; /* the dataplane has been told */
};
/* A control operation of the device in the last minute. */
struct control_operation_memory {
	uint64_t frame_id;
	int64_t at_s;
	uint32_t slot, session;
	uint16_t op, status, flags, frame_bytes;
	bool answered;
	uint8_t route[WIRE_ROUTE_BYTES];
};
typedef void control_pending_visit(void *arg, const struct control_pending_memory *pending);
typedef void control_operation_visit(void *arg, const struct control_operation_memory *operation);
void control_pendings(
	const struct control *control, uint32_t id, control_pending_visit *visit, void *arg);
void control_operations(
	const struct control *control, uint32_t id, control_operation_visit *visit, void *arg);

/* id of the device in a slot, 0 when there is none. */
uint32_t control_device_in_slot(const struct control *control, uint32_t slot);

/* Confirmed sessions, as far as control has heard. */
uint32_t control_session_count(const struct control *control);

/* Live sessions, asked of the dataplane. visit() is called for each; done() once, with 0 or
 * -ENOTCONN (the link broke) or -ECANCELED. Returns 0, or -ENOTCONN, and then calls nothing. */
typedef void control_session_visit(void *arg, const struct table_session *session);
typedef void control_done(void *arg, int error);
int control_sessions(
	struct control *control, control_session_visit *visit, control_done *done, void *arg);

/* Counters of the dataplane's workers, in the order of COUNTERS; count is how many the dataplane
 * sent. */
typedef void control_stats_visit(
	void *arg, uint32_t worker, const uint64_t *counters, uint32_t count);
int control_stats(
	struct control *control, control_stats_visit *visit, control_done *done, void *arg);
/* Cycles of the dataplane's workers, in the order of STAGES, since they began and while stages were
 * timed, which asking does for TABLE_STAGES_S seconds more. */
typedef void control_stages_visit(
	void *arg, uint32_t worker, const struct stage_sum *sums, uint32_t count);
int control_stages(
	struct control *control, control_stages_visit *visit, control_done *done, void *arg);

enum { CONTROL_MESSAGE_WAIT_S = 4 }; /* for an answer; less than an API request waits */

/* The message store, as far as it has been heard of: asked every second while it is connected. */
struct control_message_info {
	int64_t connected_s;        /* since when; 0 = it is not */
	int64_t status_s;           /* when it last said how it does; 0 = not yet */
	struct admin_status status; /* of then */
};
void control_message_info(const struct control *control, struct control_message_info *info);

/* Asks the message store. done() is called once: error is 0 and reply the answer, whose result may
 * be -errno with a text; or error is -ENOTCONN, -ETIMEDOUT or -ECANCELED. Returns 0, or -errno
 * (-ENOTCONN: it is not connected), and then calls nothing. */
typedef void control_message_done(void *arg, int error, const struct admin_reply *reply);
int control_message_ask(struct control *control, const struct admin_request *request,
	control_message_done *done, void *arg);

/* Its limits: as they were set, and as they hold. Setting is durable when it returns 0; the message
 * store is then to be told, which happens by itself whenever it connects. */
int control_message_limits(
	struct control *control, struct store_message_limits *own, struct admin_limits *limits);
int control_message_limits_set(struct control *control, const struct store_message_limits *limits);
int control_message_limits_send(struct control *control, control_message_done *done, void *arg);

/* Copies for a backup, made while all goes on; they stay until control_backup_end(), for an hour at
 * most. */
struct control_backup {
	char control[CONTROL_PATH_BYTES];  /* directory that holds chappe.db */
	char key[CONTROL_PATH_BYTES];      /* the relay's key: the file itself */
	char messages[CONTROL_PATH_BYTES]; /* directory of the message store's copy; or "" */
};
/* error is -errno, with what is wrong in text: -ECANCELED, -ENOTCONN, -ETIMEDOUT, ... */
typedef void control_backup_done(
	void *arg, int error, const char *text, const struct control_backup *made);
/* Returns 0, -EBUSY where there is one, -ENOTCONN without a message store, or another -errno; then
 * nothing is called. */
int control_backup(
	struct control *control, bool with_messages, control_backup_done *done, void *arg);
/* When the one that there is was begun, 0 = there is none. */
int64_t control_backup_since(const struct control *control);
/* Removes the copies. 0: they are gone. 1: done() is called once the message store's is, unless it
 * is NULL. -ENOENT where there are none; another -errno where they can't be removed. */
int control_backup_end(struct control *control, control_message_done *done, void *arg);

/* Forgets what was asked with this arg: no more callbacks for it. */
void control_forget(struct control *control, void *arg);

#endif
