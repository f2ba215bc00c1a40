/* libchappe: sealed messages between devices over a Chappe relay.
 *
 * This header is the library's reference. A device is one handle, `struct chappe`; the library has
 * no threads, no global state and no signal handlers, and never sleeps; but where a relay has a
 * name and no address, the default transport looks that up with getaddrinfo(3) when a handshake
 * begins, and waits as long as the system's resolver does. It is driven by three functions that
 * suit any event loop:
 *
 *	struct pollfd p = { .fd = chappe_fd(c), .events = POLLIN };
 *	for (;;) {
 *		poll(&p, 1, chappe_timeout_ms(c));
 *		chappe_process(c);      // calls on_event for whatever happened
 *	}
 *
 * Life of a device: chappe_open(), once chappe_join() with an operator's invitation, later
 * chappe_connect(); contacts by chappe_contact_new() on one side and chappe_contact_add() with the
 * link it made on the other; then chappe_send() and CHAPPE_EVENT_MESSAGE.
 *
 * Rules that hold everywhere
 * - A handle belongs to one thread at a time. Different handles are independent.
 * - Strings are UTF-8 and end with a zero byte. What an event or a status points to belongs to the
 *   library and is valid until the callback returns (events) or until the next call with the same
 *   handle (everything else).
 * - Times are nanoseconds of the handle's clock unless a name says otherwise.
 * - From inside on_event every function may be called but chappe_process() and chappe_close().
 * - Functions that return enum chappe_error change nothing when they fail, unless they say so. With
 *   STORAGE errno is what the storage said, also in an event; otherwise errno means nothing.
 * - A handle stays with its process: a child of fork(2) may only exec or _exit. Descriptors are
 *   closed on exec; a child that does neither keeps the directory locked.
 * - Integers are native; keys and data are bytes as they are. Pointers may not be NULL, unless said
 *   so; what the library is given belongs to the caller again when the function returns.
 */
#ifndef CHAPPE_H
#define CHAPPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CHAPPE_API __attribute__((visibility("default")))
#else
#define CHAPPE_API
#endif

/* ---- Errors: name, number, text. The numbers are also the exit statuses of `chappe`. ---- */

#define CHAPPE_ERRORS(X)                                                                           \
	X(OK, 0, "done")                                                                           \
	X(INTERNAL, 1, "unexpected failure of the system or the library")                          \
	X(USAGE, 2, "wrong usage: a command, an option or an argument is missing or unknown")      \
	X(UNREACHABLE, 3, "the relay does not answer")                                             \
	X(REVOKED, 4, "the relay refuses this device: revoked by its operator")                    \
	X(FULL, 5, "the relay is full")                                                            \
	X(STALE_ATTEMPT, 6,                                                                        \
		"the relay refuses this device's state as outdated: restored from an old copy?")   \
	X(DRAINING, 7, "the relay is shutting down or has moved")                                  \
	X(INVITATION_USED, 8, "the invitation was used already or has expired")                    \
	X(NOT_ACKNOWLEDGED, 9, "the recipient's device has not acknowledged in time")              \
	X(NOT_JOINED, 10, "this device has not joined a relay yet: chappe join INVITATION")        \
	X(ALREADY_JOINED, 11, "this device has joined a relay already")                            \
	X(BAD_LINK, 12, "not a valid invitation or contact link")                                  \
	X(OTHER_RELAY, 13, "the contact uses another relay; both devices must be at the same")     \
	X(NO_CONTACT, 14, "no contact of that name")                                               \
	X(CONTACT_EXISTS, 15, "there is a contact of that name already")                           \
	X(CONTACT_NOT_READY, 16, "the contact has not answered the contact link yet")              \
	X(TOO_LARGE, 17, "the message is larger than 1 MiB")                                       \
	X(NO_ROUTES, 18, "the relay allows this device no more routes: revoke a contact")          \
	X(STORAGE, 19, "the device's storage can't be read or written")                            \
	X(DAMAGED, 20, "the device's storage holds something unreadable")                          \
	X(LOCKED, 21, "another process uses this device's directory")                              \
	X(TIMEOUT, 22, "nothing arrived in time")                                                  \
	X(NO_MEMORY, 23, "out of memory")                                                          \
	X(BAD_NAME, 24, "not a name for a contact: 1 to 64 letters, digits or any of . _ - + @")   \
	X(BUSY, 25, "too much is waiting to be sent; try again when some is acknowledged")         \
	X(KEY_REFUSED, 26, "a second key tried to speak as this contact and was refused")          \
	X(NOT_ACCEPTED, 27,                                                                        \
		"the relay does not accept the message, which is kept here and tried again: a "    \
		"limit, its store is away, or the contact's route is gone")                        \
	X(KEPT, 28,                                                                                \
		"the message is not sent yet: it is kept here, and the next send or recv goes on") \
	X(NO_MESSAGE, 29, "no message of that number waits to be sent to the contact")

enum chappe_error {
#define X(name, number, text) CHAPPE_ERR_##name = number,
	CHAPPE_ERRORS(X)
#undef X
};
#define CHAPPE_OK CHAPPE_ERR_OK

/* Text of an error, never NULL; for people, without a final full stop. */
CHAPPE_API const char *chappe_strerror(enum chappe_error error);
/* The error's name as in this header ("NOT_ACKNOWLEDGED"); for programs. */
CHAPPE_API const char *chappe_error_name(enum chappe_error error);

struct chappe;

/* ---- Events ---- */

enum chappe_state {
	CHAPPE_STATE_OFFLINE = 0,    /* chappe_connect() was not called */
	CHAPPE_STATE_CONNECTING = 1, /* a handshake is under way, and no session */
	CHAPPE_STATE_CONNECTED = 2,  /* the relay answered under a session's keys */
	CHAPPE_STATE_WAITING = 3,    /* refused for now; tries again by itself */
	CHAPPE_STATE_REFUSED = 4,    /* refused for good: revoked, or invitation used */
};

enum chappe_event_type {
	/* state and error changed (error: why, CHAPPE_OK when all is well) */
	CHAPPE_EVENT_STATE = 1,
	/* The relay has enrolled this device: the invitation is spent, chappe_join() is done. */
	CHAPPE_EVENT_JOINED,
	/* data, len: a message from contact. Return 0 once it is safe where the application wants
	 * it: only then is it acknowledged. Any other value: it is kept for this process's
	 * lifetime, offered again after a second, and not acknowledged. */
	CHAPPE_EVENT_MESSAGE,
	/* contact's device has acknowledged message: its application has it. For a stored message
	 * this comes some time later (chappe_options.acknowledge_within_s of the other side), or
	 * when either device is there the next time; then it names messages of earlier handles too.
	 */
	CHAPPE_EVENT_ACKNOWLEDGED,
	/* link: the contact link for contact, asked for by chappe_contact_new() */
	CHAPPE_EVENT_CONTACT_LINK,
	/* contact can be written to: it said hello, or acknowledged ours */
	CHAPPE_EVENT_CONTACT_READY,
	/* contact's route is gone from the relay and its keys from this device */
	CHAPPE_EVENT_CONTACT_REVOKED,
	/* error: what went wrong with contact (may be NULL): NO_ROUTES, KEY_REFUSED, STORAGE … */
	CHAPPE_EVENT_ERROR,
	/* The relay has stored all of message durably: contact's device gets it when it is there,
	 * whatever happens to this one. It leaves the outbox when the callback returns. Also for
	 * messages of earlier handles; of one it may come a second time, after a crash. */
	CHAPPE_EVENT_ACCEPTED,
	/* The relay has not stored message in time, though it answers: over a limit, it stores
	 * nothing, or contact has ended the route. It stays in the outbox and is repeated until it
	 * is accepted or chappe_outbox_drop() gives it up, which may be called here. Said once by a
	 * handle of a message. For a live message it says that it is given up, because a thousand
	 * stored ones were sent before it was acknowledged. error: NOT_ACCEPTED. */
	CHAPPE_EVENT_NOT_ACCEPTED,
	/* The relay keeps our hello for contact: it is GREETED. */
	CHAPPE_EVENT_CONTACT_GREETED,
};

struct chappe_event {
	enum chappe_event_type type;
	enum chappe_state state;
	enum chappe_error error;
	const char *contact; /* name, or NULL */
	uint64_t message;    /* number of a message, per contact and direction, from 1 */
	const uint8_t *data; /* of a message; may be NULL where len is 0 */
	size_t len;          /* bytes, 0 to CHAPPE_MESSAGE_MAX_BYTES */
	const char *link;    /* a secret: who has it first is the contact */
};

/* The return value matters for CHAPPE_EVENT_MESSAGE only. */
typedef int chappe_event_fn(void *context, const struct chappe_event *event);

/* ---- What the library takes from its surroundings; each has a default ---- */

/* Storage: values under keys. A key is 1 to 100 bytes of [A-Za-z0-9._@+-] and does not begin
 * with a dot. put and remove return 0 when the change is durable, else -errno; a crash leaves the
 * old value or the new one. Values hold secrets and are at most 64 KiB. */
struct chappe_storage {
	void *context;
	/* The value's length, at most max; -ENOENT; -EMSGSIZE when longer than max; -errno. */
	ssize_t (*get)(void *context, const char *key, void *value, size_t max);
	int (*put)(void *context, const char *key, const void *value, size_t len);
	/* 0 also when there was none. */
	int (*remove)(void *context, const char *key);
	/* Calls found for every key that begins with prefix, in any order. found may not change
	 * the storage. 0 or -errno. */
	int (*list)(void *context, const char *prefix,
		void (*found)(void *found_context, const char *key), void *found_context);
	/* Called by chappe_close(); may be NULL. */
	void (*close)(void *context);
};

/* Datagrams: anything that keeps message boundaries. Nothing here should block: an application that
 * can't wait for a resolver brings a target of its own. */
struct chappe_transport {
	void *context;
	/* Datagrams go from now on to the nth address, from 0, of relay ("name:port",
	 * "192.0.2.1:4460", "[2001:db8::1]:4460"). Names are resolved anew when nth is 0. 0;
	 * -ENOENT when there are not that many; -ENETUNREACH when no way leads to any of them from
	 * here; another -errno when the name can't be resolved. */
	int (*target)(void *context, const char *relay, unsigned int nth);
	/* 0 or -errno. A failure is treated as a lost datagram; -ENETUNREACH, -EHOSTUNREACH,
	 * -ENETDOWN and -EADDRNOTAVAIL also as a reason to look for another address. */
	int (*send)(void *context, const void *datagram, size_t len);
	/* Bytes of the next datagram, cut off at max; -EAGAIN when there is none; -errno. */
	ssize_t (*receive)(void *context, void *datagram, size_t max);
	/* Readable when receive has something; constant over the transport's life; -1: none. */
	int (*fd)(void *context);
	/* Called by chappe_close(); may be NULL. */
	void (*close)(void *context);
};

/* A clock that never goes back and also counts while the machine sleeps. */
struct chappe_clock {
	void *context;
	uint64_t (*now_ns)(void *context);
};

struct chappe_options {
	/* sizeof(struct chappe_options): later versions add fields at the end. */
	size_t size;
	/* Where storage is NULL: the directory to keep everything in, made with mode 0700 where it
	 * is missing. One process at a time (CHAPPE_ERR_LOCKED). */
	const char *directory;
	const struct chappe_storage *storage; /* NULL: directory; else copied */
	const struct chappe_transport
		*transport;               /* NULL: a UDP socket, IPv4 and IPv6; else copied */
	const struct chappe_clock *clock; /* NULL: CLOCK_BOOTTIME; else copied */
	chappe_event_fn *on_event;        /* may be NULL */
	void *context;                    /* for on_event */
	/* Stored messages are acknowledged after a random time, so that nobody who watches the
	 * relay can tell who wrote to whom: at most so many seconds, up to 3600. 0: 60. */
	uint32_t acknowledge_within_s;
};

/* ---- The handle ---- */

/* Opens a device's storage; sends nothing. *chappe is NULL after a failure. Closes storage and
 * transport of the options when it fails, as chappe_close() does. on_event may be called before it
 * returns, when there is no handle yet: CHAPPE_EVENT_NOT_ACCEPTED for a message to a route that its
 * contact has replaced, CHAPPE_EVENT_ERROR with the contact whose values are DAMAGED. Errors: USAGE
 * (neither storage nor directory), LOCKED, STORAGE, DAMAGED, NO_MEMORY, INTERNAL (no socket). */
CHAPPE_API enum chappe_error chappe_open(
	const struct chappe_options *options, struct chappe **chappe);

/* Wipes keys, closes storage and transport. Live messages not acknowledged yet are forgotten: an
 * application that needs them later keeps them itself. Stored ones not accepted yet are in the
 * storage: the next handle goes on with them. chappe may be NULL. */
CHAPPE_API void chappe_close(struct chappe *chappe);

/* Whether the device has joined a relay (chappe_join() may still be waiting for its answer). */
CHAPPE_API bool chappe_joined(const struct chappe *chappe);

/* Takes an operator's invitation ("chappe:…"), draws the device's keys, stores them and connects.
 * CHAPPE_EVENT_JOINED says that the relay has enrolled the device. Until then a crash loses
 * nothing, chappe_connect() goes on, and another invitation may replace this one. Errors: BAD_LINK
 * (chappe_link_problem() says why), ALREADY_JOINED, STORAGE. */
CHAPPE_API enum chappe_error chappe_join(struct chappe *chappe, const char *invitation);

/* Begins to connect and stays connected from then on. Errors: NOT_JOINED. */
CHAPPE_API enum chappe_error chappe_connect(struct chappe *chappe);

/* The descriptor to wait for input (POLLIN) on, the library's own: the same over the handle's life;
 * -1 where the transport has none. */
CHAPPE_API int chappe_fd(const struct chappe *chappe);
/* When chappe_process() is due even without input, in nanoseconds of the handle's clock; in the
 * past: now. UINT64_MAX: not before something else is called. To be asked anew after every other
 * call. */
CHAPPE_API uint64_t chappe_deadline(const struct chappe *chappe);
/* The same as milliseconds from now, for poll(2); -1: no deadline. */
CHAPPE_API int chappe_timeout_ms(const struct chappe *chappe);
/* Takes what arrived, does what is due, calls on_event. May be called at any time; waits for
 * nothing but, where a name has to be looked up, the resolver. */
CHAPPE_API void chappe_process(struct chappe *chappe);

/* ---- Contacts ---- */

enum chappe_contact_state {
	CHAPPE_CONTACT_CREATING = 1, /* waits for the relay to make a route */
	CHAPPE_CONTACT_INVITED = 2,  /* the link is made, and nobody said hello under it yet */
	CHAPPE_CONTACT_GREETING = 3, /* our hello is not acknowledged yet; messages may queue */
	CHAPPE_CONTACT_READY = 4,
	CHAPPE_CONTACT_REVOKING = 5, /* waits for the relay to revoke the route */
	/* The relay keeps our hello until the other device is there; messages may be sent, stored
	 * ones wait for it too. */
	CHAPPE_CONTACT_GREETED = 6,
};

enum { CHAPPE_NAME_MAX_BYTES = 64, CHAPPE_SAFETY_BYTES = 64, CHAPPE_LINK_MAX_BYTES = 2048 };

struct chappe_contact {
	char name[CHAPPE_NAME_MAX_BYTES + 1];
	enum chappe_contact_state state;
	bool verified;
	/* What both people compare, by voice or in person; "" before both keys are known. */
	char safety[CHAPPE_SAFETY_BYTES];
	/* INVITED: the link to hand over, by a way that others can't read; "" otherwise. */
	char link[CHAPPE_LINK_MAX_BYTES];
};

/* Begins a contact: asks the relay for a route, then CHAPPE_EVENT_CONTACT_LINK hands out the link,
 * good for one person. Is finished after a restart if need be. Errors: BAD_NAME, CONTACT_EXISTS,
 * NOT_JOINED, STORAGE, NO_MEMORY. */
CHAPPE_API enum chappe_error chappe_contact_new(struct chappe *chappe, const char *name);

/* Takes another person's link: makes a return route and says hello, across restarts too, until the
 * relay has stored that (CHAPPE_EVENT_CONTACT_GREETED) or the other device is there: once it has
 * answered, CHAPPE_EVENT_CONTACT_READY. Errors: those of chappe_contact_new(), BAD_LINK
 * (chappe_link_problem() says why), OTHER_RELAY. */
CHAPPE_API enum chappe_error chappe_contact_add(
	struct chappe *chappe, const char *name, const char *link);

/* Fills *contact. Errors: NO_CONTACT. */
CHAPPE_API enum chappe_error chappe_contact_get(
	struct chappe *chappe, const char *name, struct chappe_contact *contact);
/* Calls each with every contact, in order of names; what it points to is valid until each returns.
 * each may not add or revoke contacts. */
CHAPPE_API void chappe_contact_each(struct chappe *chappe,
	void (*each)(void *context, const struct chappe_contact *contact), void *context);

/* Notes that both people have compared chappe_contact.safety. Errors: NO_CONTACT,
 * CONTACT_NOT_READY, STORAGE. */
CHAPPE_API enum chappe_error chappe_contact_set_verified(
	struct chappe *chappe, const char *name, bool verified);

/* Ends a contact: its keys are forgotten, nothing more is taken from it or sent to it from now on,
 * nor what is in the outbox; the relay drops its route as soon as it hears of it, and
 * CHAPPE_EVENT_CONTACT_REVOKED follows. Is finished after a restart if need be. Errors: NO_CONTACT,
 * STORAGE. */
CHAPPE_API enum chappe_error chappe_contact_revoke(struct chappe *chappe, const char *name);

/* Why the last chappe_join() or chappe_contact_add() said BAD_LINK, for people; "" otherwise. */
CHAPPE_API const char *chappe_link_problem(const struct chappe *chappe);

/* ---- Messages ---- */

enum { CHAPPE_MESSAGE_MAX_BYTES = 1 << 20 };

enum chappe_kind {
	/* From device to device, while both are at the relay; repeated until acknowledged. */
	CHAPPE_LIVE = 1,
	/* The relay keeps it until the other device has it; repeated until accepted. */
	CHAPPE_STORED = 2,
};

struct chappe_send_options {
	/* sizeof(struct chappe_send_options): later versions add fields at the end. */
	size_t size;
	enum chappe_kind kind; /* 0: CHAPPE_STORED */
	/* Stored: how long the relay keeps it, rounded up to a power of two of minutes; 0: as long
	 * as the relay keeps anything. */
	uint32_t ttl_minutes;
	/* Stored: CHAPPE_EVENT_NOT_ACCEPTED comes when the relay, though it answers, has not
	 * accepted any of it for so long; 0: 30. Time without a session does not count, nor while
	 * it waits for earlier ones. Later handles take 30. */
	uint32_t accept_within_s;
};

/* Queues a copy of len bytes of data, 0 (data may be NULL) to 1 MiB, for contact; they go out when
 * a session is there. *message (may be NULL) receives the number that CHAPPE_EVENT_ACCEPTED and
 * CHAPPE_EVENT_ACKNOWLEDGED will name; all messages to a contact have one row of numbers and arrive
 * in that order, unless one is missing for long: a minute for stored ones, where the relay has
 * taken a later one, and the device that wrote them was then away. options may be NULL: stored.
 *
 * A stored message is sealed and put into the storage, its outbox, before this returns: some 0.2 ms
 * of computing for each 1,056 bytes, and what the storage takes to make it durable. From then on it
 * goes out whatever happens to the process: the next handle repeats the same sealed frames, which
 * the relay stores once. A live one is forgotten with the handle.
 *
 * At most 4,096 messages and 8 MiB wait for a contact: beyond that, BUSY. Errors: NO_CONTACT,
 * CONTACT_NOT_READY, TOO_LARGE, BUSY, STORAGE, NO_MEMORY, INTERNAL (the contact's key is none),
 * USAGE (options that make no sense). */
CHAPPE_API enum chappe_error chappe_send_with(struct chappe *chappe, const char *contact,
	const void *data, size_t len, const struct chappe_send_options *options, uint64_t *message);

/* chappe_send_with() of kind CHAPPE_LIVE; CHAPPE_EVENT_ACKNOWLEDGED tells of its end, or
 * CHAPPE_EVENT_NOT_ACCEPTED. Errors: the same but USAGE and STORAGE. */
CHAPPE_API enum chappe_error chappe_send(struct chappe *chappe, const char *contact,
	const void *data, size_t len, uint64_t *message);

/* Messages queued and not acknowledged yet, or, stored ones, not accepted; all contacts together.
 */
CHAPPE_API size_t chappe_unacknowledged(const struct chappe *chappe);

/* A stored message that is not accepted yet. */
struct chappe_outbox_message {
	const char *contact;
	uint64_t message; /* its number */
	uint64_t kept_s;  /* when it was sent, seconds since 1970 */
	size_t bytes;     /* of its sealed cells: 480 or 1200 for each 1,056 bytes it had */
	/* It was given up, and contact's device, which may have a part of it or wait for it, is
	 * still to be told so. */
	bool dropped;
};

/* Calls each with every message of the outbox, by contact and number. each may not send, drop or
 * revoke. The handle need not be connected, nor be joined. */
CHAPPE_API void chappe_outbox_each(struct chappe *chappe,
	void (*each)(void *context, const struct chappe_outbox_message *message), void *context);

/* Gives a message up; it may have arrived all the same. Its sealed frames are removed from the
 * storage, and later messages do not wait for it. Errors: NO_CONTACT, NO_MESSAGE (also one that is
 * accepted, or dropped), STORAGE, NO_MEMORY. */
CHAPPE_API enum chappe_error chappe_outbox_drop(
	struct chappe *chappe, const char *contact, uint64_t message);

/* ---- Status ---- */

/* Counters of a handle since chappe_open(): name and help. */
#define CHAPPE_COUNTERS(X)                                                                         \
	X(datagrams_sent, "datagrams sent")                                                        \
	X(datagrams_received, "datagrams received")                                                \
	X(handshakes_started, "handshake inits sent")                                              \
	X(sessions, "sessions confirmed")                                                          \
	X(cookies, "cookie replies taken")                                                         \
	X(resets, "resets believed")                                                               \
	X(tokens_echoed, "endpoint tokens echoed")                                                 \
	X(messages_sent, "messages acknowledged by their recipients")                              \
	X(messages_accepted, "messages stored by the relay")                                       \
	X(messages_received, "messages taken by the application")                                  \
	X(receipts_sent, "stored frames that the relay was told to forget")                        \
	X(drop_not_a_frame, "datagrams of a wrong length, type, version, suite or reserved byte")  \
	X(drop_unexpected, "frames of a type or index that nothing here waits for")                \
	X(drop_handshake, "responses and cookie replies that do not authenticate")                 \
	X(drop_aead, "transport frames that do not open")                                          \
	X(drop_replay, "transport frames seen already or too old")                                 \
	X(drop_inner, "frames of a kind that the relay does not send to devices")                  \
	X(drop_reset, "resets that are forged, repeated or echo what was never sent")              \
	X(drop_no_contact, "sealed payloads on a route of no contact")                             \
	X(drop_seal, "sealed payloads that do not open")                                           \
	X(drop_other_key, "sealed payloads of a second sender key")                                \
	X(drop_message, "sealed payloads whose content makes no sense")                            \
	X(send_failures, "datagrams that the transport refused")

struct chappe_counters {
#define X(name, help) uint64_t name;
	CHAPPE_COUNTERS(X)
#undef X
};

/* A snapshot. Keys are X25519 keys as in RFC 7748. */
struct chappe_status {
	bool joined;
	enum chappe_state state;
	enum chappe_error error; /* why state is not CONNECTED */
	const char *relay;       /* the relay name in use or last tried, "" before the first */
	uint8_t relay_key[32];   /* public */
	uint8_t device_key[32];  /* public: what the operator sees */
	const char *suite;       /* "AES-256-GCM", "ChaCha20-Poly1305" or "" without a session */
	uint64_t session_age_ns; /* 0 without a session */
	uint16_t keepalive_s;    /* as the relay granted it; 0 before the first session */
	/* Limits that the relay has set; 0 frames or bytes: none. */
	uint32_t routes_max, frames_per_s;
	uint64_t bytes_per_s;
	uint32_t contacts;     /* in whatever state */
	size_t unacknowledged; /* chappe_unacknowledged() */
	/* Contacts for whom an earlier handle has taken stored messages and ended before it could
	 * acknowledge them. This one does so within 3 s of a session: a process that would end
	 * sooner may wait until this is 0. */
	uint32_t acknowledgements_owed;
	struct chappe_counters counters;
};

/* Fills *status, also without a session or before the device has joined; cheap enough for every
 * turn of a loop. Its strings belong to the library. */
CHAPPE_API void chappe_get_status(const struct chappe *chappe, struct chappe_status *status);

#ifdef __cplusplus
}
#endif
#endif
