/* A hop session as the device holds it: keys, counters, lifetime (docs/protocol.md, transport). */
#ifndef CHAPPE_DEVICE_SESSION_H
#define CHAPPE_DEVICE_SESSION_H

#include "src/hop.h"
#include "src/noise.h"
#include "src/replay.h"

struct device_session {
	bool used;
	uint32_t local_index; /* receiver_index of frames to us */
	uint32_t relay_index; /* receiver_index of frames to the relay */
	uint64_t created_ns, soft_ns, hard_ns;
	uint64_t send_counter; /* of the next frame; all below were sent */
	uint64_t reset_from;   /* resets that echo a counter below are old news */
	uint8_t reset_key[WIRE_RESET_KEY_BYTES];
	struct hop_key send, receive;
	struct replay_device replay;
};

/* What the answer of the relay grants, cleaned of values that make no sense. */
struct device_grant {
	uint16_t keepalive_s;
	uint32_t routes_max, frames_per_s;
	uint64_t bytes_per_s;
};

/* Fills a session from the keys of a finished handshake and the relay's answer. The soft lifetime
 * is shortened at random by up to a fifth, so that devices that came together do not rekey
 * together. Returns 0, or -ENOTSUP where the suite does not work here. */
int device_session_init(struct device_session *session, enum wire_suite suite, uint32_t local_index,
	const struct noise_keys *keys, const struct wire_response_payload *answer, uint64_t now_ns);
void device_grant_read(struct device_grant *grant, const struct wire_response_payload *answer);
void device_session_wipe(struct device_session *session);

/* True while frames may be sent under it. */
bool device_session_usable(const struct device_session *session, uint64_t now_ns);

/* Seals an inner header with its payload, 480 or 1200 bytes, into frame, 32 bytes more; returns the
 * frame's length. The session must be usable. */
size_t device_session_seal(
	struct device_session *session, const void *inner, size_t len, uint8_t *frame);

enum device_open { DEVICE_OPENED, DEVICE_OPEN_BAD_TAG, DEVICE_OPEN_REPLAY };
/* Opens a transport frame in place and takes note of its counter. */
enum device_open device_session_open(struct device_session *session, uint8_t *frame, size_t len)
	__attribute__((warn_unused_result));

/* Whether a reset frame is the relay's answer to a frame that was sent under this session, and not
 * an older one come again. */
bool device_session_reset_ok(struct device_session *session, const uint8_t *frame, size_t len);

#endif
