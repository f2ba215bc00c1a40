/* /v1/devices */
#include "audit.h"
#include "src/key.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

static int64_t effective(int64_t own, int64_t otherwise)
{
	return own == STORE_LIMIT_DEFAULT ? otherwise : own;
}

static json_t *own_json(int64_t limit)
{
	return limit == STORE_LIMIT_DEFAULT ? json_null() : json_integer(limit);
}

static void add_limits(
	json_t *object, const struct store_limits *own, const struct control_info *info)
{
	const struct store_limits *defaults = &info->default_limits;
	json_object_set_new(object, "limits",
		json_pack("{s:I,s:I,s:I}", "routes_max",
			(json_int_t)effective(own->routes_max, defaults->routes_max),
			"frames_per_s",
			(json_int_t)effective(own->frames_per_s, defaults->frames_per_s),
			"bytes_per_s",
			(json_int_t)effective(own->bytes_per_s, defaults->bytes_per_s)));
	json_object_set_new(object, "own_limits",
		json_pack("{s:o,s:o,s:o}", "routes_max", own_json(own->routes_max), "frames_per_s",
			own_json(own->frames_per_s), "bytes_per_s", own_json(own->bytes_per_s)));
}

static json_t *session_json(bool has, uint32_t index)
{
	char text[API_HEX_BYTES];
	return has ? json_string(api_index(index, text)) : json_null();
}

static json_t *device_json(
	struct control *control, const struct store_device *device, const struct control_info *info)
{
	struct control_device_memory memory = { 0 };
	char name[API_DEVICE_BYTES], key[KEY_TEXT_BYTES];
	uint32_t routes = 0;
	if (control_device_memory(control, device->id, &memory) != 0)
		memory = (struct control_device_memory){ 0 };
	store_route_count(control_store(control), device->id, &routes);
	key_to_text(device->key, key);
	json_t *object = json_pack("{s:s,s:I,s:s,s:s,s:o,s:o,s:o,s:o,s:I,s:I}", "device",
		api_device_name(device, name), "id", (json_int_t)device->id, "state",
		device->revoked_s != 0 ? "revoked" : "enrolled", "key", key, "created_at",
		api_time_json(device->created_s), "revoked_at", api_time_json(device->revoked_s),
		"session", session_json(memory.has_session, memory.session), "earlier_session",
		session_json(memory.has_earlier_session, memory.earlier_session),
		"pending_sessions", (json_int_t)memory.pending_sessions, "routes",
		(json_int_t)routes);
	if (object != NULL)
		add_limits(object, &device->limits, info);
	return object;
}

static void reply_device(struct api_request *request, uint32_t id)
{
	struct store_device device;
	struct control_info info;
	const int r = store_device_get(control_store(request->control), id, &device);
	if (r != 0) {
		api_fail_errno(request, r, "reading the device");
		return;
	}
	control_info(request->control, &info);
	api_reply(request, device_json(request->control, &device, &info));
	sodium_memzero(&device, sizeof device);
}

struct listing {
	struct store_device *devices;
	uint64_t limit;
	uint32_t count;
	bool all, more;
};

/* Only collects: the store must not be asked again while it walks. */
static int collect(void *arg, const struct store_device *device)
{
	struct listing *listing = arg;
	if (device->revoked_s != 0 && !listing->all)
		return 0;
	if (listing->count == listing->limit) {
		listing->more = true;
		return 1;
	}
	listing->devices[listing->count++] = *device;
	return 0;
}

static void reply_listing(struct api_request *request, const struct listing *listing)
{
	struct control_info info;
	char next[16];
	json_t *rows = json_array();
	control_info(request->control, &info);
	for (uint32_t i = 0; i < listing->count; i++)
		json_array_append_new(
			rows, device_json(request->control, &listing->devices[i], &info));
	snprintf(next, sizeof next, "%u",
		listing->count > 0 ? listing->devices[listing->count - 1].id : 0);
	api_reply(request,
		json_pack("{s:o,s:s?}", "devices", rows, "next", listing->more ? next : NULL));
}

void api_devices_get(struct api_request *request)
{
	static struct store_device page[API_PAGE_MAX];
	struct listing listing = { .devices = page, .limit = API_PAGE_MAX };
	const char *state = api_query_text(request, "state");
	uint64_t after = 0;
	if (!api_query_number(request, "limit", 1, API_PAGE_MAX, &listing.limit) ||
		!api_query_number(request, "after", 0, UINT32_MAX, &after))
		return;
	if (state != NULL && strcmp(state, "all") != 0 && strcmp(state, "enrolled") != 0) {
		api_fail(request, API_BAD_REQUEST, "state must be enrolled or all");
		return;
	}
	listing.all = state != NULL && strcmp(state, "all") == 0;
	const int r = store_devices_after(
		control_store(request->control), (uint32_t)after, collect, &listing);
	if (r < 0)
		api_fail_errno(request, r, "reading devices");
	else
		reply_listing(request, &listing);
	sodium_memzero(page, listing.count * sizeof page[0]);
}

void api_device_get(struct api_request *request)
{
	struct store_device device;
	if (!api_find_device(request, &device))
		return;
	sodium_memzero(device.psk, sizeof device.psk);
	reply_device(request, device.id);
}

static void apply_limit(int64_t *limit, const struct api_limit *change)
{
	if (change->given)
		*limit = change->value;
}

void api_device_patch(struct api_request *request)
{
	struct store_device device;
	struct api_limits limits;
	char fault[API_FAULT_BYTES], name[API_DEVICE_BYTES];
	if (!api_find_device(request, &device))
		return;
	sodium_memzero(device.psk, sizeof device.psk);
	api_device_name(&device, name);
	if (api_body_limits(request->body, request->body_len, &limits, fault) != 0) {
		api_fail(request, API_BAD_REQUEST, "%s", fault);
		return;
	}
	snprintf(request->what, sizeof request->what, "device limit %s", name);
	api_audit_limit(request, "routes_max", &limits.routes_max);
	api_audit_limit(request, "frames_per_s", &limits.frames_per_s);
	api_audit_limit(request, "bytes_per_s", &limits.bytes_per_s);
	if (device.revoked_s != 0) {
		api_fail(request, API_CONFLICT, "device %s is revoked: it has no limits", name);
		return;
	}
	apply_limit(&device.limits.routes_max, &limits.routes_max);
	apply_limit(&device.limits.frames_per_s, &limits.frames_per_s);
	apply_limit(&device.limits.bytes_per_s, &limits.bytes_per_s);
	int r = api_audit_begin(request);
	if (r == 0 && (r = control_device_limits(request->control, device.id, &device.limits)) != 0)
		api_audit_undo(request);
	if (r == -ENOSPC)
		api_fail(request, API_FULL,
			"changing the limits: devices have %d different pairs of frames_per_s and "
			"bytes_per_s already, as many as there can be. Give this one a pair that "
			"another one has (`chappectl device list`)",
			TABLE_LIMIT_CLASSES - 1);
	else if (r != 0)
		api_fail_errno(request, r, "changing the limits");
	else
		reply_device(request, device.id);
}

void api_device_delete(struct api_request *request)
{
	struct store_device device;
	char name[API_DEVICE_BYTES];
	if (!api_find_device(request, &device))
		return;
	sodium_memzero(device.psk, sizeof device.psk);
	snprintf(request->what, sizeof request->what, "device revoke %s",
		api_device_name(&device, name));
	int r = api_audit_begin(request);
	if (r == 0 && (r = control_device_revoke(request->control, device.id)) != 0)
		api_audit_undo(request);
	if (r != 0 && r != -EALREADY) /* DELETE may be repeated */
		api_fail_errno(request, r, "revoking the device");
	else
		reply_device(request, device.id);
}
