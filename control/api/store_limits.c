/* /v1/store/limits: what the message store keeps at most. */
#include "audit.h"
#include "store.h"

static json_t *limits_json(
	const struct admin_limits *limits, const struct store_message_limits *own)
{
	json_t *in_force = json_object(), *set_here = json_object();
#define X(field, least, most, otherwise, what)                                                     \
	json_object_set_new(in_force, #field, json_integer((json_int_t)limits->field));            \
	json_object_set_new(set_here, #field,                                                      \
		own->field == STORE_LIMIT_DEFAULT ? json_null() : json_integer(own->field));
	ADMIN_LIMITS(X)
#undef X
	/* Durations are seconds in the API. */
	json_object_del(in_force, "ttl_minutes");
	json_object_del(set_here, "ttl_minutes");
	json_object_set_new(in_force, "ttl_s", json_integer(60 * (json_int_t)limits->ttl_minutes));
	json_object_set_new(set_here, "ttl_s",
		own->ttl_minutes == STORE_LIMIT_DEFAULT ? json_null()
							: json_integer(60 * own->ttl_minutes));
	return json_pack("{s:o,s:o}", "limits", in_force, "own_limits", set_here);
}

static void reply_limits(struct api_request *request, bool told)
{
	struct store_message_limits own;
	struct admin_limits limits;
	const int r = control_message_limits(request->control, &own, &limits);
	if (r != 0) {
		api_fail_errno(request, r, "reading the limits");
		return;
	}
	json_t *object = limits_json(&limits, &own);
	json_object_set_new(object, "in_force", json_boolean(told));
	api_reply(request, object);
}

void api_store_limits_get(struct api_request *request)
{
	struct control_message_info info;
	control_message_info(request->control, &info);
	reply_limits(request, info.connected_s != 0);
}

/* Limits that can't be reached are a slip of who set them. */
static bool limits_fit(struct api_request *request, const struct admin_limits *limits)
{
	const struct {
		uint64_t less, more;
		const char *name, *above;
	} pairs[] = {
		{ limits->route_frames, limits->device_frames, "route_frames", "device_frames" },
		{ limits->route_bytes, limits->device_bytes, "route_bytes", "device_bytes" },
		{ limits->device_bytes, limits->total_bytes, "device_bytes", "total_bytes" },
	};
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		if (pairs[i].less <= pairs[i].more)
			continue;
		api_fail(request, API_BAD_REQUEST,
			"%s would be %llu, above %s, which would be %llu: it could never be "
			"reached. Lower the one or raise the other",
			pairs[i].name, (unsigned long long)pairs[i].less, pairs[i].above,
			(unsigned long long)pairs[i].more);
		return false;
	}
	return true;
}

/* They are written down: whatever the message store says now, it gets them when it connects. */
static void on_limits(void *arg, int error, const struct admin_reply *reply)
{
	struct api_request *request = arg;
	if (error == 0 && reply->result != 0)
		api_store_refused(request, 0, reply, "the limits are written down, but");
	else
		reply_limits(request, error == 0);
	api_answered(request);
}

static void give_up_limits(struct api_request *request)
{
	reply_limits(request, false);
}

void api_store_limits_patch(struct api_request *request)
{
	struct api_store_limits changes;
	struct store_message_limits own;
	struct admin_limits limits;
	char fault[API_FAULT_BYTES];
	if (api_body_store_limits(request->body, request->body_len, &changes, fault) != 0) {
		api_fail(request, API_BAD_REQUEST, "%s", fault);
		return;
	}
	int r = control_message_limits(request->control, &own, &limits);
	if (r != 0) {
		api_fail_errno(request, r, "reading the limits");
		return;
	}
	const struct admin_limits defaults = admin_limits_default();
#define X(field, least, most, otherwise, what)                                                     \
	api_audit_limit(request, #field, &changes.field);                                          \
	if (changes.field.given) {                                                                 \
		own.field = changes.field.value;                                                   \
		limits.field = changes.field.value == STORE_LIMIT_DEFAULT                          \
				       ? defaults.field                                            \
				       : (__typeof__(limits.field))changes.field.value;            \
	}
	ADMIN_LIMITS(X)
#undef X
	if (!limits_fit(request, &limits))
		return;
	r = api_audit_begin(request);
	if (r == 0 && (r = control_message_limits_set(request->control, &own)) != 0)
		api_audit_undo(request);
	if (r != 0) {
		api_fail_errno(request, r, "changing the limits");
		return;
	}
	api_wait(request, NULL, NULL, give_up_limits);
	if (control_message_limits_send(request->control, on_limits, request) != 0)
		reply_limits(request, false);
}
