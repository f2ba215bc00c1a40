/* The client behind struct chappe, and what its files share:
 *   device.c          the handle: open, close, process, deadline
 *   status.c          what there is to know about it
 *   profile.c         what is stored about the device itself; joining
 *   contact.c         the contacts: the list, and what an application sees of them
 *   contact_stored.c  what is stored about them
 *   pair.c            how a contact begins and ends: routes, links
 *   hello.c           how two devices come to know each other
 *   control.c         control operations at the relay
 *   message.c         what the message layer asks of a contact
 *   frames.c          sealed frames of contacts, in and out
 *   send.c            what the application sends
 *   outbox.c          stored messages, sealed and on disk until the relay has accepted them
 *   outbox_load.c     the same after a restart
 *   stored.c          values in the storage
 *   hop.h             the session with the relay, which knows nothing of the above */
#ifndef CHAPPE_DEVICE_H
#define CHAPPE_DEVICE_H

#include "src/chappe.h"
#include "src/control_op.h"
#include "src/device/hop.h"
#include "src/device/text.h"
#include "src/link.h"
#include "src/message/message.h"

#include <sys/queue.h>

enum {
	/* Datagrams taken before timers and acks get their turn: opening one takes some 150 us, and
	 * an ack is due within 25 ms. */
	DEVICE_RECEIVE_BURST = 128,
	DEVICE_QUEUE_BYTES_MAX = 8 << 20, /* messages queued for one contact */
	DEVICE_QUEUE_MESSAGES_MAX = 4096,
	DEVICE_CONTACT_KEY_BYTES = 16 + CHAPPE_NAME_MAX_BYTES, /* prefix, name, terminator */
};

/* A control operation under way: repeated under one frame_id until it is answered. */
struct device_op {
	bool running;
	enum control_op op;
	uint64_t frame_id;
	uint64_t next_ns, pause_ns;
	uint8_t body[sizeof(struct control_route_set)];
	size_t body_len;
};

/* A stored message, or the notice that it was given up, as it is sent: sealed. */
struct device_kept {
	TAILQ_ENTRY(device_kept) link; /* by number */
	uint64_t number;
	uint64_t kept_s; /* when it came, seconds since 1970 */
	enum seal_type type;
	uint16_t fragments;
	size_t len;      /* of all cells */
	uint8_t cells[]; /* headers and payloads; all are DEVICE_CELL_BYTES but the last */
};
TAILQ_HEAD(device_kept_list, device_kept);
enum { DEVICE_CELL_BYTES = WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES }; /* 1200 */

struct device_contact {
	struct chappe *chappe;
	char name[CHAPPE_NAME_MAX_BYTES + 1];
	enum chappe_contact_state state;
	bool verified, link_taken; /* link_taken: added by the other's link, which we must greet */
	bool has_route, has_peer_key, has_peer_route;
	bool key_refused_reported;
	struct noise_keypair own; /* for this contact alone */
	uint8_t psk[WIRE_KEY_BYTES];
	uint8_t route[WIRE_ROUTE_BYTES]; /* what the other sends to */
	uint8_t peer_key[WIRE_KEY_BYTES], peer_route[WIRE_ROUTE_BYTES];
	uint64_t create_id; /* frame_id of its ROUTE_CREATE, the same across restarts */
	struct device_op op;
	struct message_peer *messages; /* NULL while REVOKING */
	struct device_kept_list kept;
	uint64_t hello_number; /* of the hello under way, or kept; 0: none */
	uint64_t greeted_s;    /* GREETED: when the relay stored the hello, seconds since 1970 */
	uint64_t offer_ns; /* when a message the application put off is offered again; 0: none */
	bool ended;        /* to be freed at the end of chappe_process() */
};

struct chappe {
	struct chappe_storage storage;
	struct chappe_transport transport;
	struct chappe_clock clock;
	chappe_event_fn *on_event;
	void *event_context;
	struct chappe_counters counters;

	bool joined, enrolled; /* enrolled: the relay has answered a control operation */
	struct device_relay relay;
	struct device_hop hop;
	bool hop_running;
	uint64_t path_sessions; /* counters.sessions when the path was last taken up */
	bool path_silent;

	struct device_contact **contacts; /* by name */
	size_t contact_count;
	uint32_t acknowledge_within_s; /* 0: the default */
	struct device_op limits_op;
	bool limits_known;
	uint32_t routes_max, routes_used;
	bool in_process;
	char link_problem[LINK_ERROR_BYTES];
};

/* device.c */
uint64_t device_now(const struct chappe *c);
/* Calls on_event with the fields that are common filled in. */
int device_emit(struct chappe *c, struct chappe_event *event);
void device_emit_error(struct chappe *c, const char *contact, enum chappe_error error);
void device_start_hop(struct chappe *c);

/* stored.c: the callbacks of struct chappe_storage; errno says why one has failed. */
int device_stored_put(const struct chappe *c, const char *key, const void *value, size_t len);
ssize_t device_stored_get(const struct chappe *c, const char *key, void *value, size_t max);
int device_stored_remove(const struct chappe *c, const char *key);
int device_stored_list(const struct chappe *c, const char *prefix,
	void (*found)(void *context, const char *key), void *context);
/* Wipes the text. OK or STORAGE. */
enum chappe_error device_stored_put_text(
	const struct chappe *c, const char *key, struct device_text *text);
/* OK, STORAGE, or DAMAGED; *found tells whether there was a value. */
enum chappe_error device_stored_get_text(
	const struct chappe *c, const char *key, struct device_text *text, bool *found);

/* profile.c */
enum chappe_error device_profile_load(struct chappe *c);
enum chappe_error device_profile_save(struct chappe *c);
int device_profile_save_attempt(void *context, uint64_t attempt);
/* The relay has answered a control operation: the invitation has done its work. */
void device_profile_enrolled(struct chappe *c);

/* contact.c */
void device_contacts_free(struct chappe *c);
bool device_contact_name_ok(const char *name);
struct device_contact *device_contact_find(struct chappe *c, const char *name);
struct device_contact *device_contact_by_route(struct chappe *c, const uint8_t *route);
/* A new contact, in the list and in storage nowhere. NULL: no memory. */
struct device_contact *device_contact_make(struct chappe *c, const char *name);
/* Frees the contacts that have ended. */
void device_contacts_sweep(struct chappe *c);
/* False once it is being revoked: nothing is taken from it or sent to it any more. */
static inline bool device_contact_open(const struct device_contact *contact)
{
	return contact->messages && !contact->ended && contact->state != CHAPPE_CONTACT_REVOKING;
}
/* What a link and a hello have in common: the relay, and the route that leads here. */
void device_contact_fill_link(const struct device_contact *contact, struct link *link);
/* The contact's link as text. */
int device_contact_link(const struct device_contact *contact, char text[LINK_TEXT_BYTES]);

/* contact_stored.c*/
enum chappe_error device_contacts_load(struct chappe *c);
enum chappe_error device_contact_save(struct device_contact *contact);
/* Removes it from storage and marks it ended. */
void device_contact_end(struct device_contact *contact);
/* The storage key of its messages' state. */
void device_contact_messages_key(
	const struct device_contact *contact, char key[DEVICE_CONTACT_KEY_BYTES]);

/* pair.c: the answer to a contact's control operation, and what a restart must take up. */
void device_pair_answer(struct device_contact *contact, enum control_status status,
	const uint8_t *body, size_t len);
void device_pair_resume(struct device_contact *contact);

/* hello.c: what makes the other device know us. */
void device_hello_say(struct device_contact *contact);
/* Nobody has our hello, or the relay may have forgotten it by now. */
bool device_hello_due(const struct device_contact *contact);
/* After a start, before device_pair_resume(): goes on with a hello that is kept. */
void device_hello_restore(struct device_contact *contact);
/* A message of type SEAL_HELLO from the pinned key. 0 or -errno as message_calls.deliver. */
int device_hello_take(struct device_contact *contact, const uint8_t *data, size_t len);
/* The other device has our hello: it said so, or uses the route that it brought. */
void device_hello_arrived(struct device_contact *contact);
/* The relay has stored it. */
void device_hello_accepted(struct device_contact *contact);

/* control.c */
void device_op_start(struct chappe *c, struct device_op *op, enum control_op code,
	uint64_t frame_id, const void *body, size_t len);
void device_control_frame(struct chappe *c, const struct wire_inner *inner, size_t payload_len);
/* Sends what is due; with restored, everything: the session is new. */
void device_control_tick(struct chappe *c, uint64_t now_ns, bool restored);
uint64_t device_control_deadline(const struct chappe *c);
void device_control_limits(struct chappe *c);

/* message.c */
enum chappe_error device_messages_open(struct device_contact *contact);

/* frames.c */
void device_message_frame(struct chappe *c, const struct wire_inner *inner, size_t payload_len);
/* The relay has accepted a stored frame. */
void device_message_accepted(struct chappe *c, const struct wire_inner *inner);
void device_messages_tick(struct chappe *c, uint64_t now_ns);
void device_messages_restored(struct chappe *c, uint64_t now_ns);
uint64_t device_messages_deadline(const struct chappe *c);

/* outbox.c: keep() and discard() of struct message_calls, where context is the contact. */
int device_outbox_keep(
	void *context, uint64_t number, uint16_t fragments, const struct outgoing *message);
void device_outbox_discard(void *context, uint64_t number);
/* Of a kept message, the cell of a fragment and its length; NULL: nothing is kept of it. */
const void *device_outbox_cell(
	const struct device_contact *contact, uint64_t number, uint16_t index, size_t *len);
/* Puts it into the list of its contact. */
void device_outbox_insert(struct device_contact *contact, struct device_kept *kept);
/* Frees the list; the storage is left as it is. */
void device_outbox_free(struct device_contact *contact);
/* Removes all of it, also from the storage. */
void device_outbox_forget(struct device_contact *contact);

/* outbox_load.c: what is in the storage. */
struct device_outbox_keys;
enum chappe_error device_outbox_list(struct chappe *c, struct device_outbox_keys **keys);
/* Takes up again what is kept for a contact. */
enum chappe_error device_outbox_restore(
	struct device_contact *contact, struct device_outbox_keys *keys);
/* Removes what no device_outbox_restore() has taken up: parts of messages that were never complete,
 * or are gone. Frees keys. */
void device_outbox_sweep(struct chappe *c, struct device_outbox_keys *keys);
/* Leaves the storage as it is. keys may be NULL. */
void device_outbox_free_keys(struct device_outbox_keys *keys);

/* How a message lies in the storage: part n, from 0, of DEVICE_OUTBOX_PART_CELLS cells each, is the
 * value of a key of its own: a head, then the cells. Part 0 is written last and removed first: who
 * has it has them all. */
enum {
	DEVICE_OUTBOX_VALUE_BYTES = 65536,
	DEVICE_OUTBOX_KEY_BYTES = 7 + 16 + 1 + 2 + 1 + CHAPPE_NAME_MAX_BYTES + 1,
};
struct device_outbox_head {
	uint8_t version, type; /* 1, enum seal_type */
	uint8_t part, zero;
	le16 fragments, zeros; /* of the message */
	le64 number, kept_s;
	uint8_t checksum[16]; /* BLAKE2b-128 of what is above and of the cells */
};
enum {
	DEVICE_OUTBOX_PART_CELLS = /* 54 */
	(DEVICE_OUTBOX_VALUE_BYTES - sizeof(struct device_outbox_head)) / DEVICE_CELL_BYTES,
};
void device_outbox_key(const struct device_contact *contact, uint64_t number, unsigned part,
	char key[DEVICE_OUTBOX_KEY_BYTES]);
void device_outbox_checksum(
	const struct device_outbox_head *head, const void *cells, size_t len, uint8_t checksum[16]);

/* Whether messages may be queued for it. */
static inline bool device_contact_writable(const struct device_contact *contact)
{
	return contact->state == CHAPPE_CONTACT_READY ||
	       contact->state == CHAPPE_CONTACT_GREETING ||
	       contact->state == CHAPPE_CONTACT_GREETED;
}

static inline uint64_t device_earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#endif
