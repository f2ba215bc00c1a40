#include "relay_peer.h"

#include <stdlib.h>

static struct peer_stored *find(struct relay_peer *relay, const struct wire_inner *inner)
{
	for (size_t i = 0; i < relay->stored_count; i++) {
		struct peer_stored *stored = &relay->stored[i];
		if (memcmp(stored->inner.route, inner->route, WIRE_ROUTE_BYTES) == 0 &&
			get64(stored->inner.frame_id) == get64(inner->frame_id))
			return stored;
	}
	return NULL;
}

static void answer(
	struct relay_peer *relay, struct peer_session *session, const struct wire_inner *inner)
{
	union {
		struct wire_inner inner;
		uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES];
	} cell = { .inner = { .kind = WIRE_ACCEPTED, .frame_id = inner->frame_id } };

	memcpy(cell.inner.route, inner->route, sizeof cell.inner.route);
	if (relay->lose_accepted > 0) {
		relay->lose_accepted--;
		return;
	}
	relay->counts.accepted++;
	relay_peer_send(relay, session, &cell, sizeof cell);
}

static bool keep(struct relay_peer *relay, const struct wire_inner *inner, size_t len)
{
	struct peer_stored *stored = find(relay, inner);

	if (stored) {
		relay->counts.stored_again++;
		relay->counts.changed +=
			stored->len != len || memcmp(stored->bytes, inner, len) != 0;
		return true;
	}
	if (relay->store_takes == 0 || relay->stored_count == PEER_STORED)
		return false;
	if (!relay->stored && !(relay->stored = calloc(PEER_STORED, sizeof *relay->stored)))
		abort();
	relay->store_takes -= relay->store_takes > 0;
	stored = &relay->stored[relay->stored_count++];
	stored->len = (uint16_t)len;
	stored->ttl = inner->ttl;
	memcpy(stored->bytes, inner, len);
	relay->counts.stored++;
	return true;
}

void relay_peer_store(struct relay_peer *relay, struct peer_session *session,
	const struct wire_inner *inner, size_t len)
{
	const struct peer_route *route = relay_peer_route(relay, inner->route);

	if (!route || relay->no_store)
		return;
	if (inner->kind == WIRE_STORED) {
		if (keep(relay, inner, len))
			answer(relay, session, inner);
		return;
	}
	if (route->device != session->device) {
		relay->counts.received_wrong++;
		return;
	}
	struct peer_stored *stored = find(relay, inner);
	if (stored) {
		relay->counts.received += !stored->received;
		stored->received = true;
	}
}

/* The session that a stored frame would go to now, if there is one. */
static struct peer_session *session_for(struct relay_peer *relay, const struct peer_stored *stored)
{
	const struct peer_route *route = relay_peer_route(relay, stored->inner.route);

	return stored->received || !route ? NULL : relay_peer_session(relay, route->device);
}

bool relay_peer_deliver(struct relay_peer *relay)
{
	unsigned int burst = 0, waiting[PEER_ROUTES] = { 0 };

	for (size_t i = 0; i < relay->stored_count && burst < PEER_STORED_BURST; i++) {
		struct peer_stored *stored = &relay->stored[i];
		struct peer_session *session = session_for(relay, stored);
		if (!session || session->link->cut)
			continue;
		ptrdiff_t n = relay_peer_route(relay, stored->inner.route) - relay->routes;
		if (++waiting[n] > PEER_STORED_WINDOW || stored->due_ns > relay->now_ns)
			continue;
		stored->due_ns = relay->now_ns + PEER_STORED_PAUSE_NS;
		stored->deliveries++;
		relay->counts.delivered++;
		relay_peer_send(relay, session, &stored->inner, stored->len);
		burst++;
	}
	return burst > 0;
}

uint64_t relay_peer_due(const struct relay_peer *relay)
{
	struct relay_peer *all = (struct relay_peer *)relay;
	uint64_t due_ns = UINT64_MAX;

	for (size_t i = 0; i < all->stored_count; i++) {
		struct peer_session *session = session_for(all, &all->stored[i]);
		if (session && !session->link->cut && all->stored[i].due_ns < due_ns)
			due_ns = all->stored[i].due_ns;
	}
	return due_ns;
}

size_t relay_peer_waiting(struct relay_peer *relay, int device)
{
	size_t count = 0;

	for (size_t i = 0; i < relay->stored_count; i++) {
		const struct peer_route *route =
			relay_peer_route(relay, relay->stored[i].inner.route);
		count += route && route->device == device && !relay->stored[i].received;
	}
	return count;
}
