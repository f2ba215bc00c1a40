/* Which handler answers which method of which resource. */
#include "request.h"

#include <string.h>

static const struct {
	api_handler *handler;
	const char *act; /* what it changes, for the audit log, refused or not; else NULL */
} handlers[API_RESOURCE_COUNT][API_METHOD_COUNT] = {
	[API_RESOURCE_status] = { [API_GET] = { api_status_get, NULL } },
	[API_RESOURCE_invitations] = { [API_GET] = { api_invitations_get, NULL },
		[API_POST] = { api_invitations_post, "invite" } },
	[API_RESOURCE_invitation] = { [API_DELETE] = { api_invitation_delete,
					      "invitation cancel" } },
	[API_RESOURCE_devices] = { [API_GET] = { api_devices_get, NULL } },
	[API_RESOURCE_device] = { [API_GET] = { api_device_get, NULL },
		[API_PATCH] = { api_device_patch, "device limit" },
		[API_DELETE] = { api_device_delete, "device revoke" } },
	[API_RESOURCE_device_routes] = { [API_GET] = { api_routes_get, NULL } },
	[API_RESOURCE_device_route] = { [API_DELETE] = { api_route_delete, "route revoke" } },
	[API_RESOURCE_device_sessions] = { [API_GET] = { api_sessions_get, NULL } },
	[API_RESOURCE_routes] = { [API_GET] = { api_routes_get, NULL } },
	[API_RESOURCE_route] = { [API_DELETE] = { api_route_delete, "route revoke" } },
	[API_RESOURCE_sessions] = { [API_GET] = { api_sessions_get, NULL } },
	[API_RESOURCE_stats] = { [API_GET] = { api_stats_get, NULL } },
	[API_RESOURCE_stages] = { [API_GET] = { api_stages_get, NULL } },
	[API_RESOURCE_device_disclosure] = { [API_GET] = { api_device_disclosure_get, NULL } },
	[API_RESOURCE_disclosure] = { [API_GET] = { api_disclosure_get, NULL } },
	[API_RESOURCE_disclosure_devices] = { [API_GET] = { api_disclosure_devices_get, NULL } },
	[API_RESOURCE_store] = { [API_GET] = { api_store_get, NULL } },
	[API_RESOURCE_store_limits] = { [API_GET] = { api_store_limits_get, NULL },
		[API_PATCH] = { api_store_limits_patch, "store limits" } },
	[API_RESOURCE_store_verify] = { [API_POST] = { api_store_verify, "store verify" } },
	[API_RESOURCE_store_compact] = { [API_POST] = { api_store_compact, "store compact" } },
	[API_RESOURCE_backup] = { [API_POST] = { api_backup_post, "backup" },
		[API_DELETE] = { api_backup_delete, "backup end" } },
	[API_RESOURCE_audit] = { [API_GET] = { api_audit_get, NULL } },
	[API_RESOURCE_metrics] = { [API_GET] = { api_metrics_get, NULL } },
};

void api_dispatch(struct api_request *request)
{
	if (!request->path_known) {
		api_fail(request, API_NOT_FOUND, "no such resource: docs/api.md lists them all");
		return;
	}
	const enum api_resource resource = request->path.resource;
	if (!request->method_known || handlers[resource][request->method].handler == NULL) {
		api_fail(request, API_METHOD_NOT_ALLOWED, "this resource has no such method");
		return;
	}
	/* What the log says of a request that fails before its handler knows better. */
	const char *act = handlers[resource][request->method].act;
	const struct api_path *path = &request->path;
	if (act != NULL)
		snprintf(request->what, sizeof request->what, "%s%s%s%s%s", act,
			path->name[0] != '\0' ? " " : "", path->name,
			path->device[0] == '\0' ? ""
			: path->name[0] != '\0' ? " of device "
						: " ",
			path->device);
	if (request->too_large) {
		api_fail(request, API_TOO_LARGE, "the body is longer than %d bytes",
			API_BODY_BYTES_MAX);
		return;
	}
	handlers[resource][request->method].handler(request);
}
