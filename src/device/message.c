#include "src/device/device.h"

#include <errno.h>

static const uint64_t OFFER_PAUSE_NS = 1000000000;

static int save(void *context, const uint8_t *record, size_t len)
{
	struct device_contact *contact = context;
	struct chappe *c = contact->chappe;
	char key[DEVICE_CONTACT_KEY_BYTES];
	int err;

	if (contact->ended || contact->state == CHAPPE_CONTACT_REVOKING)
		return 0; /* a contact that has ended leaves nothing behind */
	device_contact_messages_key(contact, key);
	err = device_stored_put(c, key, record, len);
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
	if (type == SEAL_HELLO) {
		int err = device_hello_take(contact, data, len);
		if (err == -EAGAIN)
			contact->offer_ns = device_now(c) + OFFER_PAUSE_NS;
		return err;
	}
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
		device_hello_arrived(contact);
		return;
	}
	c->counters.messages_sent++;
	device_emit(c, &(struct chappe_event){ .type = CHAPPE_EVENT_ACKNOWLEDGED,
			       .contact = contact->name,
			       .message = number });
}

static void accepted(void *context, uint64_t number)
{
	struct device_contact *contact = context;
	struct chappe *c = contact->chappe;

	if (number == contact->hello_number) {
		device_hello_accepted(contact);
		return;
	}
	c->counters.messages_accepted++;
	device_emit(c, &(struct chappe_event){ .type = CHAPPE_EVENT_ACCEPTED,
			       .contact = contact->name,
			       .message = number });
}

static void not_accepted(void *context, uint64_t number)
{
	struct device_contact *contact = context;

	device_emit(contact->chappe, &(struct chappe_event){ .type = CHAPPE_EVENT_NOT_ACCEPTED,
					     .error = CHAPPE_ERR_NOT_ACCEPTED,
					     .contact = contact->name,
					     .message = number });
}

static const struct message_calls calls = {
	.save = save,
	.deliver = deliver,
	.acknowledged = acknowledged,
	.accepted = accepted,
	.not_accepted = not_accepted,
	.keep = device_outbox_keep,
	.discard = device_outbox_discard,
};

enum chappe_error device_messages_open(struct device_contact *contact)
{
	uint8_t record[MESSAGE_RECORD_BYTES];
	char key[DEVICE_CONTACT_KEY_BYTES];
	ssize_t len;
	int err;

	device_contact_messages_key(contact, key);
	len = device_stored_get(contact->chappe, key, record, sizeof record);
	if (len < 0 && len != -ENOENT)
		return len == -EMSGSIZE ? CHAPPE_ERR_DAMAGED : CHAPPE_ERR_STORAGE;
	err = message_open(&contact->messages, &calls, contact, record, len > 0 ? (size_t)len : 0);
	if (err)
		return err == -ENOMEM ? CHAPPE_ERR_NO_MEMORY : CHAPPE_ERR_DAMAGED;
	if (contact->chappe->acknowledge_within_s)
		message_set_stored_ack_bound(contact->messages,
			contact->chappe->acknowledge_within_s * UINT64_C(1000000000));
	return CHAPPE_OK;
}
