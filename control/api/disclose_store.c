/* What the message store holds for devices: asked route by route, before the dataplane is. */
#include "disclose.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void ask_next(struct api_request *request);

int disclosure_note_route(
	struct disclosure *disclosure, uint32_t device, const uint8_t route[WIRE_ROUTE_BYTES])
{
	if (disclosure->route_count == disclosure->route_room) {
		const uint32_t room = disclosure->route_room ? 2 * disclosure->route_room : 64;
		struct disclosed_route *grown = calloc(room, sizeof *grown);
		if (grown == NULL)
			return -ENOMEM;
		if (disclosure->routes != NULL)
			memcpy(grown, disclosure->routes, disclosure->route_count * sizeof *grown);
		disclosure_forget_routes(disclosure);
		disclosure->routes = grown;
		disclosure->route_room = room;
	}
	struct disclosed_route *noted = &disclosure->routes[disclosure->route_count++];
	noted->device = device;
	memcpy(noted->route, route, sizeof noted->route);
	return 0;
}

void disclosure_forget_routes(struct disclosure *disclosure)
{
	if (disclosure->routes != NULL)
		sodium_memzero(
			disclosure->routes, disclosure->route_room * sizeof *disclosure->routes);
	free(disclosure->routes);
	disclosure->routes = NULL;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *minute_json(uint32_t minute)
{
	return api_time_json(60 * (int64_t)minute);
}

static json_t *span_json(const struct admin_waiting *waiting)
{
	char first[API_TIME_BYTES], last[API_TIME_BYTES];
	api_time(60 * (int64_t)waiting->oldest_minute, first);
	api_time(60 * (int64_t)waiting->newest_minute, last);
	return waiting->oldest_minute == waiting->newest_minute
		       ? json_string(first)
		       : json_sprintf("%s to %s", first, last);
}

static json_t *shown_json(const uint8_t *route)
{
	char text[API_HEX_BYTES];
	return json_sprintf("%s... (16 bytes)", api_prefix(route, text));
}

static void add(json_t *records, enum disclose_place place, json_t *record)
{
	json_array_append_new(json_object_get(records, disclose_id(place)), record);
}

static void add_waiting(json_t *records, const uint8_t *route, const struct admin_waiting *waiting)
{
	json_t *sum = disclose_record(DISCLOSE_waiting);
	disclose_set(sum, "route", shown_json(route));
	disclose_set(sum, "frames", number(waiting->frames));
	disclose_set(sum, "large_frames", number(waiting->large));
	disclose_set(sum, "bytes", number(waiting->bytes));
	disclose_set(sum, "oldest", minute_json(waiting->oldest_minute));
	disclose_set(sum, "newest", minute_json(waiting->newest_minute));
	add(records, DISCLOSE_waiting, sum);
	if (waiting->frames == 0)
		return;
	json_t *index = disclose_record(DISCLOSE_store_index);
	disclose_set(index, "route", shown_json(route));
	disclose_set(index, "arrived", span_json(waiting));
	disclose_set(index, "large", json_sprintf("%u of %u", waiting->large, waiting->frames));
	add(records, DISCLOSE_store_index, index);
	json_t *body = disclose_record(DISCLOSE_store_body);
	disclose_set(body, "arrived", span_json(waiting));
	disclose_set(body, "rest",
		json_sprintf("(%u sealed frames, %llu bytes of cells, which the relay can't open)",
			waiting->frames, (unsigned long long)waiting->bytes));
	add(records, DISCLOSE_store_body, body);
	json_t *box = disclose_record(DISCLOSE_store_mailbox);
	disclose_set(box, "route", shown_json(route));
	disclose_set(box, "count", number(waiting->frames));
	disclose_set(box, "large", number(waiting->large));
	add(records, DISCLOSE_store_mailbox, box);
}

static void finish(struct api_request *request, enum disclosure_store state)
{
	struct disclosure *disclosure = request->work;
	disclosure->store = state;
	disclosure_forget_routes(disclosure);
	disclosure->then(request);
}

static void on_waiting(void *arg, int error, const struct admin_reply *reply)
{
	struct api_request *request = arg;
	struct disclosure *disclosure = request->work;
	if (error != 0 || reply->result != 0) {
		finish(request, DISCLOSURE_STORE_SILENT);
		return;
	}
	const struct disclosed_route *route = &disclosure->routes[disclosure->route_next++];
	add_waiting(disclosure->devices[route->device].records, route->route, &reply->waiting);
	ask_next(request);
}

static void ask_next(struct api_request *request)
{
	struct disclosure *disclosure = request->work;
	struct admin_request question = { .op = ADMIN_ROUTE_QUERY };
	if (disclosure->route_next == disclosure->route_count) {
		finish(request, DISCLOSURE_STORE_ANSWERED);
		return;
	}
	memcpy(question.route.route, disclosure->routes[disclosure->route_next].route,
		sizeof question.route.route);
	const int r = control_message_ask(request->control, &question, on_waiting, request);
	sodium_memzero(&question, sizeof question);
	if (r != 0)
		finish(request, DISCLOSURE_STORE_SILENT);
}

void disclose_store(struct api_request *request, void (*then)(struct api_request *request))
{
	struct disclosure *disclosure = request->work;
	struct control_message_info info;
	bool seen = true;
	disclosure->then = then;
	control_message_info(request->control, &info);
	store_message_store_was_seen(control_store(request->control), &seen);
	if (info.connected_s == 0)
		finish(request, seen ? DISCLOSURE_STORE_SILENT : DISCLOSURE_STORE_NONE);
	else
		ask_next(request);
}

json_t *disclosure_store_json(const struct disclosure *disclosure)
{
	static const char *const names[] = {
		[DISCLOSURE_STORE_SILENT] = "silent",
		[DISCLOSURE_STORE_ANSWERED] = "answered",
		[DISCLOSURE_STORE_NONE] = "none",
	};
	return json_string(names[disclosure->store]);
}
