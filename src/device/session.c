#include "src/device/session.h"
#include "src/reset.h"

#include <errno.h>

static const uint64_t NS_PER_S = 1000000000;

static uint16_t or_default(le16 value, uint16_t otherwise)
{
	uint16_t v = get16(value);
	return v ? v : otherwise;
}

void device_grant_read(struct device_grant *grant, const struct wire_response_payload *answer)
{
	grant->keepalive_s = or_default(answer->keepalive_s, WIRE_KEEPALIVE_S);
	grant->routes_max = get32(answer->routes_max);
	grant->frames_per_s = get32(answer->frames_per_s);
	grant->bytes_per_s = get64(answer->bytes_per_s);
}

int device_session_init(struct device_session *session, enum wire_suite suite, uint32_t local_index,
	const struct noise_keys *keys, const struct wire_response_payload *answer, uint64_t now_ns)
{
	uint64_t hard_s = or_default(answer->hard_lifetime_s, WIRE_HARD_LIFETIME_S);
	uint64_t soft_s = or_default(answer->soft_lifetime_s, WIRE_SOFT_LIFETIME_S);
	int err;

	device_session_wipe(session);
	err = hop_key_init(&session->send, suite, keys->initiator_to_responder);
	if (!err)
		err = hop_key_init(&session->receive, suite, keys->responder_to_initiator);
	if (err) {
		device_session_wipe(session);
		return err;
	}
	if (soft_s > hard_s * 3 / 4)
		soft_s = hard_s * 3 / 4; /* leaves time to rekey */
	session->used = true;
	session->local_index = local_index;
	session->relay_index = get32(answer->index);
	memcpy(session->reset_key, answer->reset_key, sizeof session->reset_key);
	session->created_ns = now_ns;
	session->hard_ns = now_ns + hard_s * NS_PER_S;
	session->soft_ns = now_ns + soft_s * NS_PER_S / 1000 * (1000 - randombytes_uniform(201));
	return 0;
}

void device_session_wipe(struct device_session *session)
{
	sodium_memzero(session, sizeof *session);
}

bool device_session_usable(const struct device_session *session, uint64_t now_ns)
{
	return session->used && now_ns < session->hard_ns &&
	       session->send_counter < WIRE_LAST_COUNTER;
}

size_t device_session_seal(
	struct device_session *session, const void *inner, size_t len, uint8_t *frame)
{
	size_t frame_len = len + WIRE_TRANSPORT_OVERHEAD_BYTES;

	memcpy(frame + WIRE_TRANSPORT_HEADER_BYTES, inner, len);
	hop_seal(&session->send, session->relay_index, session->send_counter++, frame, frame_len);
	return frame_len;
}

enum device_open device_session_open(struct device_session *session, uint8_t *frame, size_t len)
{
	const struct wire_transport *view = (const struct wire_transport *)frame;
	uint64_t counter = get64(view->counter);

	if (hop_open(&session->receive, frame, len))
		return DEVICE_OPEN_BAD_TAG;
	if (!replay_accept(&session->replay.head, session->replay.bitmap,
		    sizeof session->replay.bitmap / sizeof session->replay.bitmap[0], counter))
		return DEVICE_OPEN_REPLAY;
	return DEVICE_OPENED;
}

/* Counters are given out without gaps, so "was sent" is "is below the next one". */
bool device_session_reset_ok(struct device_session *session, const uint8_t *frame, size_t len)
{
	const struct wire_reset *reset = (const struct wire_reset *)frame;
	uint64_t counter = get64(reset->counter);

	if (!session->used || get32(reset->index) != session->relay_index ||
		counter >= session->send_counter || counter < session->reset_from)
		return false;
	if (!reset_ok(session->reset_key, frame, len))
		return false;
	session->reset_from = counter + 1;
	return true;
}
