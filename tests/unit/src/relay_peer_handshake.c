#include "relay_peer.h"

#include <stdlib.h>

static struct peer_session *new_session(struct relay_peer *relay)
{
	struct peer_session *slot = &relay->sessions[relay->next_index % PEER_SESSIONS];

	memset(slot, 0, sizeof *slot);
	slot->used = true;
	slot->index = relay->next_index++;
	return slot;
}

static int find_device(
	struct relay_peer *relay, const uint8_t *public, const struct wire_init_payload *payload)
{
	for (int i = 0; i < PEER_DEVICES; i++) {
		struct peer_device *d = &relay->devices[i];
		if (!d->used)
			continue;
		if (d->enrolled && memcmp(d->public, public, WIRE_KEY_BYTES) == 0)
			return i;
		if (!d->enrolled && memcmp(d->invitation_id, payload->invitation_id,
					    sizeof d->invitation_id) == 0)
			return i;
	}
	return -1;
}

static void fill_answer(struct relay_peer *relay, struct wire_response_payload *answer,
	enum wire_status status, uint32_t index)
{
	answer->status = (uint8_t)status;
	answer->retry_after_s = put16(relay->retry_after_s);
	answer->versions = put32(1u << WIRE_VERSION);
	answer->suites = put32(relay->suites);
	if (status != WIRE_STATUS_OK)
		return;
	answer->index = put32(index);
	answer->boot = put64(relay->boot);
	reset_key(relay->reset_secret, index, answer->reset_key);
	answer->soft_lifetime_s = put16(relay->soft_s);
	answer->hard_lifetime_s = put16(relay->hard_s);
	answer->keepalive_s = put16(relay->keepalive_s);
	answer->routes_max = put32(relay->routes_max);
}

static enum wire_status pick_status(
	struct relay_peer *relay, const struct peer_device *device, uint64_t attempt)
{
	if (relay->status && relay->status_times != 0) {
		if (relay->status_times > 0)
			relay->status_times--;
		return relay->status;
	}
	if (device->revoked)
		return WIRE_STATUS_REVOKED;
	return attempt <= device->highest_attempt ? WIRE_STATUS_STALE_ATTEMPT : WIRE_STATUS_OK;
}

static void respond(struct relay_peer *relay, struct peer_link *link, const struct wire_init *init,
	struct noise *noise, int number, uint64_t attempt)
{
	struct peer_device *device = &relay->devices[number];
	enum wire_status status = pick_status(relay, device, attempt);
	union {
		struct wire_response_payload fields;
		uint8_t bytes[WIRE_RESPONSE_PAYLOAD_BYTES];
	} answer = { .bytes = { 0 } };
	struct wire_response response = { .type = WIRE_RESPONSE,
		.version = WIRE_VERSION,
		.suite = init->suite,
		.receiver_index = init->sender_index };
	struct peer_session *session = NULL;
	struct noise_keys keys;

	memcpy(device->public, noise->remote_static, WIRE_KEY_BYTES);
	if (status == WIRE_STATUS_OK) {
		session = new_session(relay);
		session->device = number;
		session->peer_index = get32(init->sender_index);
		session->attempt = attempt;
		session->link = link;
		session->endpoint = link->address;
	}
	fill_answer(relay, &answer.fields, status, session ? session->index : 0);
	noise_set_psk(noise, device->psk);
	if (noise_write(noise, answer.bytes, sizeof answer, response.noise))
		abort();
	noise_split(noise, &keys);
	if (session) {
		hop_key_init(&session->receive, init->suite, keys.initiator_to_responder);
		hop_key_init(&session->send, init->suite, keys.responder_to_initiator);
	}
	if (relay->lose_responses > 0) {
		relay->lose_responses--;
		return;
	}
	relay->counts.responses++;
	relay_peer_push(link, &response, sizeof response);
}

static bool has_cookie(
	struct relay_peer *relay, struct peer_link *link, const struct wire_init *init)
{
	struct wire_cookie_reply reply;
	uint8_t nonce[24];

	if (!relay->demand_cookie ||
		mac2_ok(&relay->cookie_secret, &link->address, sizeof link->address, init))
		return true;
	randombytes_buf(nonce, sizeof nonce);
	mac_cookie_reply(&relay->mac, &relay->cookie_secret, &link->address, sizeof link->address,
		init, nonce, &reply);
	relay->counts.cookies++;
	relay_peer_push(link, &reply, sizeof reply);
	return false;
}

void relay_peer_init(struct relay_peer *relay, struct peer_link *link, const struct wire_init *init)
{
	union {
		struct wire_init_payload fields;
		uint8_t bytes[WIRE_INIT_PAYLOAD_BYTES];
	} payload;
	uint8_t prologue[16] = "chappe 1";
	struct noise noise;
	int device;

	relay->counts.inits++;
	relay->last_suite = init->suite;
	if (!(relay->suites & 1u << init->suite) || !mac1_ok(&relay->mac, init) ||
		!has_cookie(relay, link, init))
		return;
	memcpy(prologue + 8, init, 8);
	if (noise_begin(&noise, NOISE_IKPSK2, (enum noise_cipher)init->suite, false, prologue,
		    sizeof prologue, &relay->key, NULL, NULL) ||
		noise_read(&noise, init->noise, sizeof init->noise, payload.bytes))
		return;
	relay->last_attempt = get64(payload.fields.attempt);
	memcpy(relay->last_invitation_id, payload.fields.invitation_id,
		sizeof relay->last_invitation_id);
	device = find_device(relay, noise.remote_static, &payload.fields);
	if (device >= 0)
		respond(relay, link, init, &noise, device, relay->last_attempt);
}
