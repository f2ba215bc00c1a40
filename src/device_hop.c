#include "src/device_hop.h"

#include <errno.h>

static const uint64_t NS_PER_S = 1000000000;
static const uint64_t CONFIRM_PAUSE_NS = 250000000; /* doubles with every repetition */
static const uint64_t CUT_OFF_NS = 1000000000;

static uint64_t keepalive_ns(const struct device_hop *hop)
{
	return hop->grant.keepalive_s * NS_PER_S;
}

void device_hop_init(struct device_hop *hop, struct device_relay *relay,
	const struct chappe_transport *transport, const struct device_hop_calls *calls,
	struct chappe_counters *counters)
{
	memset(hop, 0, sizeof *hop);
	hop->relay = relay;
	hop->transport = transport;
	hop->calls = *calls;
	hop->counters = counters;
	mac_keys_derive(&hop->mac_keys, relay->key);
}

void device_hop_wipe(struct device_hop *hop)
{
	noise_wipe(&hop->noise);
	sodium_memzero(hop, sizeof *hop);
}

static enum chappe_state state_of(const struct device_hop *hop)
{
	if (hop->current && !hop->silent)
		return CHAPPE_STATE_CONNECTED;
	if (hop->phase == DEVICE_HOP_REFUSED)
		return CHAPPE_STATE_REFUSED;
	if (hop->phase == DEVICE_HOP_HELD)
		return CHAPPE_STATE_WAITING;
	if (hop->phase == DEVICE_HOP_IDLE && !hop->current)
		return CHAPPE_STATE_OFFLINE;
	return CHAPPE_STATE_CONNECTING;
}

void device_hop_report(struct device_hop *hop, enum chappe_error error)
{
	enum chappe_state state = state_of(hop);

	if (state == hop->state && error == hop->error)
		return;
	hop->state = state;
	hop->error = error;
	hop->calls.changed(hop->calls.context);
}

void device_hop_transmit(struct device_hop *hop, const void *datagram, size_t len)
{
	int err = hop->transport->send(hop->transport->context, datagram, len);

	if (err)
		hop->counters->send_failures++;
	else
		hop->counters->datagrams_sent++;
	hop->cut_off = err == -ENETUNREACH || err == -EHOSTUNREACH || err == -ENETDOWN ||
		       err == -EADDRNOTAVAIL;
}

static void send_under(
	struct device_hop *hop, struct device_session *session, const void *inner, size_t len)
{
	uint8_t frame[WIRE_LARGE_BYTES];

	device_hop_transmit(hop, frame, device_session_seal(session, inner, len, frame));
}

bool device_hop_ready(const struct device_hop *hop, uint64_t now_ns)
{
	return hop->current && device_session_usable(hop->current, now_ns);
}

int device_hop_send(struct device_hop *hop, const void *inner, size_t len, uint64_t now_ns)
{
	if (!device_hop_ready(hop, now_ns))
		return -ENOTCONN;
	send_under(hop, hop->current, inner, len);
	return 0;
}

void device_hop_ask(struct device_hop *hop, struct device_session *session, uint64_t frame_id,
	const uint8_t *token)
{
	union {
		struct wire_inner inner;
		uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES];
	} cell = { .inner = { .kind = WIRE_KEEPALIVE, .frame_id = put64(frame_id) } };
	struct wire_keepalive *keepalive = (struct wire_keepalive *)cell.inner.payload;

	keepalive->what = WIRE_KEEPALIVE_ASK;
	if (token) {
		keepalive->has_token = 1;
		memcpy(keepalive->token, token, sizeof keepalive->token);
	}
	send_under(hop, session, &cell, sizeof cell);
}

static struct device_session *free_slot(struct device_hop *hop)
{
	for (size_t i = 0; i < sizeof hop->slots / sizeof hop->slots[0]; i++)
		if (!hop->slots[i].used)
			return &hop->slots[i];
	return NULL;
}

static void drop_session(struct device_session **session)
{
	if (*session)
		device_session_wipe(*session);
	*session = NULL;
}

/* Of the three slots one is free once the previous session made room. */
struct device_session *device_hop_new_session(struct device_hop *hop)
{
	drop_session(&hop->pending);
	if (!free_slot(hop))
		drop_session(&hop->previous);
	return free_slot(hop);
}

void device_hop_end_sessions(struct device_hop *hop)
{
	drop_session(&hop->pending);
	drop_session(&hop->current);
	drop_session(&hop->previous);
}

void device_hop_confirm(struct device_hop *hop, struct device_session *session, uint64_t now_ns)
{
	hop->pending = session;
	hop->phase = DEVICE_HOP_CONFIRM;
	randombytes_buf(&hop->confirm_id, sizeof hop->confirm_id);
	hop->confirm_pause_ns = CONFIRM_PAUSE_NS;
	hop->confirm_ns = now_ns;
	hop->confirm_until_ns = now_ns + WIRE_PENDING_S * NS_PER_S;
}

/* Up to a tenth early, so that devices which came together do not ask together for ever. */
static void note_asked(struct device_hop *hop, uint64_t now_ns)
{
	hop->asked_ns = now_ns;
	hop->ask_pause_ns = keepalive_ns(hop) / 1000 * (1000 - randombytes_uniform(101));
}

static void promote(struct device_hop *hop, uint64_t now_ns)
{
	drop_session(&hop->previous);
	hop->previous = hop->current;
	hop->previous_until_ns = now_ns + WIRE_OLD_KEYS_S * NS_PER_S;
	hop->current = hop->pending;
	hop->current_suite = hop->current->send.suite;
	hop->pending = NULL;
	hop->phase = DEVICE_HOP_IDLE;
	note_asked(hop, now_ns);
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
	drop_session(&hop->pending);
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

/* A keepalive that was not answered is repeated five times as often. */
static uint64_t ask_due(const struct device_hop *hop)
{
	bool answered = hop->received_ns >= hop->asked_ns;
	return hop->asked_ns + (answered ? hop->ask_pause_ns : keepalive_ns(hop) / 5);
}

static uint64_t silent_due(const struct device_hop *hop)
{
	return hop->received_ns + 2 * keepalive_ns(hop);
}

/* A device that lost an interface or an address family need not wait for silence: a handshake looks
 * for another address of the relay, while the session stays. Changing an address cuts a device off
 * for a moment as well, which costs no handshake. */
static uint64_t cut_off_due(const struct device_hop *hop)
{
	uint64_t due = hop->cut_off_ns + CUT_OFF_NS;

	return due > hop->reset_handshake_ns ? due : hop->reset_handshake_ns;
}

static void keep_reach(struct device_hop *hop, uint64_t now_ns)
{
	if (!hop->cut_off)
		hop->cut_off_ns = 0;
	else if (!hop->cut_off_ns)
		hop->cut_off_ns = now_ns;
	if (!hop->cut_off_ns || hop->phase != DEVICE_HOP_IDLE || now_ns < cut_off_due(hop))
		return;
	hop->reset_handshake_ns = now_ns + DEVICE_HOP_RESET_PAUSE_S * NS_PER_S;
	device_handshake_start(hop, now_ns);
}

static void keep_current(struct device_hop *hop, uint64_t now_ns)
{
	struct device_session *session = hop->current;

	if (now_ns >= session->hard_ns) {
		drop_session(&hop->current);
		if (hop->phase == DEVICE_HOP_IDLE)
			device_handshake_start(hop, now_ns);
		else
			device_hop_report(hop, hop->error);
		return;
	}
	if (!hop->silent && now_ns >= silent_due(hop)) {
		hop->silent = true;
		if (hop->phase == DEVICE_HOP_IDLE)
			device_handshake_start(hop, now_ns);
		device_hop_report(hop, CHAPPE_ERR_UNREACHABLE);
	}
	keep_reach(hop, now_ns);
	if (hop->phase == DEVICE_HOP_IDLE &&
		(now_ns >= session->soft_ns || session->send_counter >= WIRE_REKEY_COUNTER))
		device_handshake_start(hop, now_ns);
	if (now_ns >= ask_due(hop) && device_session_usable(session, now_ns)) {
		randombytes_buf(&hop->ask_id, sizeof hop->ask_id);
		device_hop_ask(hop, session, hop->ask_id, NULL);
		note_asked(hop, now_ns);
	}
}

static void keep_pending(struct device_hop *hop, uint64_t now_ns)
{
	if (now_ns >= hop->confirm_until_ns) {
		drop_session(&hop->pending);
		device_handshake_next(hop, now_ns);
	} else if (now_ns >= hop->confirm_ns) {
		device_hop_ask(hop, hop->pending, hop->confirm_id, NULL);
		hop->confirm_ns = now_ns + hop->confirm_pause_ns;
		hop->confirm_pause_ns *= 2;
	}
}

void device_hop_connect(struct device_hop *hop, uint64_t now_ns)
{
	if (hop->phase == DEVICE_HOP_IDLE && !hop->current)
		device_handshake_start(hop, now_ns);
}

void device_hop_tick(struct device_hop *hop, uint64_t now_ns)
{
	if (hop->previous && now_ns >= hop->previous_until_ns)
		drop_session(&hop->previous);
	if (hop->current)
		keep_current(hop, now_ns);
	if (hop->phase == DEVICE_HOP_CONFIRM)
		keep_pending(hop, now_ns);
	if ((hop->phase == DEVICE_HOP_INIT_SENT || hop->phase == DEVICE_HOP_HELD) &&
		now_ns >= hop->init_ns)
		device_handshake_next(hop, now_ns);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t device_hop_deadline(const struct device_hop *hop)
{
	uint64_t due = UINT64_MAX;

	if (hop->previous)
		due = earlier(due, hop->previous_until_ns);
	if (hop->current) {
		due = earlier(due, hop->current->hard_ns);
		if (hop->current->send_counter < WIRE_LAST_COUNTER)
			due = earlier(due, ask_due(hop));
		if (!hop->silent)
			due = earlier(due, silent_due(hop));
		if (hop->cut_off && hop->phase == DEVICE_HOP_IDLE)
			due = earlier(due, hop->cut_off_ns ? cut_off_due(hop) : 0);
		if (hop->phase == DEVICE_HOP_IDLE)
			due = earlier(due, hop->current->send_counter >= WIRE_REKEY_COUNTER
						   ? 0
						   : hop->current->soft_ns);
	}
	if (hop->phase == DEVICE_HOP_CONFIRM)
		due = earlier(due, earlier(hop->confirm_ns, hop->confirm_until_ns));
	if (hop->phase == DEVICE_HOP_INIT_SENT || hop->phase == DEVICE_HOP_HELD)
		due = earlier(due, hop->init_ns);
	return due;
}
