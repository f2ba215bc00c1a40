#include "src/device/device.h"

#include <errno.h>
#include <time.h>

/* Live, where both are there it takes no longer than the way; and stored, so that one of them need
 * not be there. */
static const struct message_way hello_way = { .live = true, .stored = true };

/* The relay keeps what it stores for 21 days, or less: after so long a hello is repeated. */
static const uint64_t GREETED_S = 14 * 24 * 3600;

static uint64_t wall_clock_s(void)
{
	return (uint64_t)time(NULL);
}

static int write_hello(
	const struct device_contact *contact, uint8_t hello[LINK_HELLO_BYTES_MAX], size_t *len)
{
	struct link own;
	int err;

	device_contact_fill_link(contact, &own);
	own.kind = LINK_HELLO;
	err = hello_write(&own, hello, len);
	link_wipe(&own);
	return err;
}

void device_hello_say(struct device_contact *contact)
{
	uint8_t hello[LINK_HELLO_BYTES_MAX];
	size_t len = 0;

	if (write_hello(contact, hello, &len) ||
		message_send_way(contact->messages, SEAL_HELLO, &hello_way, hello, len,
			&contact->hello_number)) {
		contact->hello_number = 0;
		device_emit_error(contact->chappe, contact->name, CHAPPE_ERR_STORAGE);
	}
	sodium_memzero(hello, sizeof hello);
}

void device_hello_restore(struct device_contact *contact)
{
	uint64_t number = message_kept_hello(contact->messages);
	uint8_t hello[LINK_HELLO_BYTES_MAX];
	size_t len = 0;

	if (!number)
		return;
	if (contact->state != CHAPPE_CONTACT_GREETING && contact->state != CHAPPE_CONTACT_GREETED) {
		(void)message_cancel(contact->messages, number); /* it has arrived */
		return;
	}
	contact->hello_number = number;
	/* where there is no memory it goes stored alone */
	if (write_hello(contact, hello, &len) == 0)
		(void)message_repeat_live(contact->messages, number, hello, len);
	sodium_memzero(hello, sizeof hello);
}

static void become_ready(struct device_contact *contact)
{
	device_emit(contact->chappe, &(struct chappe_event){ .type = CHAPPE_EVENT_CONTACT_READY,
					     .contact = contact->name });
}

/* The first hello makes the contact; a repeated one comes from a device that was restarted before
 * it had our acknowledgement, and may bring a new route. */
int device_hello_take(struct device_contact *contact, const uint8_t *data, size_t len)
{
	struct chappe *c = contact->chappe;
	struct device_contact before = *contact;
	struct link hello;
	struct link_error problem;
	int err = 0;

	if (hello_read(data, len, contact->peer_key, contact->psk, &hello, &problem)) {
		c->counters.drop_message++;
		return -EPROTO;
	}
	if (sodium_memcmp(hello.relay_key, c->relay.key, sizeof hello.relay_key) != 0) {
		device_emit_error(c, contact->name, CHAPPE_ERR_OTHER_RELAY);
		err = -EPROTO;
	} else if (!contact->link_taken) {
		memcpy(contact->peer_route, hello.route, sizeof contact->peer_route);
		contact->has_peer_route = true;
		contact->state = CHAPPE_CONTACT_READY;
		if (device_contact_save(contact)) {
			*contact = before;
			device_emit_error(c, contact->name, CHAPPE_ERR_STORAGE);
			err = -EAGAIN;
		} else if (before.state != CHAPPE_CONTACT_READY) {
			become_ready(contact);
		}
	}
	link_wipe(&hello);
	sodium_memzero(&before, sizeof before);
	return err;
}

void device_hello_arrived(struct device_contact *contact)
{
	if (contact->hello_number)
		(void)message_cancel(contact->messages, contact->hello_number);
	contact->hello_number = 0;
	if (contact->state != CHAPPE_CONTACT_GREETING && contact->state != CHAPPE_CONTACT_GREETED)
		return;
	contact->state = CHAPPE_CONTACT_READY;
	if (device_contact_save(contact)) /* after a restart it says hello once more */
		device_emit_error(contact->chappe, contact->name, CHAPPE_ERR_STORAGE);
	become_ready(contact);
}

void device_hello_accepted(struct device_contact *contact)
{
	bool again = contact->state == CHAPPE_CONTACT_GREETED;

	contact->hello_number = 0;
	if (contact->state != CHAPPE_CONTACT_GREETING && !again)
		return;
	contact->state = CHAPPE_CONTACT_GREETED;
	contact->greeted_s = wall_clock_s();
	if (device_contact_save(contact)) /* after a restart it says hello once more */
		device_emit_error(contact->chappe, contact->name, CHAPPE_ERR_STORAGE);
	if (!again)
		device_emit(contact->chappe,
			&(struct chappe_event){
				.type = CHAPPE_EVENT_CONTACT_GREETED, .contact = contact->name });
}

/* Nobody has our hello, or the relay may have forgotten it by now. */
bool device_hello_due(const struct device_contact *contact)
{
	uint64_t now_s = wall_clock_s();
	bool old = now_s < contact->greeted_s || now_s - contact->greeted_s > GREETED_S;

	return !contact->hello_number && (contact->state == CHAPPE_CONTACT_GREETING ||
						 (contact->state == CHAPPE_CONTACT_GREETED && old));
}
