/* The rig's devices: the real initiator of src/noise.h. */
#include "rig.h"
#include "src/counters.h"
#include "src/reset.h"

#include <sodium.h>
#include <sys/socket.h>

void rig_invite(struct rig *rig, uint32_t ttl_s, struct rig_device *device)
{
	struct store_invitation invitation;

	memset(device, 0, sizeof *device);
	assert_int_equal(control_invite(rig->control, ttl_s, &invitation, 1), 0);
	noise_generate(&device->key);
	memcpy(device->psk, invitation.secret, sizeof device->psk);
	memcpy(device->invitation_id, invitation.id, sizeof device->invitation_id);
	device->suite = WIRE_SUITE_CHACHA20POLY1305;
}

static void send_init(struct rig *rig, const struct rig_device *device)
{
	struct punt_record record = {
		.kind = PUNT_INIT,
		.len = WIRE_SMALL_BYTES,
		.owner = 1,
		.endpoint = { .family = 4, .remote_port = 99 },
	};

	memcpy(record.frame, &device->init, sizeof device->init);
	rig->answers_count = 0;
	assert_int_equal(send(rig->punt, &record, sizeof record, 0), sizeof record);
	rig_settle(rig);
}

void rig_init(struct rig *rig, struct rig_device *device)
{
	uint8_t prologue[16] = "chappe 1", payload[WIRE_INIT_PAYLOAD_BYTES] = { 0 };
	struct wire_init_payload asked = { .attempt = put64(++device->attempt) };

	memcpy(asked.invitation_id, device->invitation_id, sizeof asked.invitation_id);
	memcpy(payload, &asked, sizeof asked);
	memset(&device->init, 0, sizeof device->init);
	device->init.type = WIRE_INIT;
	device->init.version = WIRE_VERSION;
	device->init.suite = (uint8_t)device->suite;
	device->init.sender_index = put32(++device->sender_index);
	memcpy(prologue + 8, &device->init, 8);
	assert_int_equal(
		noise_begin(&device->noise, NOISE_IKPSK2, (enum noise_cipher)device->suite, true,
			prologue, sizeof prologue, &device->key, rig->key.public, device->psk),
		0);
	assert_int_equal(
		noise_write(&device->noise, payload, sizeof payload, device->init.noise), 0);
	send_init(rig, device);
}

void rig_replay(struct rig *rig, const struct rig_device *device)
{
	send_init(rig, device);
}

/* Opens the response under the device's handshake. */
static bool open_response(struct rig_device *device, const uint8_t *frame)
{
	struct wire_response response;
	uint8_t payload[WIRE_RESPONSE_PAYLOAD_BYTES];

	memcpy(&response, frame, sizeof response);
	if (wire_check(frame, sizeof response) != WIRE_OK || response.type != WIRE_RESPONSE ||
		get32(response.receiver_index) != device->sender_index ||
		noise_read(&device->noise, response.noise, sizeof response.noise, payload) != 0)
		return false;
	memcpy(&device->answer, payload, sizeof device->answer);
	noise_split(&device->noise, &device->keys);
	return true;
}

struct rig_session *rig_session(struct rig *rig, struct rig_device *device)
{
	for (int i = 0; i < RIG_SESSIONS; i++) {
		struct rig_session *session = &rig->sessions[i];
		if (session->used && session->install.peer_index == device->sender_index &&
			open_response(device, session->install.response))
			return session;
	}
	return NULL;
}

int rig_status(struct rig *rig, struct rig_device *device)
{
	for (uint32_t i = 0; i < rig->answers_count; i++)
		if (rig->answers[i].kind == PUNT_SEND_RAW &&
			rig->answers[i].len == WIRE_SMALL_BYTES &&
			open_response(device, rig->answers[i].frame))
			return device->answer.status;
	return -1;
}

void rig_confirm(struct rig *rig, uint32_t index)
{
	struct {
		struct table_head head;
		struct table_confirmed confirmed;
	} message = {
		.head = { .op = TABLE_SESSION_CONFIRMED, .count = 1, .seq = ++rig->seq },
		.confirmed = { .index = index },
	};

	for (int i = 0; i < RIG_SESSIONS; i++) {
		if (!rig->sessions[i].used || rig->sessions[i].install.index != index)
			continue;
		rig->sessions[i].confirmed = true;
		message.confirmed.device = rig->sessions[i].install.device;
	}
	assert_true(send(rig->table, &message, sizeof message, MSG_NOSIGNAL) > 0);
	rig_settle(rig);
}

uint32_t rig_handshake(struct rig *rig, struct rig_device *device)
{
	struct rig_session *session;

	rig_init(rig, device);
	session = rig_session(rig, device);
	assert_non_null(session);
	assert_int_equal(device->answer.status, WIRE_STATUS_OK);
	assert_int_equal(get32(device->answer.index), session->install.index);
	assert_memory_equal(device->keys.initiator_to_responder, session->install.receive_key, 32);
	assert_memory_equal(device->keys.responder_to_initiator, session->install.send_key, 32);
	rig_confirm(rig, session->install.index);
	return session->install.index;
}

uint32_t rig_enrol(struct rig *rig, struct rig_device *device)
{
	rig_invite(rig, 3600, device);
	return rig_handshake(rig, device);
}

int rig_operation(struct rig *rig, uint32_t index, uint64_t frame_id, uint16_t op,
	const void *request, size_t len, void *body, size_t body_len)
{
	struct punt_record record = { .kind = PUNT_CONTROL, .len = 480, .index = index };
	struct wire_inner inner = { .kind = WIRE_CONTROL, .frame_id = put64(frame_id) };
	struct control_head head = { .op = put16(op), .len = put16((uint16_t)len) };
	le16 status;

	for (int i = 0; i < RIG_SESSIONS; i++)
		if (rig->sessions[i].used && rig->sessions[i].install.index == index)
			record.device = rig->sessions[i].install.device;
	memcpy(record.frame, &inner, sizeof inner);
	memcpy(record.frame + sizeof inner, &head, sizeof head);
	if (len)
		memcpy(record.frame + sizeof inner + sizeof head, request, len);
	rig->answers_count = 0;
	assert_int_equal(send(rig->punt, &record, sizeof record, 0), sizeof record);
	rig_settle(rig);
	if (rig->answers_count == 0)
		return -1;
	assert_int_equal(rig->answers_count, 1);
	assert_int_equal(rig->answers[0].kind, PUNT_SEND_SESSION);
	assert_int_equal(rig->answers[0].index, index);
	assert_int_equal(rig->answers[0].len, 480);
	memcpy(&inner, rig->answers[0].frame, sizeof inner);
	assert_int_equal(get64(inner.frame_id), frame_id);
	assert_int_equal(inner.kind, WIRE_CONTROL);
	memcpy(&head, rig->answers[0].frame + sizeof inner, sizeof head);
	assert_int_equal(get16(head.op), op | CONTROL_OP_ANSWER);
	memcpy(&status, rig->answers[0].frame + sizeof inner + sizeof head, sizeof status);
	if (body) {
		assert_int_equal(get16(head.len), body_len);
		memcpy(body, rig->answers[0].frame + sizeof inner + sizeof head, body_len);
	}
	return get16(status);
}

uint64_t rig_stored_devices(const struct rig *rig)
{
	struct store_counts counts;

	assert_int_equal(store_counts(rig->control->store, 0, &counts), 0);
	return counts.devices;
}

void rig_store_device(struct rig *rig, struct rig_device *device, uint32_t slot)
{
	char error[STORE_ERROR_BYTES];
	struct store *store;
	struct store_device stored = {
		.slot = slot,
		.created_s = control_now_s() - 1000,
		.limits = { -1, -1, -1 },
	};
	struct store_route route = { .created_s = 1, .request = slot };

	memset(device, 0, sizeof *device);
	noise_generate(&device->key);
	randombytes_buf(device->psk, sizeof device->psk);
	device->suite = WIRE_SUITE_CHACHA20POLY1305;
	device->sender_index = slot * 1000;
	memcpy(stored.key, device->key.public, sizeof stored.key);
	memcpy(stored.psk, device->psk, sizeof stored.psk);
	assert_int_equal(store_open(rig->dir, &store, error), 0);
	assert_int_equal(store_device_add(store, &stored), 0);
	randombytes_buf(route.route, sizeof route.route);
	route.device = stored.id;
	assert_int_equal(store_route_add(store, &route), 0);
	assert_int_equal(store_commit(store), 0);
	store_close(store);
}
