#include "src/device/device.h"

size_t chappe_unacknowledged(const struct chappe *c)
{
	size_t count = 0;

	for (size_t i = 0; i < c->contact_count; i++)
		if (c->contacts[i]->messages)
			count += message_backlog(c->contacts[i]->messages).messages;
	return count;
}

static uint32_t acknowledgements_owed(const struct chappe *c)
{
	uint32_t count = 0;

	for (size_t i = 0; i < c->contact_count; i++)
		count += c->contacts[i]->messages && c->contacts[i]->has_peer_route &&
			 message_owes_earlier(c->contacts[i]->messages);
	return count;
}

static const char *suite_name(enum wire_suite suite)
{
	return suite == WIRE_SUITE_AES256GCM ? "AES-256-GCM" : "ChaCha20-Poly1305";
}

void chappe_get_status(const struct chappe *c, struct chappe_status *status)
{
	const struct device_session *session = c->hop.current;

	*status = (struct chappe_status){
		.joined = c->joined,
		.state = c->hop.state,
		.error = c->hop.error,
		.relay = c->joined ? c->relay.names[c->hop.relay_number] : "",
		.suite = session ? suite_name(c->hop.current_suite) : "",
		.session_age_ns = session ? device_now(c) - session->created_ns : 0,
		.keepalive_s = c->hop.grant.keepalive_s,
		.routes_max = c->routes_max,
		.frames_per_s = c->hop.grant.frames_per_s,
		.bytes_per_s = c->hop.grant.bytes_per_s,
		.contacts = (uint32_t)c->contact_count,
		.unacknowledged = chappe_unacknowledged(c),
		.acknowledgements_owed = acknowledgements_owed(c),
		.counters = c->counters,
	};
	memcpy(status->relay_key, c->relay.key, sizeof status->relay_key);
	memcpy(status->device_key, c->relay.identity.public, sizeof status->device_key);
}
