#include "load.h"

#include <stdlib.h>
#include <time.h>

static const char prologue_word[8] = "chappe 1";

/* Grows from run to run, so that nothing has to be stored. */
static uint64_t attempt_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int write_init(struct load *load, struct device *device, struct handshake *handshake)
{
	union {
		struct wire_init_payload fields;
		uint8_t bytes[WIRE_INIT_PAYLOAD_BYTES];
	} payload = { .bytes = { 0 } };
	uint8_t prologue[sizeof prologue_word + 8];

	handshake->suite = load->options.suite;
	handshake->init = (struct wire_init){
		.type = WIRE_INIT,
		.version = WIRE_VERSION,
		.suite = (uint8_t)handshake->suite,
		.sender_index = put32(device->pending->local_index),
	};
	memcpy(prologue, prologue_word, sizeof prologue_word);
	memcpy(prologue + sizeof prologue_word, &handshake->init, 8);
	payload.fields.attempt = put64(attempt_now());
	memcpy(payload.fields.invitation_id, device->invitation_id, sizeof device->invitation_id);
	int result = noise_begin(&handshake->noise, NOISE_IKPSK2,
		(enum noise_cipher)handshake->suite, true, prologue, sizeof prologue,
		&device->identity, load->relay_key, device->psk);
	if (result == 0)
		result = noise_write(
			&handshake->noise, payload.bytes, sizeof payload, handshake->init.noise);
	if (result == 0)
		mac_write(&load->macs, NULL, &handshake->init);
	return result;
}

bool handshake_send(struct load *load, struct device *device)
{
	const uint32_t number = (uint32_t)(device - load->devices);

	handshake_end(load, device);
	session_give(load, &device->pending);
	device->pending = session_take(load, number);
	device->handshake = calloc(1, sizeof *device->handshake);
	if (device->pending == NULL || device->handshake == NULL ||
		write_init(load, device, device->handshake) != 0) {
		free(device->handshake);
		device->handshake = NULL;
		session_give(load, &device->pending);
		return false;
	}
	load->handshaking++;
	load->counts.handshakes++;
	port_send(load, device, (const uint8_t *)&device->handshake->init);
	return true;
}

void handshake_end(struct load *load, struct device *device)
{
	if (device->handshake == NULL)
		return;
	noise_wipe(&device->handshake->noise);
	free(device->handshake);
	device->handshake = NULL;
	load->handshaking--;
}

static uint64_t or_default(uint16_t value, uint16_t otherwise)
{
	return value ? value : otherwise;
}

static int fill_session(struct load *load, struct device *device, struct noise *noise,
	const struct wire_response_payload *answer)
{
	const uint64_t hard_s = or_default(get16(answer->hard_lifetime_s), WIRE_HARD_LIFETIME_S);
	uint64_t soft_s = or_default(get16(answer->soft_lifetime_s), WIRE_SOFT_LIFETIME_S);
	struct session *session = device->pending;
	struct noise_keys keys;

	noise_split(noise, &keys);
	int result = aead_key_init(
		&load->aead, &session->send, load->options.suite, keys.initiator_to_responder);
	if (result == 0)
		result = aead_key_init(&load->aead, &session->receive, load->options.suite,
			keys.responder_to_initiator);
	sodium_memzero(&keys, sizeof keys);
	if (soft_s > hard_s * 3 / 4)
		soft_s = hard_s * 3 / 4; /* leaves time to rekey */
	session->relay_index = get32(answer->index);
	memcpy(session->reset_key, answer->reset_key, sizeof session->reset_key);
	session->hard = load->now + hard_s * load->hz;
	/* Up to a fifth early, so that devices which came together do not rekey together. */
	session->soft = load->now + soft_s * load->hz / 1000 * (1000 - load_random(load) % 201);
	device->keepalive_pause =
		or_default(get16(answer->keepalive_s), WIRE_KEEPALIVE_S) * load->hz;
	return result;
}

int handshake_finish(struct load *load, struct device *device, const struct wire_response *response)
{
	struct handshake *handshake = device->handshake;
	struct noise noise = handshake->noise; /* a forged response must not end it */
	union {
		struct wire_response_payload fields;
		uint8_t bytes[WIRE_RESPONSE_PAYLOAD_BYTES];
	} payload;
	int result = -1;

	if (response->suite == handshake->suite &&
		noise_read(&noise, response->noise, sizeof response->noise, payload.bytes) == 0) {
		result = payload.fields.status;
		if (result == WIRE_STATUS_OK &&
			fill_session(load, device, &noise, &payload.fields) != 0)
			result = -1;
		sodium_memzero(&payload, sizeof payload);
	}
	noise_wipe(&noise);
	return result;
}
