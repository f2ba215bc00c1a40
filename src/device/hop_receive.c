#include "src/device/hop.h"

static const uint64_t NS_PER_S = 1000000000;

static void promote(struct device_hop *hop, uint64_t now_ns)
{
	device_hop_drop(&hop->previous);
	hop->previous = hop->current;
	hop->previous_until_ns = now_ns + WIRE_OLD_KEYS_S * NS_PER_S;
	hop->current = hop->pending;
	hop->current_suite = hop->current->send.suite;
	hop->pending = NULL;
	hop->phase = DEVICE_HOP_IDLE;
	device_hop_asked(hop, now_ns);
	hop->counters->sessions++;
}

/* Whatever authenticates shows that the relay is there; under pending keys also that it has
 * confirmed them, for before that it sends nothing but the answer to our keepalive. */
static void note_received(struct device_hop *hop, struct device_session *session, uint64_t now_ns)
{
	hop->received_ns = now_ns;
	hop->silent = false;
	if (session == hop->pending)
		promote(hop, now_ns);
	if (hop->current) /* what holds the next handshake back is still worth knowing */
		device_hop_report(hop, hop->phase == DEVICE_HOP_HELD ? hop->error : CHAPPE_OK);
}

static void take_inner(struct device_hop *hop, struct device_session *session,
	const struct wire_inner *inner, size_t payload_len)
{
	const struct wire_keepalive *keepalive = (const struct wire_keepalive *)inner->payload;
	bool known = inner->kind >= WIRE_LIVE && inner->kind <= WIRE_KEEPALIVE &&
		     inner->kind != WIRE_RECEIVED;

	if (!known || inner->flags || inner->hops || get32(inner->reserved)) {
		hop->counters->drop_inner++;
	} else if (inner->kind != WIRE_KEEPALIVE) {
		hop->calls.frame(hop->calls.context, inner, payload_len);
	} else if (keepalive->has_token && device_session_usable(session, hop->received_ns)) {
		/* The token is bound to the session it came under: the echo goes the same way. */
		uint64_t frame_id;
		randombytes_buf(&frame_id, sizeof frame_id);
		device_hop_ask(hop, session, frame_id, keepalive->token);
		hop->counters->tokens_echoed++;
	}
}

static struct device_session *session_of(struct device_hop *hop, uint32_t index, uint64_t now_ns)
{
	struct device_session *sessions[] = { hop->current, hop->pending, hop->previous };

	for (size_t i = 0; i < sizeof sessions / sizeof sessions[0]; i++)
		if (sessions[i] && sessions[i]->local_index == index) {
			bool old = sessions[i] == hop->previous && now_ns >= hop->previous_until_ns;
			return old || now_ns >= sessions[i]->hard_ns ? NULL : sessions[i];
		}
	return NULL;
}

static void take_transport(struct device_hop *hop, uint8_t *frame, size_t len, uint64_t now_ns)
{
	const struct wire_transport *view = (const struct wire_transport *)frame;
	struct device_session *session = session_of(hop, get32(view->receiver_index), now_ns);

	if (!session) {
		hop->counters->drop_unexpected++;
		return;
	}
	switch (device_session_open(session, frame, len)) {
	case DEVICE_OPEN_BAD_TAG:
		hop->counters->drop_aead++;
		return;
	case DEVICE_OPEN_REPLAY:
		hop->counters->drop_replay++;
		return;
	case DEVICE_OPENED:
		break;
	}
	note_received(hop, session, now_ns);
	take_inner(hop, session, (const struct wire_inner *)(frame + WIRE_TRANSPORT_HEADER_BYTES),
		len - WIRE_TRANSPORT_OVERHEAD_BYTES - WIRE_INNER_HEADER_BYTES);
}

/* A reset costs at most a handshake: no session ends by it. */
static void take_reset(struct device_hop *hop, const uint8_t *frame, size_t len, uint64_t now_ns)
{
	bool current = hop->current && device_session_reset_ok(hop->current, frame, len);
	bool pending =
		!current && hop->pending && device_session_reset_ok(hop->pending, frame, len);

	if (!current && !pending) {
		hop->counters->drop_reset++;
		return;
	}
	hop->counters->resets++;
	if (now_ns < hop->reset_handshake_ns || hop->phase == DEVICE_HOP_HELD ||
		hop->phase == DEVICE_HOP_REFUSED || (current && hop->pending))
		return;
	hop->reset_handshake_ns = now_ns + DEVICE_HOP_RESET_PAUSE_S * NS_PER_S;
	device_hop_drop(&hop->pending);
	device_handshake_start(hop, now_ns);
}

void device_hop_receive(struct device_hop *hop, uint8_t *datagram, size_t len, uint64_t now_ns)
{
	hop->counters->datagrams_received++;
	if (wire_check(datagram, len) != WIRE_OK) {
		hop->counters->drop_not_a_frame++;
		return;
	}
	switch (datagram[0]) {
	case WIRE_RESPONSE:
		device_handshake_response(hop, (const struct wire_response *)datagram, now_ns);
		break;
	case WIRE_COOKIE_REPLY:
		device_handshake_cookie(hop, (const struct wire_cookie_reply *)datagram, now_ns);
		break;
	case WIRE_TRANSPORT:
		take_transport(hop, datagram, len, now_ns);
		break;
	case WIRE_RESET:
		take_reset(hop, datagram, len, now_ns);
		break;
	default:
		hop->counters->drop_unexpected++;
	}
}
