#include "src/device/device.h"

#include <stdio.h>

static const char contact_prefix[] = "contact-";
static const char messages_prefix[] = "messages-";

enum { KEY_BYTES = DEVICE_CONTACT_KEY_BYTES };

static void storage_key(const char *prefix, const char *name, char key[KEY_BYTES])
{
	snprintf(key, KEY_BYTES, "%s%s", prefix, name);
}

void device_contact_messages_key(const struct device_contact *contact, char key[KEY_BYTES])
{
	storage_key(messages_prefix, contact->name, key);
}

enum chappe_error device_contact_save(struct device_contact *contact)
{
	struct device_text text = { 0 };
	char key[KEY_BYTES];

	device_text_add_number(&text, "chappe-contact", 1);
	device_text_add_number(&text, "state", contact->state);
	device_text_add_number(&text, "create-id", contact->create_id);
	if (contact->state != CHAPPE_CONTACT_REVOKING) {
		device_text_add_number(&text, "verified", contact->verified);
		device_text_add_number(&text, "link-taken", contact->link_taken);
		if (contact->state == CHAPPE_CONTACT_GREETED)
			device_text_add_number(&text, "greeted", contact->greeted_s);
		device_text_add_bytes(
			&text, "key", contact->own.secret, sizeof contact->own.secret);
		device_text_add_bytes(&text, "psk", contact->psk, sizeof contact->psk);
	}
	if (contact->has_route)
		device_text_add_bytes(&text, "route", contact->route, sizeof contact->route);
	if (contact->has_peer_key)
		device_text_add_bytes(
			&text, "peer-key", contact->peer_key, sizeof contact->peer_key);
	if (contact->has_peer_route)
		device_text_add_bytes(
			&text, "peer-route", contact->peer_route, sizeof contact->peer_route);
	storage_key(contact_prefix, contact->name, key);
	return device_stored_put_text(contact->chappe, key, &text);
}

static bool parse_contact(struct device_contact *contact, const struct device_text *text)
{
	uint64_t version, state, verified = 0, link_taken = 0;

	if (!device_text_get_number(text, "chappe-contact", &version) || version != 1 ||
		!device_text_get_number(text, "state", &state) || state < CHAPPE_CONTACT_CREATING ||
		state > CHAPPE_CONTACT_GREETED ||
		!device_text_get_number(text, "create-id", &contact->create_id))
		return false;
	contact->state = (enum chappe_contact_state)state;
	contact->has_route =
		device_text_get_bytes(text, "route", contact->route, sizeof contact->route);
	if (contact->state == CHAPPE_CONTACT_REVOKING)
		return true;
	if (!device_text_get_number(text, "verified", &verified) ||
		!device_text_get_number(text, "link-taken", &link_taken) ||
		!device_text_get_bytes(
			text, "key", contact->own.secret, sizeof contact->own.secret) ||
		!device_text_get_bytes(text, "psk", contact->psk, sizeof contact->psk))
		return false;
	contact->verified = verified != 0;
	contact->link_taken = link_taken != 0;
	(void)device_text_get_number(text, "greeted", &contact->greeted_s);
	contact->has_peer_key = device_text_get_bytes(
		text, "peer-key", contact->peer_key, sizeof contact->peer_key);
	contact->has_peer_route = device_text_get_bytes(
		text, "peer-route", contact->peer_route, sizeof contact->peer_route);
	noise_public_key(&contact->own);
	return true;
}

struct load {
	struct chappe *c;
	enum chappe_error error;
};

static void found_contact(void *context, const char *key)
{
	struct load *load = context;
	const char *name = key + sizeof contact_prefix - 1;

	if (load->error || !device_contact_name_ok(name))
		return;
	if (!device_contact_make(load->c, name))
		load->error = CHAPPE_ERR_NO_MEMORY;
}

static enum chappe_error load_contact(
	struct device_contact *contact, struct device_outbox_keys *keys)
{
	struct device_text text;
	char key[KEY_BYTES];
	bool found;
	enum chappe_error error;

	storage_key(contact_prefix, contact->name, key);
	error = device_stored_get_text(contact->chappe, key, &text, &found);
	if (!error && (!found || !parse_contact(contact, &text)))
		error = CHAPPE_ERR_DAMAGED;
	sodium_memzero(&text, sizeof text);
	if (!error && contact->state != CHAPPE_CONTACT_REVOKING) {
		error = device_messages_open(contact);
		if (!error)
			error = device_outbox_restore(contact, keys);
		if (!error)
			device_hello_restore(contact);
	}
	if (error == CHAPPE_ERR_DAMAGED)
		device_emit_error(contact->chappe, contact->name, error);
	if (!error)
		device_pair_resume(contact);
	return error;
}

enum chappe_error device_contacts_load(struct chappe *c)
{
	struct load load = { .c = c };
	struct device_outbox_keys *keys = NULL;

	if (device_stored_list(c, contact_prefix, found_contact, &load))
		return CHAPPE_ERR_STORAGE;
	if (!load.error)
		load.error = device_outbox_list(c, &keys);
	for (size_t i = 0; i < c->contact_count && !load.error; i++)
		load.error = load_contact(c->contacts[i], keys);
	if (load.error)
		device_outbox_free_keys(keys);
	else
		device_outbox_sweep(c, keys);
	return load.error;
}

/* ---- The end ---- */

void device_contact_end(struct device_contact *contact)
{
	struct chappe *c = contact->chappe;
	char key[KEY_BYTES];

	storage_key(messages_prefix, contact->name, key);
	device_stored_remove(c, key);
	device_outbox_forget(contact);
	storage_key(contact_prefix, contact->name, key);
	if (device_stored_remove(c, key))
		device_emit_error(c, contact->name, CHAPPE_ERR_STORAGE);
	contact->ended = true;
}
