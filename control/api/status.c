/* GET /v1/status */
#include "src/key.h"
#include "stats.h"
#include "store.h"

#include <string.h>
#include <time.h>

static json_t *suites_json(uint32_t suites)
{
	json_t *names = json_array();
	for (unsigned suite = 1; suite < 32; suite++)
		if (suites >> suite & 1)
			json_array_append_new(names, json_string(api_suite(suite)));
	return names;
}

static json_t *dataplane_json(const struct control_info *info, bool answers, int64_t now_s)
{
	char boot[17];
	const bool connected = info->connected_s != 0;
	snprintf(boot, sizeof boot, "%016llx", (unsigned long long)info->boot);
	return json_pack("{s:b,s:b,s:b,s:I,s:s?,s:I,s:I,s:I,s:o,s:I}", "connected", connected,
		"answers", answers, "in_step", info->in_step, "connected_s",
		(json_int_t)(connected ? now_s - info->connected_s : 0), "boot",
		info->boot != 0 ? boot : NULL, "workers", (json_int_t)info->owners, "devices_max",
		(json_int_t)info->devices_max, "routes_per_device",
		(json_int_t)info->routes_per_device, "suites", suites_json(info->suites),
		"idle_sleep_us", (json_int_t)info->idle_sleep_us);
}

static json_t *handshakes_json(const struct control_info *info)
{
	return json_pack("{s:I,s:I,s:I,s:I}", "threads", (json_int_t)info->threads, "queue_depth",
		(json_int_t)info->queue_depth, "pending_sessions",
		(json_int_t)info->pending_sessions, "leased_indices", (json_int_t)info->leased);
}

static json_t *defaults_json(const struct control_info *info)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "routes_max",
		(json_int_t)info->default_limits.routes_max, "frames_per_s",
		(json_int_t)info->default_limits.frames_per_s, "bytes_per_s",
		(json_int_t)info->default_limits.bytes_per_s, "keepalive_s",
		(json_int_t)info->keepalive_s, "keepalive_min_s",
		(json_int_t)info->keepalive_min_s);
}

static void answer(struct api_request *request, bool dataplane_answers)
{
	struct control_info info;
	struct store_counts counts;
	char key[KEY_TEXT_BYTES];
	const int64_t now_s = time(NULL);
	control_info(request->control, &info);
	const int write_error = store_write_error(control_store(request->control));
	const int r = store_counts(control_store(request->control), now_s, &counts);
	if (r != 0) {
		api_fail_errno(request, r, "counting");
		return;
	}
	json_t *names = json_array();
	for (uint32_t i = 0; i < info.names_count; i++)
		json_array_append_new(names, json_string(info.names[i]));
	key_to_text(info.relay_public, key);
	api_reply(request,
		json_pack("{s:s,s:s,s:o,s:o,s:I,s:b,s:s?,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:I,s:I}",
			"version", CHAPPE_VERSION, "relay_key", key, "names", names, "started_at",
			api_time_json(info.started_s), "uptime_s",
			(json_int_t)(now_s - info.started_s), "draining", info.draining,
			"state_error", write_error != 0 ? strerror(-write_error) : NULL,
			"dataplane", dataplane_json(&info, dataplane_answers, now_s),
			"message_store", api_store_summary(request->control, now_s), "handshakes",
			handshakes_json(&info), "defaults", defaults_json(&info), "devices",
			(json_int_t)counts.devices, "devices_revoked", (json_int_t)counts.revoked,
			"routes", (json_int_t)counts.routes, "sessions",
			(json_int_t)control_session_count(request->control), "invitations_open",
			(json_int_t)counts.invitations_open));
}

static void answer_asked(struct api_request *request, const struct api_stats *stats)
{
	answer(request, stats->connected);
}

/* The counters are asked for to see whether the dataplane answers: its sockets outlive it when it
 * hangs. While tables are being filled they would wait behind those. */
void api_status_get(struct api_request *request)
{
	struct control_info info;
	control_info(request->control, &info);
	if (info.connected_s != 0 && info.in_step)
		api_stats_collect(request, API_STATUS_WAIT_S, answer_asked);
	else
		answer(request, info.connected_s != 0);
}
