/* Which resource a path names (docs/api.md, resources). */
#ifndef CHAPPE_CONTROL_API_PATH_H
#define CHAPPE_CONTROL_API_PATH_H

/* @ stands for the name of a device, * for that of a route or an invitation. */
#define API_RESOURCES(X)                                                                           \
	X(status, "/v1/status")                                                                    \
	X(invitations, "/v1/invitations")                                                          \
	X(invitation, "/v1/invitations/*")                                                         \
	X(devices, "/v1/devices")                                                                  \
	X(device, "/v1/devices/@")                                                                 \
	X(device_routes, "/v1/devices/@/routes")                                                   \
	X(device_route, "/v1/devices/@/routes/*")                                                  \
	X(device_sessions, "/v1/devices/@/sessions")                                               \
	X(device_disclosure, "/v1/devices/@/disclosure")                                           \
	X(routes, "/v1/routes")                                                                    \
	X(route, "/v1/routes/*")                                                                   \
	X(sessions, "/v1/sessions")                                                                \
	X(stats, "/v1/stats")                                                                      \
	X(stages, "/v1/stats/stages")                                                              \
	X(disclosure, "/v1/disclosure")                                                            \
	X(disclosure_devices, "/v1/disclosure/devices")                                            \
	X(store, "/v1/store")                                                                      \
	X(store_limits, "/v1/store/limits")                                                        \
	X(store_verify, "/v1/store/verify")                                                        \
	X(store_compact, "/v1/store/compact")                                                      \
	X(backup, "/v1/backup")                                                                    \
	X(audit, "/v1/audit")                                                                      \
	X(metrics, "/metrics")

enum api_resource {
#define X(name, path) API_RESOURCE_##name,
	API_RESOURCES(X)
#undef X
		API_RESOURCE_COUNT
};

enum { API_NAME_BYTES = 65 };

struct api_path {
	enum api_resource resource;
	/* Hexadecimal digits and '-' only; "" where the path has none. */
	char device[API_NAME_BYTES], name[API_NAME_BYTES];
};

/* Returns 0, or -ENOENT where no resource has this path. */
int api_path_parse(const char *text, struct api_path *path);

#endif
