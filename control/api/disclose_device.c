/* The records of one device: each datum of disclose_list.h with its value. */
#include "disclose.h"
#include "endpoint.h"
#include "src/control_op.h"
#include "src/key.h"

#include <sodium.h>
#include <string.h>

enum { ROUTES_PAGE = 64 };

static void add(json_t *records, enum disclose_place place, json_t *record)
{
	json_array_append_new(json_object_get(records, disclose_id(place)), record);
}

static json_t *limit_json(int64_t limit)
{
	return limit == STORE_LIMIT_DEFAULT ? json_null() : json_integer(limit);
}

static json_t *key_json(const uint8_t key[WIRE_KEY_BYTES])
{
	char text[KEY_TEXT_BYTES];
	key_to_text(key, text);
	return json_string(text);
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *index_json(bool has, uint32_t index)
{
	char text[API_HEX_BYTES];
	return has ? json_string(api_index(index, text)) : json_null();
}

json_t *disclose_records(const struct store_device *device)
{
	json_t *records = json_object();
	for (int place = 0; place < DISCLOSE_PLACE_COUNT; place++)
		if (disclose_scope((enum disclose_place)place) == DISCLOSE_SCOPE_device)
			json_object_set_new(
				records, disclose_id((enum disclose_place)place), json_array());
	json_t *row = disclose_record(DISCLOSE_table_device);
	disclose_set(row, "id", number(device->id));
	disclose_set(
		row, "slot", device->slot == STORE_NO_SLOT ? json_null() : number(device->slot));
	disclose_set(row, "key", key_json(device->key));
	disclose_set(row, "psk", disclose_secret(sizeof device->psk));
	disclose_set(row, "created", api_time_json(device->created_s));
	disclose_set(row, "revoked", api_time_json(device->revoked_s));
	disclose_set(row, "routes_max", limit_json(device->limits.routes_max));
	disclose_set(row, "frames_per_s", limit_json(device->limits.frames_per_s));
	disclose_set(row, "bytes_per_s", limit_json(device->limits.bytes_per_s));
	add(records, DISCLOSE_table_device, row);
	return records;
}

static json_t *prefix_json(const uint8_t *bytes)
{
	char text[API_HEX_BYTES];
	return json_sprintf("%s... (16 bytes)", api_prefix(bytes, text));
}

static void add_route(json_t *records, const struct store_route *route)
{
	json_t *row = disclose_record(DISCLOSE_table_route);
	disclose_set(row, "id", number(route->row));
	disclose_set(row, "route", prefix_json(route->route));
	disclose_set(row, "device", number(route->device));
	disclose_set(row, "flags", number(route->flags));
	disclose_set(row, "created", api_time_json(route->created_s));
	disclose_set(row, "request", json_sprintf("%016llx", (unsigned long long)route->request));
	add(records, DISCLOSE_table_route, row);

	json_t *entry = disclose_record(DISCLOSE_dataplane_route);
	disclose_set(entry, "route", prefix_json(route->route));
	disclose_set(entry, "device", number(route->slot));
	disclose_set(entry, "flags", number(route->flags));
	add(records, DISCLOSE_dataplane_route, entry);
}

static int add_routes(struct store *store, struct disclosure *disclosure, uint32_t place)
{
	const struct disclosed *device = &disclosure->devices[place];
	struct store_route page[ROUTES_PAGE];
	uint32_t count = 0;
	uint64_t after = 0;
	int r = 0;
	do {
		r = store_routes_after(store, device->id, after, page, ROUTES_PAGE, &count);
		for (uint32_t i = 0; r == 0 && i < count; i++) {
			add_route(device->records, &page[i]);
			r = disclosure_note_route(disclosure, place, page[i].route);
		}
		if (r == 0 && count > 0)
			after = page[count - 1].row;
	} while (r == 0 && count == ROUTES_PAGE);
	sodium_memzero(page, sizeof page);
	return r;
}

void disclose_invitation(json_t *records, const struct store_invitation *invitation)
{
	json_t *row = disclose_record(DISCLOSE_table_invitation);
	disclose_set(row, "id", prefix_json(invitation->id));
	disclose_set(row, "secret", json_string("(erased: it became the device's psk)"));
	disclose_set(row, "created", api_time_json(invitation->created_s));
	disclose_set(row, "expires", api_time_json(invitation->expires_s));
	disclose_set(row, "used", api_time_json(invitation->used_s));
	disclose_set(row, "device", number(invitation->device));
	add(records, DISCLOSE_table_invitation, row);
}

/* Control's copy in memory holds what the store holds, and the state of its sessions. */
static void add_memory(struct control *control, const struct disclosed *device)
{
	struct control_device_memory memory;
	const json_t *row = json_array_get(
		json_object_get(device->records, disclose_id(DISCLOSE_table_device)), 0);
	if (control_device_memory(control, device->id, &memory) != 0)
		return;
	static const char *const same[] = { "key", "psk", "routes_max", "frames_per_s",
		"bytes_per_s", "id" };
	json_t *record = disclose_record(DISCLOSE_control_device);
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
		disclose_set(record, same[i], json_incref(json_object_get(row, same[i])));
	disclose_set(record, "attempt", number(memory.attempt));
	disclose_set(record, "session", index_json(memory.has_session, memory.session));
	disclose_set(
		record, "earlier", index_json(memory.has_earlier_session, memory.earlier_session));
	disclose_set(record, "has_session", json_boolean(memory.has_session));
	disclose_set(record, "has_earlier", json_boolean(memory.has_earlier_session));
	disclose_set(record, "pending", number(memory.pending_sessions));
	disclose_set(record, "state", json_string("enrolled"));
	add(device->records, DISCLOSE_control_device, record);
	add(device->records, DISCLOSE_dataplane_device, disclose_record(DISCLOSE_dataplane_device));
	add(device->records, DISCLOSE_store_device, disclose_record(DISCLOSE_store_device));
}

static void add_pending(void *arg, const struct control_pending_memory *pending)
{
	const struct disclosed *device = arg;
	const json_t *row = json_array_get(
		json_object_get(device->records, disclose_id(DISCLOSE_table_device)), 0);
	json_t *record = disclose_record(DISCLOSE_control_pending);
	disclose_set(record, "key", json_incref(json_object_get(row, "key")));
	disclose_set(record, "attempt", number(pending->attempt));
	disclose_set(record, "index", index_json(true, pending->index));
	disclose_set(record, "slot", number(pending->slot));
	disclose_set(record, "sent", json_boolean(pending->sent));
	add(device->records, DISCLOSE_control_pending, record);
}

static const char *operation_name(unsigned op)
{
	switch (op) {
#define X(name, code, request_bytes, answer_bytes)                                                 \
	case code:                                                                                 \
		return #name;
		CONTROL_OPS(X)
#undef X
	default:
		return "unknown";
	}
}

static void add_operation(void *arg, const struct control_operation_memory *operation)
{
	const struct disclosed *device = arg;
	json_t *record = disclose_record(DISCLOSE_control_operation);
	disclose_set(record, "frame_id",
		json_sprintf("%016llx", (unsigned long long)operation->frame_id));
	disclose_set(record, "at_s", api_time_json(operation->at_s));
	disclose_set(record, "device", number(device->id));
	disclose_set(record, "slot", number(operation->slot));
	disclose_set(record, "session", index_json(true, operation->session));
	disclose_set(record, "op", json_string(operation_name(operation->op)));
	disclose_set(record, "status", number(operation->status));
	disclose_set(record, "flags", number(operation->flags));
	disclose_set(record, "frame_bytes", number(operation->frame_bytes));
	disclose_set(record, "state", json_string(operation->answered ? "answered" : "asked"));
	disclose_set(record, "route", prefix_json(operation->route));
	add(device->records, DISCLOSE_control_operation, record);
}

int disclose_control(struct control *control, struct disclosure *disclosure, uint32_t place)
{
	struct disclosed *device = &disclosure->devices[place];
	const int r = add_routes(control_store(control), disclosure, place);
	if (r != 0)
		return r;
	add_memory(control, device);
	control_pendings(control, device->id, add_pending, device);
	control_operations(control, device->id, add_operation, device);
	return 0;
}

static void add_endpoint(json_t *records, const struct endpoint *endpoint)
{
	json_t *shown = api_endpoint_json(endpoint);
	json_t *record = disclose_record(DISCLOSE_endpoint);
	disclose_set(record, "port", number(endpoint->port));
	disclose_set(record, "vlan", number(endpoint->vlan));
	disclose_set(record, "family", number(endpoint->family));
	disclose_set(record, "next_hop", json_incref(json_object_get(shown, "next_hop")));
	disclose_set(record, "local", json_incref(json_object_get(shown, "relay_address")));
	disclose_set(record, "remote", json_incref(json_object_get(shown, "address")));
	disclose_set(record, "local_port", json_incref(json_object_get(shown, "relay_udp_port")));
	disclose_set(record, "remote_port", json_incref(json_object_get(shown, "udp_port")));
	json_decref(shown);
	add(records, DISCLOSE_endpoint, record);
}

static void add_receive(json_t *records, const struct table_session *session)
{
	json_t *half = disclose_record(DISCLOSE_session_receive);
	disclose_set(half, "index", index_json(true, session->index));
	disclose_set(half, "device", number(session->device));
	disclose_set(half, "expires", json_sprintf("in %u s", session->expires_in_s));
	disclose_set(half, "head", number(session->highest_received));
	disclose_set(half, "confirmed", json_boolean(session->confirmed));
	disclose_set(half, "candidate", api_endpoint_json(&session->candidate));
	disclose_set(half, "key", disclose_secret(WIRE_KEY_BYTES));
	add(records, DISCLOSE_session_receive, half);
}

void disclose_session(json_t *records, const struct table_session *session)
{
	json_t *slot = disclose_record(DISCLOSE_dataplane_slot);
	disclose_set(slot, "index", index_json(true, session->index));
	disclose_set(slot, "device", number(session->device));
	disclose_set(slot, "deadline", json_sprintf("in %u s", session->expires_in_s));
	disclose_set(slot, "keepalive_s", number(session->keepalive_s));
	disclose_set(slot, "state", json_string(session->confirmed ? "confirmed" : "pending"));
	add(records, DISCLOSE_dataplane_slot, slot);
	add_receive(records, session);
	json_t *send = disclose_record(DISCLOSE_session_send);
	disclose_set(send, "counter", number(session->next_to_send));
	disclose_set(send, "tag", index_json(true, session->index));
	disclose_set(send, "peer_index", index_json(true, session->peer_index));
	disclose_set(send, "endpoint", api_endpoint_json(&session->endpoint));
	disclose_set(send, "key", disclose_secret(WIRE_KEY_BYTES));
	add(records, DISCLOSE_session_send, send);
	add_endpoint(records, &session->endpoint);
	if (session->candidate.family != 0)
		add_endpoint(records, &session->candidate);
}
