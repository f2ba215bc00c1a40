/* The HTTP server: libmicrohttpd polled by control's event loop, so that requests run on the thread
 * that owns the state. A request that waits for the dataplane suspends its connection. */
#include "api.h"
#include "audit.h"
#include "daemon/log.h"
#include "request.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <microhttpd.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CONNECTIONS_MAX = 64,
	IDLE_S = 30,
	CONNECTION_MEMORY_BYTES = 16384, /* headers; bodies lie in the request */
};

struct api {
	struct control *control;
	uid_t refused;
	bool complained;
	struct MHD_Daemon *daemon;
	struct event *readable, *later;
	TAILQ_HEAD(api_requests, api_request) waiting;
};

/* Invitations pass through here as JSON: nothing that held one is given back unwiped. */
static void wiping_free(void *memory)
{
	if (memory == NULL)
		return;
	sodium_memzero(memory, malloc_usable_size(memory));
	free(memory);
}

static void run(struct api *api)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;
	MHD_run(api->daemon);
	if (MHD_get_timeout(api->daemon, &wait_ms) == MHD_YES) {
		const struct timeval wait = { .tv_sec = (time_t)(wait_ms / 1000),
			.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000) };
		evtimer_add(api->later, &wait);
	} else {
		evtimer_del(api->later);
	}
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	run(arg);
}

static struct api_request *request_new(
	struct api *api, struct MHD_Connection *connection, const char *url, const char *method)
{
	static const char *const methods[API_METHOD_COUNT] = {
		[API_GET] = MHD_HTTP_METHOD_GET,
		[API_POST] = MHD_HTTP_METHOD_POST,
		[API_PATCH] = MHD_HTTP_METHOD_PATCH,
		[API_DELETE] = MHD_HTTP_METHOD_DELETE,
	};
	struct api_request *request = calloc(1, sizeof *request);
	if (request == NULL)
		return NULL;
	request->api = api;
	request->control = api->control;
	request->connection = connection;
	request->path_known = api_path_parse(url, &request->path) == 0;
	for (int i = 0; i < API_METHOD_COUNT; i++) {
		if (strcmp(method, methods[i]) == 0) {
			request->method = (enum api_method)i;
			request->method_known = true;
		}
	}
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info != NULL)
		api_audit_who(info->connect_fd, &request->who);
	return request;
}

static void stop_waiting(struct api_request *request)
{
	if (!request->waiting)
		return;
	request->waiting = false;
	control_forget(request->control, request);
	TAILQ_REMOVE(&request->api->waiting, request, link);
	event_free(request->timeout);
	request->timeout = NULL;
}

static void request_free(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code)
{
	struct api_request *request = *state;
	(void)arg;
	(void)connection;
	(void)code;
	if (request == NULL)
		return;
	stop_waiting(request);
	if (request->work != NULL)
		request->work_free(request->work);
	wiping_free(request->text);
	wiping_free(request);
	*state = NULL;
}

static enum MHD_Result send_answer(struct api_request *request)
{
	struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
		request->text_len, request->text, wiping_free);
	if (response == NULL)
		return MHD_NO;
	request->text = NULL; /* the response's now */
	if (request->content_type != NULL)
		MHD_add_response_header(
			response, MHD_HTTP_HEADER_CONTENT_TYPE, request->content_type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	const enum MHD_Result r = MHD_queue_response(request->connection, request->http, response);
	MHD_destroy_response(response);
	return r;
}

static void take_body(struct api_request *request, const char *bytes, size_t len)
{
	if (request->too_large || len > sizeof request->body - request->body_len) {
		request->too_large = true;
		return;
	}
	memcpy(request->body + request->body_len, bytes, len);
	request->body_len += len;
}

/* The dataplane and chappe-store have control's account: so has who took one of them over. */
static bool is_refused(struct api_request *request)
{
	struct api *api = request->api;

	if (api->refused == API_REFUSES_NOBODY ||
		(request->who.known && request->who.uid != api->refused))
		return false;
	if (!api->complained)
		log_warning("API: refused process %d of the account that the relay's processes "
			    "run as: did somebody take one of them over?",
			request->who.pid);
	api->complained = true;
	api_fail(request, API_FORBIDDEN,
		"this is the account that the relay's processes run as, which may not administer "
		"it: use root, or an account of your own in the group of the socket");
	return true;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **state)
{
	struct api_request *request = *state;
	(void)version;
	if (request == NULL) {
		request = *state = request_new(arg, connection, url, method);
		return request != NULL ? MHD_YES : MHD_NO;
	}
	if (*upload_len > 0) {
		take_body(request, upload, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	}
	if (!request->began) {
		request->began = true;
		if (!is_refused(request))
			api_dispatch(request);
		if (request->waiting && request->http == 0) {
			request->suspended = true;
			MHD_suspend_connection(connection);
			return MHD_YES;
		}
		stop_waiting(request);
		api_audit_write(request);
	}
	return send_answer(request);
}

/* Called on the event loop, never from inside of libmicrohttpd. */
static void resume(struct api_request *request)
{
	stop_waiting(request);
	if (!request->suspended)
		return;
	request->suspended = false;
	MHD_resume_connection(request->connection);
	const struct timeval now = { 0 };
	evtimer_add(request->api->later, &now);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct api_request *request = arg;
	(void)fd;
	(void)what;
	if (request->give_up != NULL)
		request->give_up(request);
	else
		api_fail(request, API_TIMEOUT,
			"chappe-dataplane did not answer within %d s; its log may say why",
			API_DATAPLANE_WAIT_S);
	resume(request);
}

void api_wait_for(struct api_request *request, int seconds, api_handler *give_up)
{
	const struct timeval wait = { .tv_sec = seconds };
	request->give_up = give_up;
	request->timeout = evtimer_new(control_base(request->control), on_timeout, request);
	evtimer_add(request->timeout, &wait);
	TAILQ_INSERT_TAIL(&request->api->waiting, request, link);
	request->waiting = true;
}

void api_wait(struct api_request *request, void *work, void (*work_free)(void *work),
	api_handler *give_up)
{
	request->work = work;
	request->work_free = work_free;
	api_wait_for(request, API_DATAPLANE_WAIT_S, give_up);
}

void api_answered(struct api_request *request)
{
	resume(request);
}

static int watch(struct api *api)
{
	struct event_base *base = control_base(api->control);
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(api->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || info->epoll_fd < 0)
		return -ENOTSUP;
	api->readable = event_new(base, info->epoll_fd, EV_READ | EV_PERSIST, on_event, api);
	api->later = evtimer_new(base, on_event, api);
	if (api->readable == NULL || api->later == NULL || event_add(api->readable, NULL) != 0)
		return -ENOMEM;
	return 0;
}

struct api *api_start(
	struct control *control, int listener, uid_t refused, char error[API_ERROR_BYTES])
{
	struct api *api = calloc(1, sizeof *api);
	if (api == NULL) {
		close(listener);
		snprintf(error, API_ERROR_BYTES, "API: out of memory");
		return NULL;
	}
	api->control = control;
	api->refused = refused;
	TAILQ_INIT(&api->waiting);
	json_set_alloc_funcs(malloc, wiping_free);
	api->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		on_request, api, MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_NOTIFY_COMPLETED,
		request_free, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_END);
	if (api->daemon == NULL) {
		close(listener);
		snprintf(error, API_ERROR_BYTES, "API: libmicrohttpd did not start");
		free(api);
		return NULL;
	}
	const int r = watch(api);
	if (r != 0) {
		snprintf(error, API_ERROR_BYTES, "API: %s", strerror(-r));
		api_stop(api);
		return NULL;
	}
	run(api);
	return api;
}

void api_stop(struct api *api)
{
	struct api_request *request;
	if (api == NULL)
		return;
	while ((request = TAILQ_FIRST(&api->waiting)) != NULL) {
		api_fail(request, API_DATAPLANE_DOWN, "chappe-control is stopping");
		resume(request);
	}
	MHD_run(api->daemon);
	MHD_stop_daemon(api->daemon);
	if (api->readable != NULL)
		event_free(api->readable);
	if (api->later != NULL)
		event_free(api->later);
	free(api);
}
