/* The state of chappe-loadgen: one thread, one port, all devices. Times are TSC unless their name
 * says otherwise. */
#ifndef CHAPPE_LOADGEN_LOAD_H
#define CHAPPE_LOADGEN_LOAD_H

#include "dataplane/aead.h"
#include "derive.h"
#include "neighbour.h"
#include "options.h"
#include "packet.h"
#include "src/mac.h"
#include "src/noise.h"
#include "src/replay.h"
#include <rte_mbuf.h>
#include <sodium.h>

enum {
	LOAD_BURST = 64,
	LOAD_FLOW_WORDS = 64, /* 4,096 bits: what of a flow is told apart */
	LOAD_NOT_DUE = 0,
};

/* name, help: what happened besides the frames of trials */
#define LOAD_COUNTS(X)                                                                             \
	X(handshakes, "inits sent")                                                                \
	X(sessions, "sessions confirmed, rekeying included")                                       \
	X(cookies, "cookie replies")                                                               \
	X(keepalives, "keepalives sent")                                                           \
	X(answers, "keepalives answered")                                                          \
	X(tokens, "endpoint tokens echoed")                                                        \
	X(resets, "resets by the relay")                                                           \
	X(no_packet, "packets that are not for us")                                                \
	X(no_frame, "UDP payloads that are no frame, or for no session")                           \
	X(bad_response, "responses that do not authenticate")                                      \
	X(bad_tag, "frames that do not open under the recipient's hop key")                        \
	X(bad_counter, "frames whose hop counter came before")                                     \
	X(bad_place, "frames to another address than the recipient's")                             \
	X(bad_inner, "frames whose inner bytes are not what was sent")                             \
	X(stale, "frames of an earlier trial")                                                     \
	X(no_buffer, "no buffer left")

struct load_counts {
#define X(name, help) uint64_t name;
	LOAD_COUNTS(X)
#undef X
};

/* A hop session as its device has it. local_index is its place in load.sessions, and a generation.
 */
struct session {
	_Alignas(64) struct aead_key send;
	_Alignas(64) struct aead_key receive;
	struct replay_device replay;
	uint32_t device, local_index, relay_index;
	uint64_t send_counter, soft, hard, reset_from;
	uint8_t reset_key[WIRE_RESET_KEY_BYTES];
	struct session *next_free;
} __attribute__((aligned(64)));

enum device_phase {
	DEVICE_OFFLINE, /* a handshake is to begin */
	DEVICE_INIT_SENT,
	DEVICE_CONFIRM, /* pending session: keepalives until one is answered */
	DEVICE_SETTLED,
	DEVICE_REFUSED, /* by the relay, for good */
};

struct handshake {
	struct noise noise;
	struct wire_init init;
	uint32_t suite;
	bool has_cookie;
};

struct device {
	struct session *current, *pending, *previous;
	uint8_t phase; /* enum device_phase */
	bool has_route, ready;
	uint8_t status; /* enum wire_status that refused it */
	uint32_t tries;
	struct handshake *handshake; /* while DEVICE_INIT_SENT */
	uint64_t next, confirm_until, previous_until, keepalive_at, keepalive_pause, route_at;
	uint64_t reset_pause_until, route_frame_id;
	struct endpoint endpoint;
	struct packet_template templates[2]; /* of small and of large cells */
	uint8_t route[WIRE_ROUTE_BYTES];
	/* flow from this device to the next one, and from the one before it to this */
	uint64_t sent;
	struct replay_head flow;
	uint64_t flow_bitmap[LOAD_FLOW_WORDS];
	/* who it is */
	struct noise_keypair identity;
	uint8_t psk[WIRE_KEY_BYTES], invitation_id[WIRE_INVITATION_ID_BYTES];
};

struct trial;

struct load {
	struct options options;
	struct aead aead;
	uint64_t hz, now, random;
	uint64_t ns_factor; /* nanoseconds = TSC * ns_factor >> 32 */
	/* relay */
	uint8_t relay_key[WIRE_KEY_BYTES], relay_mac[6];
	bool has_relay_mac;
	struct mac_keys macs;
	struct derive place;
	struct neighbour us;
	/* port */
	uint16_t port;
	struct rte_mempool *pool;
	/* devices */
	struct device *devices;
	uint64_t *due; /* of each device: when it has to be looked at */
	uint32_t device_count, cursor, handshaking, ready, refused;
	struct session *sessions, *free_sessions;
	uint32_t session_count;
	struct load_counts counts;
	struct trial *trial; /* NULL: none runs */
	uint32_t trials;
	bool stopped; /* by a signal; read through volatile */
};

static inline uint64_t load_random(struct load *load)
{
	load->random ^= load->random >> 12;
	load->random ^= load->random << 25;
	load->random ^= load->random >> 27;
	return load->random * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint64_t load_ns(const struct load *load, uint64_t tsc)
{
	return (uint64_t)((unsigned __int128)tsc * load->ns_factor >> 32);
}

static inline uint64_t load_ms(const struct load *load, uint64_t ms)
{
	return load->hz / 1000 * ms;
}

static inline uint64_t load_s(const struct load *load, double s)
{
	return (uint64_t)((double)load->hz * s);
}

static inline bool device_ready(const struct device *device)
{
	return device->ready;
}

/* ---- enrol.c: who the devices are ---- */

/* Reads keys and invitations into load->devices; says what is wrong. 0 or -1. */
int enrol_load(struct load *load);
/* Writes the keys file, where there is to be one. 0 or -1. */
int enrol_save(const struct load *load);
void enrol_wipe(struct load *load);

/* ---- port.c ---- */

/* EAL, port, buffers. 0 or -1 after a message. */
int port_open(struct load *load);
void port_close(struct load *load);
/* Finds the relay's MAC address and makes the devices' templates. 0 or -1 after a message. */
int port_find_relay(struct load *load);
/* Sends one small cell of a device: `cell` is copied. It may get lost, as on any network. */
void port_send(
	struct load *load, const struct device *device, const uint8_t cell[WIRE_SMALL_BYTES]);
/* Takes what came in and gives it to devices and trial. Returns the number of packets. */
uint32_t port_receive(struct load *load);

/* ---- session.c ---- */

struct session *session_take(struct load *load, uint32_t device);
void session_give(struct load *load, struct session **session);
/* The session of a local index, or NULL. */
struct session *session_of(const struct load *load, uint32_t local_index);
/* Seals an inner header with a payload into a small cell and sends it. */
void session_send(struct load *load, struct device *device, struct session *session,
	const uint8_t inner[WIRE_SMALL_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES]);
/* Whether a reset is the relay's answer to a frame of this session, and a new one. */
bool session_reset_ok(struct session *session, const uint8_t *frame, uint32_t len);

/* ---- device.c: each keeps its session ---- */

/* Does what is due for some devices. */
void devices_turn(struct load *load);
void device_response(struct load *load, const struct wire_response *response);
void device_cookie(struct load *load, const struct wire_cookie_reply *reply);
void device_reset(struct load *load, const uint8_t *frame, uint32_t len);
/* An opened frame that is no probe of a trial. */
void device_frame(struct load *load, struct session *session, const struct wire_inner *inner);
/* A frame opened under this session: it is confirmed. */
void device_heard(struct load *load, struct session *session);

/* ---- handshake.c ---- */

/* Sends the first init, or the next one. False where no session is free. */
bool handshake_send(struct load *load, struct device *device);
void handshake_end(struct load *load, struct device *device);
/* Fills the pending session from an authentic response. Its status, or -1: not authentic. */
int handshake_finish(
	struct load *load, struct device *device, const struct wire_response *response);

#endif
