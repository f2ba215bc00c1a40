#include "src/device/device.h"

#include <errno.h>

/* ---- Frames in ---- */

enum pin { PIN_RIGHT, PIN_OTHER, PIN_NOT_NOW };

/* The first key that seals under the link's secret is the contact's for good. A second one means
 * that somebody else had the link too: people must know. */
static enum pin pin(struct device_contact *contact, const uint8_t sender[WIRE_KEY_BYTES])
{
	struct chappe *c = contact->chappe;

	if (!contact->has_peer_key) {
		memcpy(contact->peer_key, sender, sizeof contact->peer_key);
		contact->has_peer_key = true;
		if (device_contact_save(contact)) {
			contact->has_peer_key = false;
			device_emit_error(c, contact->name, CHAPPE_ERR_STORAGE);
			return PIN_NOT_NOW;
		}
	}
	if (sodium_memcmp(contact->peer_key, sender, sizeof contact->peer_key) == 0)
		return PIN_RIGHT;
	c->counters.drop_other_key++;
	if (!contact->key_refused_reported) {
		contact->key_refused_reported = true;
		device_emit_error(c, contact->name, CHAPPE_ERR_KEY_REFUSED);
	}
	return PIN_OTHER;
}

/* Whoever writes to our route has it from our hello. */
static void note_answer(struct device_contact *contact)
{
	if (contact->state == CHAPPE_CONTACT_GREETING || contact->state == CHAPPE_CONTACT_GREETED)
		device_hello_arrived(contact);
}

/* Takes a frame of a contact. Returns 0; -EAGAIN: not now; -EBADMSG: it can never be of use: the
 * keys of a contact do not change, nor do a frame's bytes. */
static int take_sealed(
	struct device_contact *contact, const struct wire_inner *inner, size_t payload_len)
{
	struct chappe *c = contact->chappe;
	union {
		struct seal_plain plain;
		uint8_t bytes[SEAL_LARGE_PLAIN_BYTES];
	} opened;
	uint8_t sender[WIRE_KEY_BYTES];
	uint64_t frame_id = get64(inner->frame_id);
	int err = seal_open(&contact->own, contact->psk, inner, payload_len, sender, &opened.plain);

	if (err == -EBADMSG)
		c->counters.drop_seal++;
	else if (err)
		c->counters.drop_message++;
	if (err)
		return -EBADMSG;
	switch (pin(contact, sender)) {
	case PIN_RIGHT:
		if (inner->kind == WIRE_STORED)
			err = message_receive_stored(
				contact->messages, device_now(c), frame_id, &opened.plain);
		else
			err = message_receive(
				contact->messages, device_now(c), frame_id, &opened.plain);
		c->counters.drop_message += err != 0;
		if (!err)
			note_answer(contact);
		err = err == -EPROTO ? -EBADMSG : err ? -EAGAIN : 0;
		break;
	case PIN_OTHER:
		err = -EBADMSG;
		break;
	case PIN_NOT_NOW:
		err = -EAGAIN;
		break;
	}
	sodium_memzero(&opened, sizeof opened);
	return err;
}

/* The relay may forget a stored frame. */
static void send_receipt(struct chappe *c, const uint8_t *route, uint64_t frame_id)
{
	union {
		struct wire_inner inner;
		uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES];
	} cell = { .inner = { .kind = WIRE_RECEIVED, .frame_id = put64(frame_id) } };

	memcpy(cell.inner.route, route, sizeof cell.inner.route);
	if (device_hop_send(&c->hop, &cell, sizeof cell, device_now(c)) == 0)
		c->counters.receipts_sent++;
}

/* A frame that is of no use would come again until it is too old: the relay is told at once to
 * forget it. That of a contact we do not know (yet) is left to the relay. */
void device_message_frame(struct chappe *c, const struct wire_inner *inner, size_t payload_len)
{
	struct device_contact *contact = device_contact_by_route(c, inner->route);
	int err;

	if (!contact) {
		c->counters.drop_no_contact++;
		return;
	}
	err = device_contact_open(contact) ? take_sealed(contact, inner, payload_len) : -EBADMSG;
	if (err == -EBADMSG && inner->kind == WIRE_STORED)
		send_receipt(c, inner->route, get64(inner->frame_id));
}

void device_message_accepted(struct chappe *c, const struct wire_inner *inner)
{
	for (size_t i = 0; i < c->contact_count; i++) {
		struct device_contact *contact = c->contacts[i];
		if (device_contact_open(contact) && contact->has_peer_route &&
			memcmp(contact->peer_route, inner->route, WIRE_ROUTE_BYTES) == 0) {
			message_accepted(contact->messages, device_now(c), get64(inner->frame_id));
			return;
		}
	}
	c->counters.drop_no_contact++;
}

/* ---- Frames out ---- */

static bool may_send(const struct device_contact *contact)
{
	return device_contact_open(contact) && contact->has_peer_route && contact->has_route;
}

static void send_kept(
	struct device_contact *contact, const struct message_frame *frame, uint64_t now_ns)
{
	size_t len;
	const void *cell = device_outbox_cell(contact, frame->number, frame->index, &len);

	if (cell)
		device_hop_send(&contact->chappe->hop, cell, len, now_ns);
	else
		contact->chappe->counters.send_failures++;
}

static void send_frame(
	struct device_contact *contact, const struct message_frame *frame, uint64_t now_ns)
{
	union {
		struct wire_inner inner;
		uint8_t bytes[DEVICE_HOP_INNER_MAX_BYTES];
	} cell = { .inner = { .kind = frame->way.stored ? WIRE_STORED : WIRE_LIVE,
			   .ttl = frame->way.ttl,
			   .frame_id = put64(frame->frame_id) } };
	int (*seal)(const struct noise_keypair *, const uint8_t *, const uint8_t *,
		struct wire_inner *, const struct seal_plain *, size_t) =
		frame->way.stored ? seal_repeatable : seal_payload;

	memcpy(cell.inner.route, contact->peer_route, sizeof cell.inner.route);
	if (seal(&contact->own, contact->peer_key, contact->psk, &cell.inner, &frame->plain,
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
	uint64_t frame_id;

	if (contact->offer_ns && now_ns >= contact->offer_ns && device_contact_open(contact)) {
		contact->offer_ns = 0;
		message_offer(contact->messages, now_ns);
	}
	if (device_contact_open(contact))
		message_relay_heard(contact->messages, c->hop.received_ns);
	while (may_send(contact) && device_hop_ready(&c->hop, now_ns) &&
		message_next(contact->messages, now_ns, &frame)) {
		if (frame.kept)
			send_kept(contact, &frame, now_ns);
		else
			send_frame(contact, &frame, now_ns);
	}
	while (device_contact_open(contact) && device_hop_ready(&c->hop, now_ns) &&
		message_receipt(contact->messages, now_ns, &frame_id))
		send_receipt(c, contact->route, frame_id);
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
		if (contact->state == CHAPPE_CONTACT_GREETING ||
			contact->state == CHAPPE_CONTACT_GREETED)
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
		else if (device_contact_open(contact))
			due = device_earlier(due, message_receipt_deadline(contact->messages));
		if (contact->offer_ns && device_contact_open(contact))
			due = device_earlier(due, contact->offer_ns);
	}
	return due;
}
