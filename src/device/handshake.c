#include "src/device/hop.h"

#include <errno.h>

static const uint64_t NS_PER_S = 1000000000;
static const uint64_t INIT_PAUSE_NS = 500000000; /* doubles once all addresses were tried */
static const uint64_t INIT_PAUSE_MAX_NS = 16000000000;
static const uint64_t CUT_OFF_PAUSE_NS = 2000000000; /* nothing gets out: look more often */
static const uint64_t UNREACHABLE_NS = 3000000000;   /* without an answer: worth reporting */
static const char prologue_word[8] = "chappe 1";

enum {
	/* A copy of the device's state that was restored is behind by the inits since: about 100 a
	 * day, so this jumps over decades. */
	STALE_JUMP = 1 << 20,
	STALE_RETRY_S = 60,
	FULL_RETRY_S = 5,
	DRAINING_RETRY_S = 2,
	FORGET_SUITES_ROUNDS = 2,
};

/* A quarter up or down, so that devices which lost a relay together do not return in step. */
static uint64_t jittered(uint64_t ns)
{
	return ns / 1000 * (750 + randombytes_uniform(501));
}

static uint64_t init_pause(const struct device_hop *hop)
{
	uint64_t pause = hop->round < 6 ? INIT_PAUSE_NS << hop->round : INIT_PAUSE_MAX_NS;
	return jittered(pause < INIT_PAUSE_MAX_NS ? pause : INIT_PAUSE_MAX_NS);
}

/* While it is not known which suites the relay has, rounds alternate: a relay without a suite stays
 * silent to it. */
static enum wire_suite choose_suite(struct device_hop *hop)
{
	uint32_t ours = hop_suites(), both;

	if (hop->round >= FORGET_SUITES_ROUNDS)
		hop->relay_suites = 0;
	both = hop->relay_suites ? ours & hop->relay_suites : ours;
	if (!(both & 1u << WIRE_SUITE_AES256GCM))
		return WIRE_SUITE_CHACHA20POLY1305;
	if (!hop->relay_suites && hop->round % 2 == 1)
		return WIRE_SUITE_CHACHA20POLY1305;
	return WIRE_SUITE_AES256GCM;
}

/* Points the transport at the next address: those of a name one after the other, then the next
 * name. 0, or -errno of the last failure when no name leads anywhere. */
static int next_target(struct device_hop *hop)
{
	const struct chappe_transport *transport = hop->transport;
	unsigned int number = hop->relay_number;
	unsigned int nth = hop->targeted ? hop->address_number + 1 : 0;
	int err = -ENOENT;

	for (unsigned int i = 0; i <= hop->relay->name_count; i++) {
		err = transport->target(transport->context, hop->relay->names[number], nth);
		if (!err) {
			hop->relay_number = number;
			hop->address_number = nth;
			hop->targeted = true;
			return 0;
		}
		number = (number + 1) % hop->relay->name_count;
		nth = 0;
		if (number == 0)
			hop->round++;
	}
	hop->targeted = false;
	return err;
}

static int write_init(struct device_hop *hop, uint64_t now_ns)
{
	const struct device_relay *relay = hop->relay;
	union {
		struct wire_init_payload fields;
		uint8_t bytes[WIRE_INIT_PAYLOAD_BYTES];
	} payload = { .bytes = { 0 } };
	uint8_t prologue[sizeof prologue_word + 8];
	bool has_cookie = now_ns < hop->cookie_until_ns;
	int err;

	noise_wipe(&hop->noise);
	hop->suite = choose_suite(hop);
	randombytes_buf(&hop->sender_index, sizeof hop->sender_index);
	hop->init = (struct wire_init){
		.type = WIRE_INIT,
		.version = WIRE_VERSION,
		.suite = (uint8_t)hop->suite,
		.sender_index = put32(hop->sender_index),
	};
	memcpy(prologue, prologue_word, sizeof prologue_word);
	memcpy(prologue + sizeof prologue_word, &hop->init, 8);
	payload.fields.attempt = put64(relay->attempt);
	memcpy(payload.fields.invitation_id, relay->invitation_id, sizeof relay->invitation_id);
	err = noise_begin(&hop->noise, NOISE_IKPSK2, (enum noise_cipher)hop->suite, true, prologue,
		sizeof prologue, &relay->identity, relay->key, relay->psk);
	if (!err)
		err = noise_write(&hop->noise, payload.bytes, sizeof payload, hop->init.noise);
	sodium_memzero(&payload, sizeof payload);
	if (!err)
		mac_write(&hop->mac_keys, has_cookie ? hop->cookie : NULL, &hop->init);
	hop->init_has_cookie = has_cookie;
	return err;
}

/* Trying goes on by itself; only what people should know about is reported. */
static void report_trying(struct device_hop *hop, enum chappe_error trouble, uint64_t now_ns)
{
	bool connected = hop->current && !hop->silent;

	if (!trouble && !connected && now_ns - hop->started_ns >= UNREACHABLE_NS)
		trouble = CHAPPE_ERR_UNREACHABLE;
	device_hop_report(hop, trouble ? trouble : hop->error);
}

void device_handshake_next(struct device_hop *hop, uint64_t now_ns)
{
	struct device_relay *relay = hop->relay;
	bool stay = hop->tries == 0 && hop->targeted;
	enum chappe_error trouble = CHAPPE_OK;
	int err = stay ? 0 : next_target(hop);

	hop->phase = DEVICE_HOP_INIT_SENT;
	hop->tries++;
	if (err) {
		trouble = CHAPPE_ERR_UNREACHABLE;
		hop->cut_off = err == -ENETUNREACH;
	} else if (hop->calls.save_attempt(hop->calls.context, relay->attempt + 1)) {
		trouble = CHAPPE_ERR_STORAGE;
	} else {
		relay->attempt++;
		if (write_init(hop, now_ns)) {
			trouble = CHAPPE_ERR_BAD_LINK; /* the relay's key is no key */
		} else {
			device_hop_transmit(hop, &hop->init, sizeof hop->init);
			hop->counters->handshakes_started++;
		}
	}
	hop->init_ns = now_ns + init_pause(hop);
	if (hop->cut_off && hop->init_ns > now_ns + CUT_OFF_PAUSE_NS)
		hop->init_ns = now_ns + CUT_OFF_PAUSE_NS;
	report_trying(hop, trouble, now_ns);
}

/* A working session keeps its address for the first init; otherwise names are resolved anew. */
void device_handshake_start(struct device_hop *hop, uint64_t now_ns)
{
	hop->tries = hop->round = 0;
	hop->stale_retried = false;
	hop->started_ns = now_ns;
	if (!hop->current || hop->silent)
		hop->targeted = false;
	device_handshake_next(hop, now_ns);
}

static void hold(struct device_hop *hop, enum chappe_error error, uint64_t pause_s, uint64_t now_ns)
{
	hop->phase = DEVICE_HOP_HELD;
	hop->init_ns = now_ns + pause_s * NS_PER_S + jittered(NS_PER_S);
	device_hop_report(hop, error);
}

static void refuse(struct device_hop *hop, enum chappe_error error)
{
	hop->phase = DEVICE_HOP_REFUSED;
	device_hop_end_sessions(hop);
	device_hop_report(hop, error);
}

static uint64_t at_least(uint64_t value, uint64_t least)
{
	return value > least ? value : least;
}

/* The relay leaves: another of its addresses may stay, and is tried at once. */
static void leave_draining(struct device_hop *hop, uint64_t retry_s, uint64_t now_ns)
{
	unsigned int round = hop->round;

	if (next_target(hop) || hop->round != round) {
		hold(hop, CHAPPE_ERR_DRAINING, at_least(retry_s, DRAINING_RETRY_S), now_ns);
		return;
	}
	device_hop_report(hop, CHAPPE_ERR_DRAINING);
	hop->tries = 0; /* the address is chosen already */
	device_handshake_next(hop, now_ns);
}

static void accept_session(struct device_hop *hop, struct noise *noise,
	const struct wire_response_payload *answer, uint64_t now_ns)
{
	struct device_session *session = device_hop_new_session(hop);
	struct noise_keys keys;

	noise_split(noise, &keys);
	if (device_session_init(session, hop->suite, hop->sender_index, &keys, answer, now_ns) ==
		0) {
		device_grant_read(&hop->grant, answer);
		hop->boot = get64(answer->boot);
		device_hop_confirm(hop, session, now_ns);
	}
	sodium_memzero(&keys, sizeof keys);
}

static void take_answer(struct device_hop *hop, struct noise *noise,
	const struct wire_response_payload *answer, uint64_t now_ns)
{
	uint64_t retry_s = get16(answer->retry_after_s);

	if (get32(answer->suites))
		hop->relay_suites = get32(answer->suites);
	switch ((enum wire_status)answer->status) {
	case WIRE_STATUS_OK:
		accept_session(hop, noise, answer, now_ns);
		return;
	case WIRE_STATUS_REVOKED:
		refuse(hop, CHAPPE_ERR_REVOKED);
		return;
	case WIRE_STATUS_INVITATION_USED:
		refuse(hop, CHAPPE_ERR_INVITATION_USED);
		return;
	case WIRE_STATUS_DRAINING:
		leave_draining(hop, retry_s, now_ns);
		return;
	case WIRE_STATUS_STALE_ATTEMPT:
		hop->relay->attempt += STALE_JUMP;
		if (hop->stale_retried) {
			hold(hop, CHAPPE_ERR_STALE_ATTEMPT, at_least(retry_s, STALE_RETRY_S),
				now_ns);
			return;
		}
		hop->stale_retried = true;
		hop->tries = 0;
		device_handshake_next(hop, now_ns);
		return;
	case WIRE_STATUS_FULL:
		break;
	}
	/* full, or a status of a later version */
	hold(hop, CHAPPE_ERR_FULL, at_least(retry_s, FULL_RETRY_S), now_ns);
}

/* Anybody can send something that looks like a response: the handshake goes on with a copy, which
 * becomes the handshake only if the response authenticates. */
void device_handshake_response(
	struct device_hop *hop, const struct wire_response *response, uint64_t now_ns)
{
	union {
		struct wire_response_payload fields;
		uint8_t bytes[WIRE_RESPONSE_PAYLOAD_BYTES];
	} payload;
	struct noise noise = hop->noise;

	if (hop->phase != DEVICE_HOP_INIT_SENT || response->suite != hop->suite ||
		get32(response->receiver_index) != hop->sender_index) {
		hop->counters->drop_unexpected++;
	} else if (noise_read(&noise, response->noise, sizeof response->noise, payload.bytes)) {
		hop->counters->drop_handshake++;
	} else {
		noise_wipe(&hop->noise);
		take_answer(hop, &noise, &payload.fields, now_ns);
		sodium_memzero(&payload, sizeof payload);
	}
	noise_wipe(&noise);
}

/* The init goes out again with its mac2; once, so that a relay under load is not asked in a loop.
 */
void device_handshake_cookie(
	struct device_hop *hop, const struct wire_cookie_reply *reply, uint64_t now_ns)
{
	uint8_t cookie[WIRE_COOKIE_BYTES];

	if (hop->phase != DEVICE_HOP_INIT_SENT ||
		get32(reply->receiver_index) != hop->sender_index) {
		hop->counters->drop_unexpected++;
		return;
	}
	if (mac_cookie_open(&hop->mac_keys, hop->init.mac1, reply, cookie)) {
		hop->counters->drop_handshake++;
		return;
	}
	memcpy(hop->cookie, cookie, sizeof cookie);
	hop->counters->cookies++;
	hop->cookie_until_ns = now_ns + DEVICE_HOP_COOKIE_S * NS_PER_S;
	if (hop->init_has_cookie)
		return;
	hop->init_has_cookie = true;
	mac_write(&hop->mac_keys, hop->cookie, &hop->init);
	device_hop_transmit(hop, &hop->init, sizeof hop->init);
	hop->init_ns = now_ns + init_pause(hop);
}
