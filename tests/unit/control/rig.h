/* chappe-control without its process: a store in a directory of its own, the event loop turned by
 * the test, and this file's end of the two links, which keeps the tables that a dataplane would. */
#ifndef CHAPPE_TEST_RIG_H
#define CHAPPE_TEST_RIG_H

#include "control/state.h"
#include "src/punt_msg.h"
#include "tests/unit/src/testing.h"

enum { RIG_DEVICES = 8, RIG_ROUTES = 64, RIG_SESSIONS = 128, RIG_ANSWERS = 64 };

struct rig_route {
	struct table_route route;
	bool used, named;
};

struct rig_session {
	struct table_install install;
	bool used, confirmed, named;
};

struct rig {
	char dir[64];
	struct event_base *base;
	struct config config;
	struct noise_keypair key;
	struct control *control;

	int table_listener, punt_listener, table, punt;
	uint64_t boot, seq;
	uint32_t devices_max, owners, lease_next;
	uint32_t lease_left; /* indices that this end still gives */

	/* What the tables hold. */
	bool devices[RIG_DEVICES], devices_named[RIG_DEVICES];
	struct table_device limits[RIG_DEVICES];
	struct rig_route routes[RIG_ROUTES];
	struct rig_session sessions[RIG_SESSIONS];
	uint32_t syncs;     /* SYNC_END that came */
	uint32_t installs;  /* SESSION_INSTALL records that came, ever */
	uint32_t removals;  /* DEVICE_REMOVE records that came, ever */
	bool syncing, mute; /* mute: leaves messages unread */
	bool confused;      /* answers with sessions when asked for stages */
	bool endless;       /* dumps more sessions than its tables have */
	int route_error;    /* what ROUTE_SET gets: 0, -ENOSPC ... */
	int install_error;
	uint32_t hold_acks; /* acknowledges nothing while set */
	uint64_t held_seq[256];
	uint16_t held_op[256];
	uint32_t held_count;

	struct punt_record answers[RIG_ANSWERS]; /* that came on the punt link */
	uint32_t answers_count;
};

/* A device's end of a handshake. */
struct rig_device {
	struct noise_keypair key;
	uint8_t psk[32];
	uint64_t attempt;
	uint8_t invitation_id[WIRE_INVITATION_ID_BYTES];
	uint32_t sender_index;
	enum wire_suite suite;
	struct noise noise;
	struct wire_init init;
	/* Of the answer. */
	struct wire_response_payload answer;
	struct noise_keys keys;
};

/* Makes directory, relay key, store; nothing runs yet. */
struct rig *rig_create(void);
void rig_destroy(struct rig *rig);
/* For cmocka: *state is a rig whose control runs and is connected. */
int rig_setup(void **state);
int rig_teardown(void **state);
/* Starts and ends control; the store's file stays. */
void rig_start(struct rig *rig);
void rig_stop(struct rig *rig);
/* Listens, so that control connects. */
void rig_listen(struct rig *rig);
/* The same, and goes through hello, dump and synchronisation. */
void rig_connect(struct rig *rig);
/* Breaks both links and stops listening; the tables stay. */
void rig_disconnect(struct rig *rig);
/* As a dataplane that was started anew: other boot, empty tables. */
void rig_new_boot(struct rig *rig);

/* Turns the event loop and serves the links until nothing more happens. */
void rig_settle(struct rig *rig);
/* Acknowledges what hold_acks held back. */
void rig_release_acks(struct rig *rig);

/* A device that was enrolled long ago, with a route: into the store, while control is not running.
 */
void rig_store_device(struct rig *rig, struct rig_device *device, uint32_t slot);
void rig_invite(struct rig *rig, uint32_t ttl_s, struct rig_device *device);
/* Makes an init with the next attempt, and gives it to control. */
void rig_init(struct rig *rig, struct rig_device *device);
/* Gives the same init once more. */
void rig_replay(struct rig *rig, const struct rig_device *device);
/* The session installed for the device's last init, opened with its keys; NULL when there is none.
 */
struct rig_session *rig_session(struct rig *rig, struct rig_device *device);
/* The answer that came on the punt link for the last init: its status, or -1 for none. */
int rig_status(struct rig *rig, struct rig_device *device);
void rig_confirm(struct rig *rig, uint32_t index);
/* init, session, confirm; fails the test where that does not work. Returns the index. */
uint32_t rig_handshake(struct rig *rig, struct rig_device *device);
uint32_t rig_enrol(struct rig *rig, struct rig_device *device);
void rig_end(struct rig *rig, uint32_t index, enum table_end_reason reason);

/* Asks a control operation; the answer's body goes to body. Returns its status, -1 for none. */
int rig_operation(struct rig *rig, uint32_t index, uint64_t frame_id, uint16_t op,
	const void *request, size_t len, void *body, size_t body_len);
uint32_t rig_routes(const struct rig *rig);
uint64_t rig_stored_devices(const struct rig *rig); /* in the store */
uint64_t rig_counter(const struct rig *rig, enum control_counter counter);

/* Wipes what the rig's own buffers still hold of messages. */
void rig_wipe_buffers(void);

/* True when a file below the directory holds these bytes. */
bool rig_files_hold(const struct rig *rig, const void *bytes, size_t len);

#endif
