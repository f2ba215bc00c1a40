/* Inside of the API: one request and how handlers answer it. */
#ifndef CHAPPE_CONTROL_API_REQUEST_H
#define CHAPPE_CONTROL_API_REQUEST_H

#include "body.h"
#include "control/control.h"
#include "error.h"
#include "path.h"
#include <jansson.h>
#include <stdio.h>
#include <sys/queue.h>
#include <sys/types.h>

struct api;
struct event;
struct MHD_Connection;

enum api_method { API_GET, API_POST, API_PATCH, API_DELETE, API_METHOD_COUNT };

enum {
	API_PAGE_MAX = 1000,
	API_DATAPLANE_WAIT_S = 5,
	API_STATUS_WAIT_S = 2, /* whoever asks for it is in a hurry */
	API_BACKUP_WAIT_S = 300,
	API_WHAT_BYTES = 256,
	API_TIME_BYTES = 24,
	API_DEVICE_BYTES = 24,
	API_HEX_BYTES = 12,
};

struct api_who {
	bool known;
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

struct api_request {
	struct api *api;
	struct control *control;
	struct MHD_Connection *connection;
	enum api_method method;
	bool method_known, path_known, began, too_large;
	struct api_path path;
	struct api_who who;
	size_t body_len;
	char body[API_BODY_BYTES_MAX];

	/* What the audit log is to say; "" for requests that change nothing. */
	char what[API_WHAT_BYTES];
	bool audited; /* its entry was committed together with the act */

	/* The answer, once there is one. */
	unsigned http;     /* status; 0 = not answered yet */
	const char *error; /* its code, NULL where all went well */
	const char *content_type;
	char *text; /* malloc()ed */
	size_t text_len;

	/* Where the answer needs the dataplane: state of the handler, freed with the request. */
	bool waiting, suspended;
	void *work;
	void (*work_free)(void *work);
	void (*give_up)(struct api_request *request);
	struct event *timeout;
	TAILQ_ENTRY(api_request) link; /* of those that wait */
};

typedef void api_handler(struct api_request *request);

/* One function a resource and method; each answers the request, or calls api_wait() and answers it
 * later. table.c says which is called when. */
api_handler api_status_get, api_invitations_get, api_invitations_post, api_invitation_delete;
api_handler api_devices_get, api_device_get, api_device_patch, api_device_delete;
api_handler api_routes_get, api_route_delete; /* of one device too, where the path names it */
api_handler api_sessions_get, api_stats_get, api_stages_get, api_metrics_get;
api_handler api_disclosure_get, api_disclosure_devices_get, api_device_disclosure_get;
api_handler api_store_get, api_store_limits_get, api_store_limits_patch;
api_handler api_store_verify, api_store_compact;
api_handler api_backup_post, api_backup_delete;
api_handler api_audit_get;

/* Runs the handler of resource and method; answers by itself where there is none. */
void api_dispatch(struct api_request *request);

/* Answers. value's reference is taken; text is malloc()ed and taken. */
void api_reply(struct api_request *request, json_t *value);
void api_reply_created(struct api_request *request, json_t *value);
void api_reply_text(struct api_request *request, char *text, size_t len, const char *content_type);
void api_fail(struct api_request *request, enum api_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* For what control's functions return: -ENOENT, -ENOSPC, -EIO, ... */
void api_fail_errno(struct api_request *request, int error, const char *doing);

/* The handler will answer from callbacks of control whose arg is the request; after
 * API_DATAPLANE_WAIT_S, or the time given, give_up answers, or where it is NULL the request fails
 * with timeout. work is freed by work_free. */
void api_wait(struct api_request *request, void *work, void (*work_free)(void *work),
	api_handler *give_up);
void api_wait_for(struct api_request *request, int seconds, api_handler *give_up);
/* Sends what a callback has answered. Do not touch the request afterwards. */
void api_answered(struct api_request *request);

/* Parameters of the query. Each returns false after having answered with bad_request. */
bool api_query_number(struct api_request *request, const char *name, uint64_t min, uint64_t max,
	uint64_t *value); /* value stays as it is where the parameter is missing */
const char *api_query_text(const struct api_request *request, const char *name);

/* How things are written (docs/api.md, rules). */
const char *api_time(int64_t unix_s, char text[API_TIME_BYTES]);
json_t *api_time_json(int64_t unix_s); /* null for 0 */
const char *api_device_name(const struct store_device *device, char text[API_DEVICE_BYTES]);
const char *api_prefix(const uint8_t *bytes, char text[API_HEX_BYTES]); /* first 4 bytes */
const char *api_index(uint32_t index, char text[API_HEX_BYTES]);
const char *api_suite(unsigned suite);

/* The device that the path names. On failure the request has been answered. The caller wipes
 * device->psk. */
bool api_find_device(struct api_request *request, struct store_device *device);
/* The bytes of path.name, 4 to 16; false when that is no such name and the request was answered. */
bool api_find_prefix(struct api_request *request, uint8_t prefix[16], size_t *len);

#endif
