/* A relay in memory for tests of the client: its answers are made by the real noise, hop, mac,
 * replay and reset code, its network is a queue per device, its clock stands still until a test
 * moves it. Knobs make it lose, refuse, forget and misbehave. */
#ifndef TEST_RELAY_PEER_H
#define TEST_RELAY_PEER_H

#include "src/chappe.h"
#include "src/control_op.h"
#include "src/hop.h"
#include "src/mac.h"
#include "src/noise.h"
#include "src/replay.h"
#include "src/reset.h"

#define PEER_S UINT64_C(1000000000)
#define PEER_MS UINT64_C(1000000)

enum {
	PEER_LINKS = 64,
	PEER_DEVICES = 8,
	PEER_SESSIONS = 64,
	PEER_ROUTES = 16,
	PEER_QUEUE = 4096,
	PEER_STORED = 8192,
	PEER_STORED_WINDOW = 1200, /* frames of a route delivered and not received yet */
	PEER_STORED_BURST = 64,
};
#define PEER_STORED_PAUSE_NS UINT64_C(1000000000) /* then a frame is delivered again */

struct peer_datagram {
	uint16_t len;
	uint8_t bytes[WIRE_LARGE_BYTES];
};

/* A device's way to the relay: the transport that the client is given. */
struct peer_link {
	struct relay_peer *relay;
	uint32_t address; /* changes when the device roams */
	bool cut;         /* nothing passes in either direction */
	bool cut_off;     /* no way leads from here to cut_off_target, NULL: to any */
	const char *cut_off_target;
	int loss_percent;
	char target[64]; /* as the client set it */
	unsigned int targets_set;
	struct peer_datagram *queue; /* NULL until something is in it */
	size_t head, count;
};

struct peer_device {
	bool used, enrolled, revoked;
	uint8_t invitation_id[WIRE_INVITATION_ID_BYTES], psk[WIRE_KEY_BYTES];
	uint8_t public[WIRE_KEY_BYTES];
	uint64_t highest_attempt; /* confirmed */
};

struct peer_session {
	bool used, confirmed;
	uint32_t index, peer_index;
	int device;
	struct hop_key receive, send;
	uint64_t send_counter, attempt;
	struct replay_relay replay;
	struct peer_link *link;
	uint32_t endpoint, candidate; /* addresses */
	uint8_t token[WIRE_TOKEN_BYTES];
};

struct peer_route {
	bool used;
	uint8_t route[WIRE_ROUTE_BYTES];
	int device;
	uint64_t frame_id;
	uint32_t flags;
};

/* A stored frame; those that were received stay, to be known if they are repeated. */
struct peer_stored {
	bool received;
	uint8_t ttl;
	uint16_t len;
	uint64_t due_ns; /* when it is delivered next */
	unsigned int deliveries;
	union {
		struct wire_inner inner;
		uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES];
	};
};

struct peer_counts {
	unsigned int inits, cookies, responses, confirmed, keepalives, challenges, moved, resets;
	unsigned int controls, relayed, unopened, replayed;
	unsigned int stored, stored_again, changed, accepted, delivered, received, received_wrong;
};

struct relay_peer {
	uint64_t now_ns;
	struct noise_keypair key;
	struct mac_keys mac;
	struct mac_cookie_secret cookie_secret;
	uint8_t reset_secret[RESET_SECRET_BYTES];
	uint64_t boot;
	uint32_t next_index;
	struct peer_device devices[PEER_DEVICES];
	struct peer_session sessions[PEER_SESSIONS];
	struct peer_route routes[PEER_ROUTES];
	struct peer_link links[PEER_LINKS];
	struct peer_counts counts;
	struct peer_stored *stored; /* in the order in which they came; NULL until the first */
	size_t stored_count;

	/* knobs */
	bool no_store;           /* stored frames are dropped */
	int store_takes;         /* so many are stored, then it is full; -1: no limit */
	int lose_accepted;       /* so many are not sent */
	bool down;               /* the process is dead: silence */
	uint32_t suites;         /* of hop_suites(); inits of others meet silence */
	bool demand_cookie;      /* inits without mac2 get a cookie reply */
	enum wire_status status; /* of every response */
	int status_times;        /* only for so many, then ok; -1: always */
	uint16_t retry_after_s;
	int lose_responses; /* so many are not sent */
	int lose_keepalive_answers;
	int lose_control_answers;
	bool controls_busy;
	uint32_t routes_max;
	uint16_t soft_s, hard_s, keepalive_s;
	const char *deaf_target; /* nothing sent there arrives */

	/* what the last init said */
	uint64_t last_attempt;
	uint8_t last_invitation_id[WIRE_INVITATION_ID_BYTES];
	uint8_t last_suite;
	uint64_t last_keepalive_id;
	uint8_t last_token[WIRE_TOKEN_BYTES];
	bool last_keepalive_had_token;
};

struct relay_peer *relay_peer_new(void);
void relay_peer_free(struct relay_peer *relay);

/* A new invitation for a device; the caller knows it by its number. */
int relay_peer_invite(struct relay_peer *relay);

/* The transport of one device. */
struct chappe_transport relay_peer_transport(struct relay_peer *relay, int link);
struct chappe_clock relay_peer_clock(struct relay_peer *relay);

/* The relay's process ends and starts again: devices and routes stay, sessions go. */
void relay_peer_restart(struct relay_peer *relay);

/* The session that frames to a device go under; NULL: none. */
struct peer_session *relay_peer_session(struct relay_peer *relay, int device);
/* What the relay does with a datagram that arrived by a link. */
void relay_peer_take(struct peer_link *link, const void *datagram, size_t len);
/* Hands a datagram to a device as if it came from the relay. */
void relay_peer_push(struct peer_link *link, const void *datagram, size_t len);
/* Seals an inner header and payload for a device under a session and hands it over. */
void relay_peer_send(
	struct relay_peer *relay, struct peer_session *session, const void *inner, size_t len);

/* Answers an init (relay_peer_handshake.c). */
void relay_peer_init(
	struct relay_peer *relay, struct peer_link *link, const struct wire_init *init);

/* The store (relay_peer_store.c): takes a stored or received frame of a device's session. */
void relay_peer_store(struct relay_peer *relay, struct peer_session *session,
	const struct wire_inner *inner, size_t len);
/* Delivers what is due, at most PEER_STORED_BURST; whether anything was. */
bool relay_peer_deliver(struct relay_peer *relay);
/* When there is something; UINT64_MAX: not before a frame or a session comes. */
uint64_t relay_peer_due(const struct relay_peer *relay);
/* Frames that wait for a device. */
size_t relay_peer_waiting(struct relay_peer *relay, int device);

/* Answers a control frame (relay_peer_control.c). */
void relay_peer_control(
	struct relay_peer *relay, struct peer_session *session, const struct wire_inner *inner);
struct peer_route *relay_peer_route(struct relay_peer *relay, const uint8_t *route);

#endif
