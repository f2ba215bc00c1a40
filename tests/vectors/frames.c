#include "inputs.h"
#include "src/control_op.h"
#include "src/hop.h"
#include "src/mac.h"
#include "src/noise.h"
#include "src/reset.h"
#include <errno.h>
#include <stdio.h>

/* Integers of the frames; the keys are 32 bytes that count up from what `secret` says. */
enum {
	SENDER_INDEX = 0x0d0c0b0a,
	RELAY_INDEX = 0x1234567 | 3 << 27,
	ATTEMPT = 7,
	KEEPALIVE_S = 25,
};
static const uint64_t BOOT = 0x8877665544332211;

/* A suite's session and the inner frames it carries. */
struct maker {
	const struct frames_sink *sink;
	const struct inputs *in;
	enum wire_suite suite;
	struct mac_keys mac_keys;
	uint8_t reset_key[WIRE_RESET_KEY_BYTES];
	struct noise_keys keys;
	struct hop_key to_relay, to_device;
	const uint8_t *live_small, *live_large; /* inner header and sealed payload */
};

static void count_up(uint8_t *out, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(first + i);
}

static void secret(struct noise_keypair *keypair, uint8_t first)
{
	count_up(keypair->secret, sizeof keypair->secret, first);
	noise_public_key(keypair);
}

/* Puts under "suite<n>.<name>". */
static void put_of_suite(
	const struct maker *m, const char *name, const char *what, const void *bytes, size_t len)
{
	char full[64];
	snprintf(full, sizeof full, "suite%d.%s", (int)m->suite, name);
	frames_put(m->sink, full, what, bytes, len);
}

static void put_inputs(const struct frames_sink *sink, struct inputs *in)
{
#define KEYPAIR(field, first, text)                                                                \
	secret(&in->field, first);                                                                 \
	frames_put(sink, "in." #field "_secret", text, in->field.secret, 32);                      \
	frames_put(sink, "in." #field "_public", "its X25519 public key", in->field.public, 32)
#define BYTES(field, first, text)                                                                  \
	count_up(in->field, sizeof in->field, first);                                              \
	frames_put(sink, "in." #field, text, in->field, sizeof in->field)

	KEYPAIR(relay, 0x00, "static key of the relay");
	KEYPAIR(relay_ephemeral, 0x20, "ephemeral key of the responses");
	KEYPAIR(device, 0x40, "static key of the device that enrols; also recipient end to end");
	KEYPAIR(device_ephemeral, 0x60, "ephemeral key of the inits");
	KEYPAIR(sender, 0x80, "static key of the device that seals end to end");
	KEYPAIR(sender_ephemeral, 0xa0,
		"ephemeral key of the sealed payloads, the same in both only because this is a "
		"test: a real one is never used twice");
	BYTES(psk, 0xc0, "secret of the invitation: psk of the handshake");
	BYTES(contact_psk, 0xe0, "shared secret of the contact link: psk end to end");
	BYTES(cookie_secret, 0x10, "the relay's secret under which cookies are made");
	BYTES(reset_secret, 0x30, "the relay's secret under which reset keys are made");
	BYTES(invitation_id, 0x50, "invitation id");
	BYTES(route, 0x70, "route to the device");
	BYTES(cookie_nonce, 0x90, "nonce of the cookie reply");
	BYTES(token, 0xb0, "endpoint token");
	BYTES(source, 0xd0, "source address as the relay's cookie covers it");
}

/* ---- handshake ---- */

static void put_macs(const struct maker *m, struct wire_init *init)
{
	uint8_t cookie[WIRE_COOKIE_BYTES];
	struct wire_cookie_reply reply;
	struct mac_cookie_secret cookie_secret = { 0 };

	mac_write(&m->mac_keys, NULL, init);
	put_of_suite(m, "init", "init: header, Noise message 1, mac1, no mac2", init, sizeof *init);

	mac_cookie_rotate(&cookie_secret, m->in->cookie_secret);
	mac_cookie_reply(&m->mac_keys, &cookie_secret, m->in->source, sizeof m->in->source, init,
		m->in->cookie_nonce, &reply);
	put_of_suite(m, "cookie_reply", "cookie reply to that init", &reply, sizeof reply);

	crypto_generichash(cookie, sizeof cookie, m->in->source, sizeof m->in->source,
		m->in->cookie_secret, sizeof m->in->cookie_secret);
	put_of_suite(m, "cookie", "the cookie in it: BLAKE2b-128(source) keyed with cookie_secret",
		cookie, sizeof cookie);
	mac_write(&m->mac_keys, cookie, init);
	put_of_suite(m, "init_mac2", "the same init with mac2", init, sizeof *init);
}

static int put_init(const struct maker *m, struct noise *device, struct noise *relay)
{
	uint8_t payload[WIRE_INIT_PAYLOAD_BYTES] = { 0 }, read[WIRE_INIT_PAYLOAD_BYTES];
	struct wire_init_payload *view = (struct wire_init_payload *)payload;
	struct wire_init init = {
		.type = WIRE_INIT,
		.version = WIRE_VERSION,
		.suite = (uint8_t)m->suite,
		.sender_index = put32(SENDER_INDEX),
	};
	uint8_t prologue[16];

	memcpy(prologue, "chappe 1", 8);
	memcpy(prologue + 8, &init, 8);
	put_of_suite(m, "prologue", "'chappe 1' and the init's first 8 bytes", prologue, 16);
	view->attempt = put64(ATTEMPT);
	memcpy(view->invitation_id, m->in->invitation_id, sizeof view->invitation_id);
	view->keepalive_s = put16(KEEPALIVE_S);
	put_of_suite(m, "init_payload", "attempt, invitation id, keepalive, zeros", payload,
		sizeof payload);

	int result = noise_begin(device, NOISE_IKPSK2, (enum noise_cipher)m->suite, true, prologue,
		sizeof prologue, &m->in->device, m->in->relay.public, m->in->psk);
	if (result == 0)
		result = noise_begin(relay, NOISE_IKPSK2, (enum noise_cipher)m->suite, false,
			prologue, sizeof prologue, &m->in->relay, NULL, m->in->psk);
	if (result)
		return result;
	device->ephemeral = m->in->device_ephemeral;
	relay->ephemeral = m->in->relay_ephemeral;
	result = noise_write(device, payload, sizeof payload, init.noise);
	if (result == 0)
		result = noise_read(relay, init.noise, sizeof init.noise, read);
	put_macs(m, &init);
	return result;
}

static int put_response(struct maker *m, struct noise *device, struct noise *relay)
{
	uint8_t payload[WIRE_RESPONSE_PAYLOAD_BYTES] = { 0 }, read[WIRE_RESPONSE_PAYLOAD_BYTES];
	struct wire_response_payload *view = (struct wire_response_payload *)payload;
	struct wire_response response = {
		.type = WIRE_RESPONSE,
		.version = WIRE_VERSION,
		.suite = (uint8_t)m->suite,
		.receiver_index = put32(SENDER_INDEX),
	};
	*view = (struct wire_response_payload){
		.status = WIRE_STATUS_OK,
		.versions = put32(1U << WIRE_VERSION),
		.suites = put32(1U << WIRE_SUITE_AES256GCM | 1U << WIRE_SUITE_CHACHA20POLY1305),
		.index = put32(RELAY_INDEX),
		.boot = put64(BOOT),
		.soft_lifetime_s = put16(WIRE_SOFT_LIFETIME_S),
		.hard_lifetime_s = put16(WIRE_HARD_LIFETIME_S),
		.keepalive_s = put16(KEEPALIVE_S),
		.keepalive_min_s = put16(10),
		.routes_max = put32(32),
		.frames_per_s = put32(1000),
		.bytes_per_s = put64(1000000),
	};
	reset_key(m->in->reset_secret, RELAY_INDEX, m->reset_key);
	memcpy(view->reset_key, m->reset_key, sizeof view->reset_key);
	put_of_suite(m, "response_payload",
		"status, zero, retry after, versions, suites, index, boot, reset key, soft and "
		"hard lifetime, keepalive, its minimum, routes, frames/s, bytes/s, zeros",
		payload, sizeof payload);
	int result = noise_write(relay, payload, sizeof payload, response.noise);
	if (result == 0)
		result = noise_read(device, response.noise, sizeof response.noise, read);
	put_of_suite(
		m, "response", "response: header, Noise message 2", &response, sizeof response);
	if (result)
		return result;

	struct noise_keys keys;
	noise_split(relay, &keys);
	noise_split(device, &m->keys);
	put_of_suite(m, "handshake_hash", "h after message 2", device->hash, 32);
	put_of_suite(m, "device_to_relay_key", "first output of Split()",
		m->keys.initiator_to_responder, 32);
	put_of_suite(m, "relay_to_device_key", "second output of Split()",
		m->keys.responder_to_initiator, 32);
	put_of_suite(
		m, "refresh_key", "third output, kept for a later version", m->keys.refresh, 32);
	return 0;
}

/* ---- transport ---- */

struct transport {
	const char *name, *what;
	bool to_relay;
	uint64_t counter;
	size_t bytes;
};

static void put_transport(
	const struct maker *m, const struct transport *transport, const uint8_t *inner)
{
	uint8_t frame[WIRE_LARGE_BYTES] = { 0 };
	memcpy(frame + WIRE_TRANSPORT_HEADER_BYTES, inner,
		transport->bytes - WIRE_TRANSPORT_OVERHEAD_BYTES);
	hop_seal(transport->to_relay ? &m->to_relay : &m->to_device,
		transport->to_relay ? (uint32_t)RELAY_INDEX : (uint32_t)SENDER_INDEX,
		transport->counter, frame, transport->bytes);
	put_of_suite(m, transport->name, transport->what, frame, transport->bytes);
}

static void put_live(const struct maker *m)
{
	put_transport(m,
		&(struct transport){ "live_small_to_relay", "e2e.small_live, counter 1", true, 1,
			WIRE_SMALL_BYTES },
		m->live_small);
	put_transport(m,
		&(struct transport){ "live_small_to_device", "e2e.small_live, counter 1", false, 1,
			WIRE_SMALL_BYTES },
		m->live_small);
	put_transport(m,
		&(struct transport){ "live_large_to_relay", "e2e.large_live, counter 2^30 - 1",
			true, WIRE_LAST_COUNTER - 1, WIRE_LARGE_BYTES },
		m->live_large);
	put_transport(m,
		&(struct transport){ "live_large_to_device", "e2e.large_live, counter 2^30 - 1",
			false, WIRE_LAST_COUNTER - 1, WIRE_LARGE_BYTES },
		m->live_large);
}

enum { SMALL_INNER_BYTES = WIRE_SMALL_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES };

static void put_keepalives(const struct maker *m)
{
	uint8_t bytes[SMALL_INNER_BYTES] = { 0 };
	struct wire_inner *inner = (struct wire_inner *)bytes;
	struct wire_keepalive *keepalive = (struct wire_keepalive *)inner->payload;
	inner->kind = WIRE_KEEPALIVE;
	inner->frame_id = put64(0x1112131415161718);
	put_of_suite(
		m, "keepalive_ask_inner", "keepalive of a device, no token", bytes, sizeof bytes);
	put_transport(m,
		&(struct transport){ "keepalive_ask", "that, counter 0: confirms the session", true,
			0, WIRE_SMALL_BYTES },
		bytes);
	keepalive->what = WIRE_KEEPALIVE_ANSWER;
	put_transport(m,
		&(struct transport){ "keepalive_answer", "its answer, counter 0, no token", false,
			0, WIRE_SMALL_BYTES },
		bytes);
	keepalive->what = WIRE_KEEPALIVE_CHALLENGE;
	keepalive->has_token = 1;
	memcpy(keepalive->token, m->in->token, sizeof keepalive->token);
	inner->frame_id = put64(0x2122232425262728);
	put_of_suite(m, "keepalive_challenge_inner", "challenge of the relay with a token", bytes,
		sizeof bytes);
	put_transport(m,
		&(struct transport){
			"keepalive_challenge", "that, counter 2", false, 2, WIRE_SMALL_BYTES },
		bytes);
	keepalive->what = WIRE_KEEPALIVE_ASK;
	inner->frame_id = put64(0x3132333435363738);
	put_transport(m,
		&(struct transport){ "keepalive_echo", "the device echoes the token, counter 2",
			true, 2, WIRE_SMALL_BYTES },
		bytes);
}

static void put_control(const struct maker *m)
{
	uint8_t bytes[SMALL_INNER_BYTES] = { 0 };
	struct wire_inner *inner = (struct wire_inner *)bytes;
	struct control_head *head = (struct control_head *)inner->payload;
	struct control_route_create create = { .flags = put32(CONTROL_ROUTE_LIVE) };
	struct control_route_answer answer = { .status = put16(CONTROL_OK) };

	inner->kind = WIRE_CONTROL;
	inner->frame_id = put64(0x4142434445464748);
	head->op = put16(CONTROL_OP_ROUTE_CREATE);
	head->len = put16(sizeof create);
	memcpy(head + 1, &create, sizeof create);
	put_of_suite(m, "control_request_inner", "create a route that live frames may use", bytes,
		sizeof bytes);
	put_transport(m,
		&(struct transport){
			"control_request", "that, counter 3", true, 3, WIRE_SMALL_BYTES },
		bytes);
	head->op = put16(CONTROL_OP_ROUTE_CREATE | CONTROL_OP_ANSWER);
	head->len = put16(sizeof answer);
	memcpy(answer.route, m->in->route, sizeof answer.route);
	memcpy(head + 1, &answer, sizeof answer);
	put_of_suite(m, "control_answer_inner", "its answer", bytes, sizeof bytes);
	put_transport(m,
		&(struct transport){
			"control_answer", "that, counter 3", false, 3, WIRE_SMALL_BYTES },
		bytes);
}

static void put_resets(const struct maker *m)
{
	uint8_t frame[WIRE_LARGE_BYTES];
	const struct wire_transport cause = {
		.type = WIRE_TRANSPORT,
		.receiver_index = put32(RELAY_INDEX),
		.counter = put64(4),
	};
	reset_write(m->reset_key, BOOT, &cause, frame, WIRE_SMALL_BYTES);
	put_of_suite(m, "reset_small", "reset for the device's small frame of counter 4", frame,
		WIRE_SMALL_BYTES);
	reset_write(m->reset_key, BOOT, &cause, frame, WIRE_LARGE_BYTES);
	put_of_suite(m, "reset_large", "reset for the device's large frame of counter 4", frame,
		WIRE_LARGE_BYTES);
}

static int put_suite(struct maker *m)
{
	struct noise device, relay;
	int result = put_init(m, &device, &relay);
	if (result == 0)
		result = put_response(m, &device, &relay);
	if (result == 0)
		result = hop_key_init(&m->to_relay, m->suite, m->keys.initiator_to_responder);
	if (result == 0)
		result = hop_key_init(&m->to_device, m->suite, m->keys.responder_to_initiator);
	if (result)
		return result;
	put_keepalives(m);
	put_live(m);
	put_control(m);
	put_resets(m);
	return 0;
}

int frames_make(const struct frames_sink *sink)
{
	uint8_t small[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES];
	uint8_t large[WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES];
	struct inputs in;
	put_inputs(sink, &in);
	int result = frames_put_sealed(sink, &in, "small", small, WIRE_SMALL_PAYLOAD_BYTES);
	if (result == 0)
		result = frames_put_sealed(sink, &in, "large", large, WIRE_LARGE_PAYLOAD_BYTES);
	if (result == 0)
		result = frames_put_links(sink, &in);
	for (int suite = WIRE_SUITE_AES256GCM; suite <= WIRE_SUITE_CHACHA20POLY1305; suite++) {
		struct maker m = {
			.sink = sink,
			.in = &in,
			.suite = (enum wire_suite)suite,
			.live_small = small,
			.live_large = large,
		};
		mac_keys_derive(&m.mac_keys, in.relay.public);
		if (result == 0)
			result = put_suite(&m);
	}
	return result;
}
