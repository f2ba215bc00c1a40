#include "src/device/device.h"

#include <stdio.h>

/* ---- Beginning ---- */

static void ask_route(struct device_contact *contact)
{
	const struct control_route_create body = { put32(CONTROL_ROUTE_LIVE) };

	device_op_start(contact->chappe, &contact->op, CONTROL_OP_ROUTE_CREATE, contact->create_id,
		&body, sizeof body);
}

static void ask_revocation(struct device_contact *contact)
{
	struct control_route body;
	uint64_t frame_id;

	memcpy(body.route, contact->route, sizeof body.route);
	randombytes_buf(&frame_id, sizeof frame_id);
	device_op_start(contact->chappe, &contact->op, CONTROL_OP_ROUTE_REVOKE, frame_id, &body,
		sizeof body);
}

static enum chappe_error may_begin(struct chappe *c, const char *name)
{
	if (!c->joined)
		return CHAPPE_ERR_NOT_JOINED;
	if (!device_contact_name_ok(name))
		return CHAPPE_ERR_BAD_NAME;
	return device_contact_find(c, name) ? CHAPPE_ERR_CONTACT_EXISTS : CHAPPE_OK;
}

/* peer is the other's link, or NULL where this side makes the link. */
static enum chappe_error begin(struct chappe *c, const char *name, const struct link *peer)
{
	struct device_contact *contact = device_contact_make(c, name);
	enum chappe_error error;

	if (!contact)
		return CHAPPE_ERR_NO_MEMORY;
	contact->state = CHAPPE_CONTACT_CREATING;
	noise_generate(&contact->own);
	randombytes_buf(&contact->create_id, sizeof contact->create_id);
	if (peer) {
		contact->link_taken = contact->has_peer_key = contact->has_peer_route = true;
		memcpy(contact->psk, peer->psk, sizeof contact->psk);
		memcpy(contact->peer_key, peer->device_key, sizeof contact->peer_key);
		memcpy(contact->peer_route, peer->route, sizeof contact->peer_route);
	} else {
		randombytes_buf(contact->psk, sizeof contact->psk);
	}
	error = device_messages_open(contact);
	if (!error)
		error = device_contact_save(contact);
	if (error) {
		contact->ended = true;
		device_contacts_sweep(c);
		return error;
	}
	ask_route(contact);
	return CHAPPE_OK;
}

enum chappe_error chappe_contact_new(struct chappe *c, const char *name)
{
	enum chappe_error error = may_begin(c, name);

	return error ? error : begin(c, name, NULL);
}

static bool is_own_link(const struct chappe *c, const struct link *link)
{
	for (size_t i = 0; i < c->contact_count; i++)
		if (memcmp(c->contacts[i]->own.public, link->device_key, WIRE_KEY_BYTES) == 0)
			return true;
	return false;
}

static enum chappe_error check_link(struct chappe *c, const struct link *link)
{
	if (sodium_memcmp(link->relay_key, c->relay.key, sizeof link->relay_key) != 0)
		return CHAPPE_ERR_OTHER_RELAY;
	if (is_own_link(c, link)) {
		snprintf(c->link_problem, sizeof c->link_problem,
			"this device made the link itself: the other person adds it");
		return CHAPPE_ERR_BAD_LINK;
	}
	return CHAPPE_OK;
}

enum chappe_error chappe_contact_add(struct chappe *c, const char *name, const char *text)
{
	struct link link;
	struct link_error problem;
	enum chappe_error error = may_begin(c, name);

	c->link_problem[0] = '\0';
	if (error)
		return error;
	if (link_parse(text, strlen(text), LINK_CONTACT, &link, &problem)) {
		link_error_text(&problem, c->link_problem);
		return CHAPPE_ERR_BAD_LINK;
	}
	error = check_link(c, &link);
	if (!error)
		error = begin(c, name, &link);
	link_wipe(&link);
	return error;
}

/* ---- Answers of the relay ---- */

static void take_route(struct device_contact *contact, const uint8_t *body, size_t len)
{
	struct chappe *c = contact->chappe;
	struct control_route_answer answer;
	char link[LINK_TEXT_BYTES] = "";

	if (len < sizeof answer) {
		c->counters.drop_inner++;
		ask_route(contact);
		return;
	}
	memcpy(&answer, body, sizeof answer);
	memcpy(contact->route, answer.route, sizeof contact->route);
	contact->has_route = true;
	if (contact->state == CHAPPE_CONTACT_REVOKING) {
		ask_revocation(contact);
		return;
	}
	contact->state = contact->link_taken ? CHAPPE_CONTACT_GREETING : CHAPPE_CONTACT_INVITED;
	if (device_contact_save(contact)) {
		/* after a restart the relay gives the same route under the same frame_id */
		device_emit_error(c, contact->name, CHAPPE_ERR_STORAGE);
	}
	if (contact->link_taken) {
		device_hello_say(contact);
	} else if (device_contact_link(contact, link) == 0) {
		device_emit(c, &(struct chappe_event){ .type = CHAPPE_EVENT_CONTACT_LINK,
				       .contact = contact->name,
				       .link = link });
	}
	sodium_memzero(link, sizeof link);
}

static void end(struct device_contact *contact)
{
	device_contact_end(contact);
	device_emit(contact->chappe, &(struct chappe_event){ .type = CHAPPE_EVENT_CONTACT_REVOKED,
					     .contact = contact->name });
}

void device_pair_answer(
	struct device_contact *contact, enum control_status status, const uint8_t *body, size_t len)
{
	bool create = contact->op.op == CONTROL_OP_ROUTE_CREATE;

	if (create && status == CONTROL_OK) {
		take_route(contact, body, len);
	} else if (contact->state == CHAPPE_CONTACT_REVOKING) {
		/* revoked, or never made, or gone already */
		end(contact);
	} else {
		device_emit_error(contact->chappe, contact->name,
			status == CONTROL_FULL ? CHAPPE_ERR_NO_ROUTES : CHAPPE_ERR_INTERNAL);
		device_contact_end(contact);
	}
}

void device_pair_resume(struct device_contact *contact)
{
	if (contact->state == CHAPPE_CONTACT_REVOKING && contact->has_route)
		ask_revocation(contact);
	else if (contact->state == CHAPPE_CONTACT_REVOKING ||
		 contact->state == CHAPPE_CONTACT_CREATING)
		ask_route(contact);
	else if (device_hello_due(contact))
		device_hello_say(contact);
}

/* ---- Ending ---- */

enum chappe_error chappe_contact_revoke(struct chappe *c, const char *name)
{
	struct device_contact *contact = device_contact_find(c, name);
	enum chappe_contact_state before;
	char key[DEVICE_CONTACT_KEY_BYTES];

	if (!contact)
		return CHAPPE_ERR_NO_CONTACT;
	if (contact->state == CHAPPE_CONTACT_REVOKING)
		return CHAPPE_OK;
	before = contact->state;
	contact->state = CHAPPE_CONTACT_REVOKING;
	if (device_contact_save(contact)) {
		contact->state = before;
		return CHAPPE_ERR_STORAGE;
	}
	device_contact_messages_key(contact, key);
	device_stored_remove(c, key);
	device_outbox_forget(contact);
	sodium_memzero(&contact->own, sizeof contact->own);
	sodium_memzero(contact->psk, sizeof contact->psk);
	sodium_memzero(contact->peer_key, sizeof contact->peer_key);
	contact->has_peer_key = contact->has_peer_route = contact->verified = false;
	contact->hello_number = 0;
	device_pair_resume(contact);
	device_contacts_sweep(c);
	return CHAPPE_OK;
}
