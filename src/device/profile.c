#include "src/device/device.h"

#include <errno.h>
#include <stdio.h>

static const char profile_key[] = "device";
static const char attempt_key[] = "attempt";

static bool all_zero(const uint8_t *bytes, size_t len)
{
	return sodium_is_zero(bytes, len);
}

/* ---- Storing ---- */

enum chappe_error device_profile_save(struct chappe *c)
{
	const struct device_relay *relay = &c->relay;
	struct device_text text = { 0 };

	device_text_add_number(&text, "chappe-device", 1);
	device_text_add_bytes(&text, "key", relay->identity.secret, sizeof relay->identity.secret);
	device_text_add_bytes(&text, "psk", relay->psk, sizeof relay->psk);
	device_text_add_bytes(&text, "relay-key", relay->key, sizeof relay->key);
	device_text_add_bytes(
		&text, "invitation", relay->invitation_id, sizeof relay->invitation_id);
	for (unsigned int i = 0; i < relay->name_count; i++)
		device_text_add(&text, "relay", relay->names[i]);
	return device_stored_put_text(c, profile_key, &text);
}

int device_profile_save_attempt(void *context, uint64_t attempt)
{
	struct chappe *c = context;
	struct device_text text = { 0 };

	device_text_add_number(&text, "attempt", attempt);
	return device_stored_put_text(c, attempt_key, &text) ? -errno : 0;
}

static bool parse_profile(struct chappe *c, const struct device_text *text)
{
	struct device_relay *relay = &c->relay;
	uint64_t version;

	if (!device_text_get_number(text, "chappe-device", &version) || version != 1 ||
		!device_text_get_bytes(
			text, "key", relay->identity.secret, sizeof relay->identity.secret) ||
		!device_text_get_bytes(text, "psk", relay->psk, sizeof relay->psk) ||
		!device_text_get_bytes(text, "relay-key", relay->key, sizeof relay->key) ||
		!device_text_get_bytes(
			text, "invitation", relay->invitation_id, sizeof relay->invitation_id))
		return false;
	while (relay->name_count < DEVICE_RELAYS_MAX &&
		device_text_get(text, "relay", relay->name_count, relay->names[relay->name_count],
			sizeof relay->names[0]))
		relay->name_count++;
	noise_public_key(&relay->identity);
	return relay->name_count > 0;
}

enum chappe_error device_profile_load(struct chappe *c)
{
	struct device_text text;
	bool found;
	enum chappe_error error = device_stored_get_text(c, profile_key, &text, &found);

	if (error || !found)
		return error;
	if (!parse_profile(c, &text))
		error = CHAPPE_ERR_DAMAGED;
	sodium_memzero(&text, sizeof text);
	if (error)
		return error;
	error = device_stored_get_text(c, attempt_key, &text, &found);
	if (!error && found && !device_text_get_number(&text, "attempt", &c->relay.attempt))
		error = CHAPPE_ERR_DAMAGED;
	c->joined = !error;
	c->enrolled = all_zero(c->relay.invitation_id, sizeof c->relay.invitation_id);
	return error;
}

/* ---- Joining ---- */

static void relay_from_invitation(struct device_relay *relay, const struct link *invitation)
{
	memset(relay, 0, sizeof *relay);
	memcpy(relay->key, invitation->relay_key, sizeof relay->key);
	memcpy(relay->psk, invitation->secret, sizeof relay->psk);
	memcpy(relay->invitation_id, invitation->invitation_id, sizeof relay->invitation_id);
	for (unsigned int i = 0; i < invitation->relay_count && i < DEVICE_RELAYS_MAX; i++) {
		snprintf(relay->names[i], sizeof relay->names[i], "%s", invitation->relays[i]);
		relay->name_count++;
	}
	noise_generate(&relay->identity);
}

static enum chappe_error join(struct chappe *c, const struct link *invitation)
{
	struct device_relay before = c->relay;
	enum chappe_error error = CHAPPE_OK;

	relay_from_invitation(&c->relay, invitation);
	if (device_profile_save_attempt(c, 0))
		error = CHAPPE_ERR_STORAGE;
	if (!error)
		error = device_profile_save(c);
	if (error) {
		c->relay = before;
	} else {
		c->joined = true;
		c->enrolled = false;
		c->limits_known = false;
		device_start_hop(c);
	}
	sodium_memzero(&before, sizeof before);
	return error;
}

enum chappe_error chappe_join(struct chappe *c, const char *text)
{
	struct link invitation;
	struct link_error problem;
	enum chappe_error error;

	c->link_problem[0] = '\0';
	if (c->joined && c->enrolled)
		return CHAPPE_ERR_ALREADY_JOINED;
	if (link_parse(text, strlen(text), LINK_INVITE, &invitation, &problem)) {
		link_error_text(&problem, c->link_problem);
		return CHAPPE_ERR_BAD_LINK;
	}
	/* whether it has expired is for the relay to say, whose clock counts */
	error = join(c, &invitation);
	link_wipe(&invitation);
	return error;
}

void device_profile_enrolled(struct chappe *c)
{
	uint8_t id[WIRE_INVITATION_ID_BYTES];

	if (c->enrolled)
		return;
	memcpy(id, c->relay.invitation_id, sizeof id);
	memset(c->relay.invitation_id, 0, sizeof c->relay.invitation_id);
	if (device_profile_save(c)) {
		/* the next answer tries again */
		memcpy(c->relay.invitation_id, id, sizeof id);
		device_emit_error(c, NULL, CHAPPE_ERR_STORAGE);
	} else {
		c->enrolled = true;
		device_emit(c, &(struct chappe_event){ .type = CHAPPE_EVENT_JOINED });
	}
	sodium_memzero(id, sizeof id);
}

const char *chappe_link_problem(const struct chappe *c)
{
	return c->link_problem;
}
