/* Devices of the relay: their sessions, what they seal and open. */
#include "relay.h"

void device_install(struct relay *relay, struct device_end *device, uint32_t slot, uint32_t owner,
	enum wire_suite suite, const struct endpoint *at)
{
	memset(device, 0, sizeof *device);
	device->slot = slot;
	device->at = *at;
	device->peer_index = randombytes_random();
	randombytes_buf(device->to_relay, sizeof device->to_relay);
	randombytes_buf(device->from_relay, sizeof device->from_relay);
	randombytes_buf(device->route, sizeof device->route);
	assert_int_equal(hop_key_init(&device->seal, suite, device->to_relay), 0);
	assert_int_equal(hop_key_init(&device->open, suite, device->from_relay), 0);
	assert_int_equal(
		tables_device_set(relay->tables, &(struct table_device){ .slot = slot }), 0);
	struct table_route route = { .device = slot, .flags = CONTROL_ROUTE_LIVE };
	memcpy(route.route, device->route, sizeof route.route);
	assert_int_equal(tables_route_set(relay->tables, &route), 0);
	assert_int_equal(tables_lease(relay->tables, owner, &device->index), 0);
	struct table_install install = {
		.index = device->index,
		.device = slot,
		.peer_index = device->peer_index,
		.suite = (uint16_t)suite,
		.hard_lifetime_s = WIRE_HARD_LIFETIME_S,
		.endpoint = *at,
	};
	memcpy(install.receive_key, device->to_relay, WIRE_KEY_BYTES);
	memcpy(install.send_key, device->from_relay, WIRE_KEY_BYTES);
	assert_int_equal(tables_session_install(relay->tables, &install), 0);
}

void device_connect(struct relay *relay, struct device_end *device, uint32_t slot, uint32_t owner,
	enum wire_suite suite, const struct endpoint *at)
{
	uint8_t frame[WIRE_SMALL_BYTES];
	struct datagram datagram;

	device_install(relay, device, slot, owner, suite, at);
	inner_make(frame, sizeof frame, WIRE_KEEPALIVE, NULL);
	device_send(relay, device, frame, sizeof frame);
	for (uint32_t i = 0; i <= relay->worker_count; i++)
		relay_turn(relay);
	uint16_t port = 0;
	while (relay->port_ids[port] != at->port)
		port++;
	if (!relay_transmitted(relay, port, &datagram)) {
		relay_print(relay);
		fail_msg("no answer to the keepalive");
	}
	device_open(device, &datagram);
}

void inner_make(uint8_t *frame, uint32_t len, enum wire_kind kind, const uint8_t *route)
{
	struct wire_inner *inner = (struct wire_inner *)(frame + WIRE_TRANSPORT_HEADER_BYTES);
	const uint32_t payload = len - WIRE_TRANSPORT_OVERHEAD_BYTES - WIRE_INNER_HEADER_BYTES;

	memset(frame, 0, len);
	inner->kind = (uint8_t)kind;
	randombytes_buf(&inner->frame_id, sizeof inner->frame_id);
	if (route != NULL)
		memcpy(inner->route, route, WIRE_ROUTE_BYTES);
	if (kind != WIRE_KEEPALIVE)
		randombytes_buf(inner->payload, payload);
}

void device_send(struct relay *relay, struct device_end *device, uint8_t *frame, uint32_t len)
{
	uint16_t port = 0;

	while (relay->port_ids[port] != device->at.port)
		port++;
	hop_seal(&device->seal, device->index, device->counter++, frame, len);
	relay_receive(relay, port, 0, packet(relay, &device->at, frame, len));
}

void device_open(const struct device_end *device, struct datagram *datagram)
{
	const struct wire_transport *header = (const struct wire_transport *)datagram->payload;

	assert_int_equal(wire_check(datagram->payload, datagram->len), WIRE_OK);
	assert_int_equal(header->type, WIRE_TRANSPORT);
	assert_int_equal(get32(header->receiver_index), device->peer_index);
	assert_int_equal(hop_open(&device->open, datagram->payload, datagram->len), 0);
}
