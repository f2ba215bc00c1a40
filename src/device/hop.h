/* The hop client: keeps a session with one relay (docs/protocol.md, handshake and transport). It
 * does its work when it is given a datagram or when its deadline has come, and knows neither
 * sockets nor files. One handshake at a time; while it goes on, the old session stays in use. */
#ifndef CHAPPE_DEVICE_HOP_H
#define CHAPPE_DEVICE_HOP_H

#include "src/chappe.h"
#include "src/device/session.h"
#include "src/mac.h"

enum {
	DEVICE_RELAYS_MAX = 8,
	DEVICE_RELAY_NAME_BYTES = 256,
	DEVICE_HOP_RESET_PAUSE_S = 5, /* at most one handshake caused by resets in this time */
	DEVICE_HOP_COOKIE_S = 120,
	DEVICE_HOP_INNER_MAX_BYTES = WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES,
};

/* Where and as whom to connect. */
struct device_relay {
	uint8_t key[WIRE_KEY_BYTES];
	char names[DEVICE_RELAYS_MAX][DEVICE_RELAY_NAME_BYTES];
	unsigned int name_count;
	struct noise_keypair identity;
	uint8_t psk[WIRE_KEY_BYTES];
	uint8_t invitation_id[WIRE_INVITATION_ID_BYTES]; /* zeros once enrolled */
	uint64_t attempt; /* of the last init; saved before an init goes out */
};

struct device_hop_calls {
	void *context;
	/* Makes attempt durable before the init that carries it is sent. 0 or -errno. */
	int (*save_attempt)(void *context, uint64_t attempt);
	/* A frame from the relay that is no keepalive; payload_len is 448 or 1168. */
	void (*frame)(void *context, const struct wire_inner *inner, size_t payload_len);
	/* state or error changed. */
	void (*changed)(void *context);
};

enum device_hop_phase {
	DEVICE_HOP_IDLE,      /* no handshake under way */
	DEVICE_HOP_INIT_SENT, /* waits for the response; the next init is due at init_ns */
	DEVICE_HOP_CONFIRM,   /* pending session: keepalives until one is answered */
	DEVICE_HOP_HELD,      /* the relay said: not now; the next init is due at init_ns */
	DEVICE_HOP_REFUSED,   /* the relay said: never */
};

struct device_hop {
	struct device_relay *relay;
	const struct chappe_transport *transport;
	struct device_hop_calls calls;
	struct chappe_counters *counters;
	struct mac_keys mac_keys;
	enum device_hop_phase phase;
	enum chappe_state state; /* as reported */
	enum chappe_error error;

	/* handshake under way */
	struct noise noise;
	enum wire_suite suite;
	uint32_t relay_suites; /* as a response told; 0: not known yet */
	uint32_t sender_index;
	struct wire_init init; /* as sent, for a cookie's sake */
	bool init_has_cookie, stale_retried;
	uint64_t started_ns, init_ns;
	unsigned int tries, round; /* inits sent; times that all addresses were tried */
	unsigned int relay_number, address_number;
	bool targeted;               /* the transport has a target */
	bool cut_off;                /* the machine had no way to this address when it last sent */
	uint64_t cut_off_ns;         /* since when; 0: not */
	uint64_t reset_handshake_ns; /* when a reset, or cut_off, may cause the next handshake */
	uint8_t cookie[WIRE_COOKIE_BYTES];
	uint64_t cookie_until_ns; /* 0: no cookie */
	uint64_t confirm_id, confirm_ns, confirm_pause_ns, confirm_until_ns;

	/* sessions; pointers into slots */
	struct device_session slots[3];
	struct device_session *pending, *current, *previous;
	uint64_t previous_until_ns;
	struct device_grant grant;
	enum wire_suite current_suite;
	uint64_t boot;
	uint64_t received_ns, asked_ns; /* last authenticated frame; last keepalive asked */
	uint64_t ask_pause_ns;          /* to the next one, once this one is answered */
	uint64_t ask_id;
	bool silent; /* nothing authenticated for two keepalives */
};

/* relay, transport and counters must outlive hop, relay belongs to hop's owner and is read at every
 * init. */
void device_hop_init(struct device_hop *hop, struct device_relay *relay,
	const struct chappe_transport *transport, const struct device_hop_calls *calls,
	struct chappe_counters *counters);
void device_hop_wipe(struct device_hop *hop);

/* Starts to connect; from then on the session is kept by itself. */
void device_hop_connect(struct device_hop *hop, uint64_t now_ns);
/* Takes one datagram, which is opened in place. */
void device_hop_receive(struct device_hop *hop, uint8_t *datagram, size_t len, uint64_t now_ns);
/* Does what is due. */
void device_hop_tick(struct device_hop *hop, uint64_t now_ns);
uint64_t device_hop_deadline(const struct device_hop *hop);

/* True while device_hop_send() works: there is a confirmed session that has not expired. */
bool device_hop_ready(const struct device_hop *hop, uint64_t now_ns);
/* Sends an inner header with its payload, 480 or 1200 bytes. 0 or -ENOTCONN; a datagram that the
 * transport refuses counts as lost on the way. */
int device_hop_send(struct device_hop *hop, const void *inner, size_t len, uint64_t now_ns);

/* ---- Between the files of the hop client ---- */

void device_hop_transmit(struct device_hop *hop, const void *datagram, size_t len);
/* Sends a keepalive under a session, with token where it is not NULL. */
void device_hop_ask(struct device_hop *hop, struct device_session *session, uint64_t frame_id,
	const uint8_t *token);
void device_hop_report(struct device_hop *hop, enum chappe_error error);
/* Begins a handshake now. */
void device_handshake_start(struct device_hop *hop, uint64_t now_ns);
/* Sends the next init: next address, next suite, next attempt. */
void device_handshake_next(struct device_hop *hop, uint64_t now_ns);
void device_handshake_response(
	struct device_hop *hop, const struct wire_response *response, uint64_t now_ns);
void device_handshake_cookie(
	struct device_hop *hop, const struct wire_cookie_reply *reply, uint64_t now_ns);
/* Notes that a keepalive went out now. */
void device_hop_asked(struct device_hop *hop, uint64_t now_ns);
/* Wipes a session, if there is one. */
void device_hop_drop(struct device_session **session);
/* A slot for a new session; the pending one, if any, gives way. */
struct device_session *device_hop_new_session(struct device_hop *hop);
/* Makes a filled slot the pending session and begins to confirm it. */
void device_hop_confirm(struct device_hop *hop, struct device_session *session, uint64_t now_ns);
void device_hop_end_sessions(struct device_hop *hop);

#endif
