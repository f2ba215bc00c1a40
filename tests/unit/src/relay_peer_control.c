#include "relay_peer.h"

struct peer_route *relay_peer_route(struct relay_peer *relay, const uint8_t *route)
{
	for (int i = 0; i < PEER_ROUTES; i++)
		if (relay->routes[i].used &&
			memcmp(relay->routes[i].route, route, WIRE_ROUTE_BYTES) == 0)
			return &relay->routes[i];
	return NULL;
}

static enum control_status create(struct relay_peer *relay, int device, uint64_t frame_id,
	const uint8_t *body, uint8_t route[WIRE_ROUTE_BYTES])
{
	struct peer_route *free_slot = NULL;
	struct control_route_create request;
	uint32_t used = 0;

	for (int i = 0; i < PEER_ROUTES; i++) {
		struct peer_route *r = &relay->routes[i];
		if (!r->used) {
			free_slot = free_slot ? free_slot : r;
			continue;
		}
		used += r->device == device;
		if (r->device == device && r->frame_id == frame_id) {
			memcpy(route, r->route, WIRE_ROUTE_BYTES);
			return CONTROL_OK;
		}
	}
	if (used >= relay->routes_max || !free_slot)
		return CONTROL_FULL;
	memcpy(&request, body, sizeof request);
	free_slot->used = true;
	free_slot->device = device;
	free_slot->frame_id = frame_id;
	free_slot->flags = get32(request.flags);
	randombytes_buf(free_slot->route, sizeof free_slot->route);
	memcpy(route, free_slot->route, WIRE_ROUTE_BYTES);
	return CONTROL_OK;
}

static enum control_status revoke(struct relay_peer *relay, int device, const uint8_t *body)
{
	struct peer_route *route = relay_peer_route(relay, body);

	if (!route || route->device != device)
		return CONTROL_NO_ROUTE;
	memset(route, 0, sizeof *route);
	return CONTROL_OK;
}

void relay_peer_control(
	struct relay_peer *relay, struct peer_session *session, const struct wire_inner *inner)
{
	union {
		struct wire_inner inner;
		uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES];
	} cell = { .inner = { .kind = WIRE_CONTROL, .frame_id = inner->frame_id } };
	struct control_head head;
	struct control_limits_answer limits = { .routes_max = put32(relay->routes_max) };
	struct control_route_answer route = { 0 };
	enum control_status status = CONTROL_UNKNOWN_OP;
	const uint8_t *body = inner->payload + sizeof head;
	const void *answer = &route.status;
	size_t len = sizeof route.status;

	relay->counts.controls++;
	memcpy(&head, inner->payload, sizeof head);
	switch (get16(head.op)) {
	case CONTROL_OP_ROUTE_CREATE:
		status = create(relay, session->device, get64(inner->frame_id), body, route.route);
		answer = &route;
		len = sizeof route;
		break;
	case CONTROL_OP_ROUTE_REVOKE:
		status = revoke(relay, session->device, body);
		break;
	case CONTROL_OP_LIMITS_GET:
		status = CONTROL_OK;
		answer = &limits;
		len = sizeof limits;
		break;
	}
	if (relay->controls_busy)
		status = CONTROL_BUSY;
	route.status = limits.status = put16((uint16_t)status);
	head = (struct control_head){ put16(get16(head.op) | CONTROL_OP_ANSWER),
		put16((uint16_t)len) };
	memcpy(cell.inner.payload, &head, sizeof head);
	memcpy(cell.inner.payload + sizeof head, answer, len);
	if (relay->lose_control_answers > 0) {
		relay->lose_control_answers--;
		return;
	}
	relay_peer_send(relay, session, &cell, sizeof cell);
}
