#include "src/device.h"

#include <errno.h>

static const uint64_t OFFER_PAUSE_NS = 1000000000;

/* ---- What the message layer calls ---- */

static int save(void *context, const uint8_t *record, size_t len)
{
	struct device_contact *contact = context;
	struct chappe *c = contact->chappe;
	char key[DEVICE_CONTACT_KEY_BYTES];
	int err;

	if (contact->ended || contact->state == CHAPPE_CONTACT_REVOKING)
		return 0; /* a contact that has ended leaves nothing behind */
	device_contact_messages_key(contact, key);
	err = c->storage.put(c->storage.context, key, record, len);
	if (err)
		device_emit_error(c, contact->name, CHAPPE_ERR_STORAGE);
	return err;
}

static int deliver(
	void *context, enum seal_type type, uint64_t number, const uint8_t *data, size_t len)
{
	struct device_contact *contact = context;
	struct chappe *c = contact->chappe;
	struct chappe_event event = {
		.type = CHAPPE_EVENT_MESSAGE,
		.contact = contact->name,
		.message = number,
		.data = data,
		.len = len,
	};

	if (!device_contact_open(contact))
		return -EAGAIN;
	if (type == SEAL_HELLO)
		return device_pair_hello(contact, data, len);
	if (!c->on_event || device_emit(c, &event)) {
		contact->offer_ns = device_now(c) + OFFER_PAUSE_NS;
		return -EAGAIN;
	}
	c->counters.messages_received++;
	return 0;
}

static void acknowledged(void *context, uint64_t number)
{
	struct device_contact *contact = context;
	struct chappe *c = contact->chappe;

	if (number == contact->hello_number) {
		device_pair_hello_acknowledged(contact);
		return;
	}
	c->counters.messages_sent++;
	device_emit(c, &(struct chappe_event){ .type = CHAPPE_EVENT_ACKNOWLEDGED,
			       .contact = contact->name,
			       .message = number });
}

static const struct message_calls calls = {
	.save = save,
	.deliver = deliver,
	.acknowledged = acknowledged,
};

enum chappe_error device_messages_open(struct device_contact *contact)
{
	const struct chappe_storage *storage = &contact->chappe->storage;
	uint8_t record[MESSAGE_RECORD_BYTES];
	char key[DEVICE_CONTACT_KEY_BYTES];
	ssize_t len;
	int err;

	device_contact_messages_key(contact, key);
	len = storage->get(storage->context, key, record, sizeof record);
	if (len < 0 && len != -ENOENT)
		return len == -EMSGSIZE ? CHAPPE_ERR_DAMAGED : CHAPPE_ERR_STORAGE;
	err = message_open(&contact->messages, &calls, contact, record, len > 0 ? (size_t)len : 0);
	if (err)
		return err == -ENOMEM ? CHAPPE_ERR_NO_MEMORY : CHAPPE_ERR_DAMAGED;
	return CHAPPE_OK;
}

/* ---- Frames in ---- */

/* The first key that seals under the link's secret is the contact's for good. A second one means
 * that somebody else had the link too: people must know. */
static bool pinned(struct device_contact *contact, const uint8_t sender[WIRE_KEY_BYTES])
{
	struct chappe *c = contact->chappe;

	if (!contact->has_peer_key) {
		memcpy(contact->peer_key, sender, sizeof contact->peer_key);
		contact->has_peer_key = true;
		if (device_contact_save(contact)) {
			contact->has_peer_key = false;
			device_emit_error(c, contact->name, CHAPPE_ERR_STORAGE);
			return false;
		}
	}
	if (sodium_memcmp(contact->peer_key, sender, sizeof contact->peer_key) == 0)
		return true;
	c->counters.drop_other_key++;
	if (!contact->key_refused_reported) {
		contact->key_refused_reported = true;
		device_emit_error(c, contact->name, CHAPPE_ERR_KEY_REFUSED);
	}
	return false;
}

void device_message_frame(struct chappe *c, const struct wire_inner *inner, size_t payload_len)
{
	struct device_contact *contact = device_contact_by_route(c, inner->route);
	union {
		struct seal_plain plain;
		uint8_t bytes[SEAL_LARGE_PLAIN_BYTES];
	} opened;
	uint8_t sender[WIRE_KEY_BYTES];
	int err;

	if (!contact) {
		c->counters.drop_no_contact++;
		return;
	}
	err = seal_open(&contact->own, contact->psk, inner, payload_len, sender, &opened.plain);
	if (err) {
		if (err == -EBADMSG)
			c->counters.drop_seal++;
		else
			c->counters.drop_message++;
		return;
	}
	if (pinned(contact, sender) && message_receive(contact->messages, device_now(c),
					       get64(inner->frame_id), &opened.plain))
		c->counters.drop_message++;
	sodium_memzero(&opened, sizeof opened);
}

/* ---- Frames out ---- */

static bool may_send(const struct device_contact *contact)
{
	return device_contact_open(contact) && contact->has_peer_route && contact->has_route;
}

static void send_frame(
	struct device_contact *contact, const struct message_frame *frame, uint64_t now_ns)
{
	union {
		struct wire_inner inner;
		uint8_t bytes[DEVICE_HOP_INNER_MAX_BYTES];
	} cell = { .inner = { .kind = WIRE_LIVE, .frame_id = put64(frame->frame_id) } };

	memcpy(cell.inner.route, contact->peer_route, sizeof cell.inner.route);
	if (seal_payload(&contact->own, contact->peer_key, contact->psk, &cell.inner, &frame->plain,
		    frame->plain_len)) {
		contact->chappe->counters.send_failures++; /* the peer's key is no key */
		return;
	}
	device_hop_send(&contact->chappe->hop, &cell,
		sizeof cell.inner + frame->plain_len + SEAL_OVERHEAD_BYTES, now_ns);
}

static void tick_contact(struct device_contact *contact, uint64_t now_ns)
{
	struct chappe *c = contact->chappe;
	struct message_frame frame;

	if (contact->offer_ns && now_ns >= contact->offer_ns && device_contact_open(contact)) {
		contact->offer_ns = 0;
		message_offer(contact->messages, now_ns);
	}
	while (may_send(contact) && device_hop_ready(&c->hop, now_ns) &&
		message_next(contact->messages, now_ns, &frame))
		send_frame(contact, &frame, now_ns);
}

void device_messages_tick(struct chappe *c, uint64_t now_ns)
{
	for (size_t i = 0; i < c->contact_count; i++)
		tick_contact(c->contacts[i], now_ns);
}

void device_messages_restored(struct chappe *c, uint64_t now_ns)
{
	for (size_t i = 0; i < c->contact_count; i++) {
		struct device_contact *contact = c->contacts[i];
		if (contact->state == CHAPPE_CONTACT_GREETING && !contact->hello_number)
			device_pair_resume(contact);
		if (may_send(contact))
			message_path_restored(contact->messages, now_ns);
	}
}

uint64_t device_messages_deadline(const struct chappe *c)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < c->contact_count; i++) {
		const struct device_contact *contact = c->contacts[i];
		if (may_send(contact))
			due = device_earlier(due, message_deadline(contact->messages));
		if (contact->offer_ns && device_contact_open(contact))
			due = device_earlier(due, contact->offer_ns);
	}
	return due;
}

/* ---- The public side ---- */

enum chappe_error chappe_send(
	struct chappe *c, const char *name, const void *data, size_t len, uint64_t *message)
{
	struct device_contact *contact = device_contact_find(c, name);
	struct message_backlog backlog;
	uint64_t number = 0;

	if (!contact)
		return CHAPPE_ERR_NO_CONTACT;
	if (contact->state != CHAPPE_CONTACT_READY && contact->state != CHAPPE_CONTACT_GREETING)
		return CHAPPE_ERR_CONTACT_NOT_READY;
	if (len > CHAPPE_MESSAGE_MAX_BYTES)
		return CHAPPE_ERR_TOO_LARGE;
	backlog = message_backlog(contact->messages);
	if (backlog.messages >= DEVICE_QUEUE_MESSAGES_MAX ||
		backlog.bytes + len > DEVICE_QUEUE_BYTES_MAX)
		return CHAPPE_ERR_BUSY;
	switch (message_send(contact->messages, SEAL_DATA, data, len, &number)) {
	case 0:
		break;
	case -EMSGSIZE:
		return CHAPPE_ERR_TOO_LARGE;
	case -ENOMEM:
		return CHAPPE_ERR_NO_MEMORY;
	default:
		return CHAPPE_ERR_STORAGE;
	}
	if (message)
		*message = number;
	return CHAPPE_OK;
}
