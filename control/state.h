/* The state of chappe-control, for control's own files. Everything here belongs to the event-loop
 * thread; the responder's threads see nothing of it but their jobs. */
#ifndef CHAPPE_CONTROL_STATE_H
#define CHAPPE_CONTROL_STATE_H

#include "backup.h"
#include "config.h"
#include "control.h"
#include "directory.h"
#include "message_store.h"
#include "operation.h"
#include "punt_link.h"
#include "responder.h"
#include "src/control_op.h"
#include "src/noise.h"
#include "table_link.h"

/* How far the dataplane has come to hold what the store holds. */
enum sync_phase {
	SYNC_DOWN = 0, /* no link, or its sessions are not known yet */
	SYNC_KEEP,     /* naming the sessions that stay */
	SYNC_DEVICES,
	SYNC_ROUTES, /* from here on known devices may shake hands */
	SYNC_ENDING, /* SYNC_END is on its way */
	SYNC_DONE,   /* in step: from here on slots may be given to new devices */
};

struct sync {
	enum sync_phase phase;
	uint32_t *keep; /* session indices */
	uint32_t keep_count, keep_capacity, keep_next;
	uint32_t next_slot;
	uint64_t next_row;
	uint64_t routes;  /* named, and not refused, so far */
	uint32_t refused; /* records that did not fit into the dataplane's tables */
};

struct control {
	const struct config *config;
	struct event_base *base;
	struct store *store;
	struct noise_keypair key;
	uint8_t reset_secret[RESET_SECRET_BYTES];
	uint32_t suites; /* of this machine */
	struct table_link_own own;

	struct directory directory;
	struct operations operations;
	struct sync sync;
	struct table_link *table;
	struct punt_link *punt;
	struct responder *responder;
	struct message_store messages;
	struct backup backup;
	bool restored;                /* from a backup, and the dataplane was not in step since */
	struct table_hello dataplane; /* of the last one connected */
	int64_t connected_s;
	struct event *second;   /* timer */
	struct event *finished; /* of the responder */
	struct job *to_open;    /* inits of this turn, last first */
	struct asking *asking;  /* questions to the dataplane (act.c) */
	int64_t started_s, next_expiry_s, next_forget_s;
	uint64_t open_invitations;
	bool draining;
	uint64_t counters[CONTROL_COUNTER_COUNT];
};

#define COUNT(control, name) ((control)->counters[CONTROL_COUNTER_##name]++)

/* config and key stay the caller's until control_destroy(); the store becomes control's. The links
 * are tried from the event loop. Returns 0 or -errno. */
int control_create(struct control **control, struct event_base *base, const struct config *config,
	const struct noise_keypair *key, struct store *store);
void control_destroy(struct control *control);

int64_t control_now_s(void);
/* Limits of a device with the relay's defaults filled in. */
void control_limits(
	const struct control *control, const struct device *device, struct store_limits *limits);
/* Tells the dataplane of a device or of its changed limits. */
int control_send_device(struct control *control, uint32_t slot);

/* sync.c: keeps the dataplane in step with the store. */
extern const struct table_link_calls sync_calls;

/* handshake.c */
void handshake_init(struct control *control, const struct punt_record *record);
/* Hands the inits of this turn to the responder. */
void handshake_submit(struct control *control);
/* The responder has finished jobs. */
void handshake_finished(struct control *control);
/* The dataplane did not take a session. */
void handshake_refused(struct control *control, uint32_t index, int error);

/* enrol.c: pending sessions become sessions, invitations become devices. */
void enrol_confirmed(
	struct control *control, const struct table_confirmed *confirmed, uint32_t count);
/* Forgets a pending session, and its slot where nothing else holds that. */
void enrol_unpend(struct control *control, uint32_t number);
/* The link broke: no pending session is left. */
void enrol_link_down(struct control *control);

#endif
