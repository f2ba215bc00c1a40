#include "src/device/hop.h"

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

void device_hop_drop(struct device_session **session)
{
	if (*session)
		device_session_wipe(*session);
	*session = NULL;
}

/* Of the three slots one is free once the previous session made room. */
struct device_session *device_hop_new_session(struct device_hop *hop)
{
	device_hop_drop(&hop->pending);
	if (!free_slot(hop))
		device_hop_drop(&hop->previous);
	return free_slot(hop);
}

void device_hop_end_sessions(struct device_hop *hop)
{
	device_hop_drop(&hop->pending);
	device_hop_drop(&hop->current);
	device_hop_drop(&hop->previous);
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
void device_hop_asked(struct device_hop *hop, uint64_t now_ns)
{
	hop->asked_ns = now_ns;
	hop->ask_pause_ns = keepalive_ns(hop) / 1000 * (1000 - randombytes_uniform(101));
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
		device_hop_drop(&hop->current);
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
		device_hop_asked(hop, now_ns);
	}
}

static void keep_pending(struct device_hop *hop, uint64_t now_ns)
{
	if (now_ns >= hop->confirm_until_ns) {
		device_hop_drop(&hop->pending);
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
		device_hop_drop(&hop->previous);
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
