#include "src/device/device.h"

#include <stdio.h>
#include <stdlib.h>

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

/* ---- The public side ---- */

void device_contact_fill_link(const struct device_contact *contact, struct link *link)
{
	const struct device_relay *relay = &contact->chappe->relay;

	*link = (struct link){ .relay_count = relay->name_count };
	for (unsigned int i = 0; i < relay->name_count; i++)
		memcpy(link->relays[i], relay->names[i], sizeof link->relays[i]);
	memcpy(link->relay_key, relay->key, sizeof link->relay_key);
	memcpy(link->route, contact->route, sizeof link->route);
}

int device_contact_link(const struct device_contact *contact, char text[LINK_TEXT_BYTES])
{
	struct link link;
	int err;

	device_contact_fill_link(contact, &link);
	link.kind = LINK_CONTACT;
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
