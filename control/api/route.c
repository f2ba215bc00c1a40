/* /v1/routes and the routes of a device. A route is shown by its first 4 bytes only. */
#include "audit.h"
#include "src/control_op.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

enum { MATCHES_MAX = 64 };

static json_t *route_json(struct store *store, const struct store_route *route)
{
	struct store_device device;
	char prefix[API_HEX_BYTES], name[API_DEVICE_BYTES];
	const bool has_device = store_device_get(store, route->device, &device) == 0;
	json_t *object = json_pack("{s:s,s:s?,s:b,s:o}", "route", api_prefix(route->route, prefix),
		"device", has_device ? api_device_name(&device, name) : NULL, "live",
		(route->flags & CONTROL_ROUTE_LIVE) != 0, "created_at",
		api_time_json(route->created_s));
	sodium_memzero(&device, sizeof device);
	return object;
}

/* The device that the path names, 0 where it names none; false when answered. */
static bool find_owner(struct api_request *request, uint32_t *id)
{
	struct store_device device;
	*id = 0;
	if (request->path.device[0] == '\0')
		return true;
	if (!api_find_device(request, &device))
		return false;
	sodium_memzero(device.psk, sizeof device.psk);
	*id = device.id;
	return true;
}

void api_routes_get(struct api_request *request)
{
	static struct store_route page[API_PAGE_MAX];
	struct store *store = control_store(request->control);
	uint64_t limit = API_PAGE_MAX, after = 0;
	uint32_t device, count;
	char next[24];
	if (!api_query_number(request, "limit", 1, API_PAGE_MAX, &limit) ||
		!api_query_number(request, "after", 0, INT64_MAX, &after) ||
		!find_owner(request, &device))
		return;
	const int r = store_routes_after(store, device, after, page, (uint32_t)limit, &count);
	if (r != 0) {
		api_fail_errno(request, r, "reading routes");
		return;
	}
	json_t *rows = json_array();
	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(rows, route_json(store, &page[i]));
	snprintf(next, sizeof next, "%llu",
		(unsigned long long)(count > 0 ? page[count - 1].row : 0));
	sodium_memzero(page, count * sizeof page[0]);
	api_reply(request,
		json_pack("{s:o,s:s?}", "routes", rows, "next", count == limit ? next : NULL));
}

static void revoke(struct api_request *request, const struct store_route *route)
{
	struct store *store = control_store(request->control);
	json_t *answer = route_json(store, route);
	const char *name = json_string_value(json_object_get(answer, "device"));
	char prefix[API_HEX_BYTES];
	snprintf(request->what, sizeof request->what, "route revoke %s of device %s",
		api_prefix(route->route, prefix), name != NULL ? name : "-");
	int r = api_audit_begin(request);
	if (r == 0 && (r = control_route_revoke(request->control, route->route)) != 0)
		api_audit_undo(request);
	if (r == 0) {
		api_reply(request, answer);
		return;
	}
	json_decref(answer);
	api_fail_errno(request, r, "revoking the route");
}

void api_route_delete(struct api_request *request)
{
	struct store_route routes[MATCHES_MAX];
	struct store *store = control_store(request->control);
	uint8_t prefix[16];
	size_t len;
	uint32_t device, count, matching = 0;
	if (!find_owner(request, &device) || !api_find_prefix(request, prefix, &len))
		return;
	const int r = store_routes_by_prefix(store, prefix, len, routes, MATCHES_MAX, &count);
	if (r != 0) {
		api_fail_errno(request, r, "reading routes");
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		if (device == 0 || routes[i].device == device)
			routes[matching++] = routes[i];
	if (matching == 0)
		api_fail(request, API_NOT_FOUND,
			"no route%s begins with %s: `chappectl route list` shows those there are",
			device != 0 ? " of this device" : "", request->path.name);
	else if (matching > 1)
		api_fail(request, API_AMBIGUOUS, "%u routes begin with %s; nothing was done. %s",
			matching, request->path.name,
			device == 0 ? "Name the device too: `chappectl route revoke ROUTE DEVICE`"
				    : "Let the device's owner revoke the one that is meant");
	else
		revoke(request, &routes[0]);
	sodium_memzero(routes, sizeof routes);
}
