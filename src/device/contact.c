#include "src/device/device.h"

#include <stdio.h>
#include <stdlib.h>

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

/* Names become file names and are shown on terminals: nothing that either could trip over. */
bool device_contact_name_ok(const char *name)
{
	size_t len = strnlen(name, CHAPPE_NAME_MAX_BYTES + 1);

	if (len == 0 || len > CHAPPE_NAME_MAX_BYTES || name[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && !strchr("._@+-", c))
			return false;
	}
	return true;
}

/* ---- The list ---- */

struct device_contact *device_contact_find(struct chappe *c, const char *name)
{
	for (size_t i = 0; i < c->contact_count; i++)
		if (!c->contacts[i]->ended && strcmp(c->contacts[i]->name, name) == 0)
			return c->contacts[i];
	return NULL;
}

struct device_contact *device_contact_by_route(struct chappe *c, const uint8_t *route)
{
	for (size_t i = 0; i < c->contact_count; i++) {
		struct device_contact *contact = c->contacts[i];
		if (contact->has_route && !contact->ended &&
			sodium_memcmp(contact->route, route, WIRE_ROUTE_BYTES) == 0)
			return contact;
	}
	return NULL;
}

struct device_contact *device_contact_make(struct chappe *c, const char *name)
{
	struct device_contact **list =
		realloc(c->contacts, (c->contact_count + 1) * sizeof *c->contacts);
	struct device_contact *contact = sodium_malloc(sizeof *contact);
	size_t at;

	if (list)
		c->contacts = list;
	if (!list || !contact) {
		sodium_free(contact);
		return NULL;
	}
	memset(contact, 0, sizeof *contact);
	contact->chappe = c;
	TAILQ_INIT(&contact->kept);
	snprintf(contact->name, sizeof contact->name, "%s", name);
	for (at = c->contact_count; at > 0 && strcmp(list[at - 1]->name, name) > 0; at--)
		list[at] = list[at - 1];
	list[at] = contact;
	c->contact_count++;
	return contact;
}

static void free_contact(struct device_contact *contact)
{
	if (contact->messages)
		message_close(contact->messages);
	device_outbox_free(contact);
	sodium_free(contact);
}

void device_contacts_free(struct chappe *c)
{
	for (size_t i = 0; i < c->contact_count; i++)
		free_contact(c->contacts[i]);
	free(c->contacts);
	c->contacts = NULL;
	c->contact_count = 0;
}

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

/* Contacts end from within callbacks of their own messages: they are freed when none is running. */
void device_contacts_sweep(struct chappe *c)
{
	size_t kept = 0;

	if (c->in_process)
		return;
	for (size_t i = 0; i < c->contact_count; i++) {
		struct device_contact *contact = c->contacts[i];
		if (contact->ended) {
			free_contact(contact);
			continue;
		}
		if (contact->messages && !device_contact_open(contact)) {
			message_close(contact->messages);
			contact->messages = NULL;
		}
		c->contacts[kept++] = contact;
	}
	c->contact_count = kept;
}

/* ---- Storing ---- */

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
			device_pair_restore_hello(contact);
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

/* ---- The public side ---- */

int device_contact_link(const struct device_contact *contact, char text[LINK_TEXT_BYTES])
{
	const struct device_relay *relay = &contact->chappe->relay;
	struct link link = { .kind = LINK_CONTACT, .relay_count = relay->name_count };
	int err;

	for (unsigned int i = 0; i < relay->name_count; i++)
		memcpy(link.relays[i], relay->names[i], sizeof link.relays[i]);
	memcpy(link.relay_key, relay->key, sizeof link.relay_key);
	memcpy(link.route, contact->route, sizeof link.route);
	memcpy(link.device_key, contact->own.public, sizeof link.device_key);
	memcpy(link.psk, contact->psk, sizeof link.psk);
	err = link_format(&link, text);
	link_wipe(&link);
	return err;
}

static void describe(const struct device_contact *contact, struct chappe_contact *out)
{
	_Static_assert(sizeof out->link >= LINK_TEXT_BYTES && sizeof out->safety >= SAS_BYTES, "");

	memset(out, 0, sizeof *out);
	snprintf(out->name, sizeof out->name, "%s", contact->name);
	out->state = contact->state;
	out->verified = contact->verified;
	if (contact->has_peer_key)
		sas_text(contact->own.public, contact->peer_key, contact->psk, out->safety);
	if (contact->state == CHAPPE_CONTACT_INVITED && device_contact_link(contact, out->link))
		out->link[0] = '\0';
}

enum chappe_error chappe_contact_get(struct chappe *c, const char *name, struct chappe_contact *out)
{
	const struct device_contact *contact = device_contact_find(c, name);

	if (!contact)
		return CHAPPE_ERR_NO_CONTACT;
	describe(contact, out);
	return CHAPPE_OK;
}

void chappe_contact_each(struct chappe *c,
	void (*each)(void *context, const struct chappe_contact *contact), void *context)
{
	struct chappe_contact out;

	for (size_t i = 0; i < c->contact_count; i++) {
		if (c->contacts[i]->ended)
			continue;
		describe(c->contacts[i], &out);
		each(context, &out);
	}
	sodium_memzero(&out, sizeof out);
}

enum chappe_error chappe_contact_set_verified(struct chappe *c, const char *name, bool verified)
{
	struct device_contact *contact = device_contact_find(c, name);
	bool before;
	enum chappe_error error;

	if (!contact)
		return CHAPPE_ERR_NO_CONTACT;
	if (!contact->has_peer_key || contact->state == CHAPPE_CONTACT_REVOKING)
		return CHAPPE_ERR_CONTACT_NOT_READY;
	before = contact->verified;
	contact->verified = verified;
	error = device_contact_save(contact);
	if (error)
		contact->verified = before;
	return error;
}
