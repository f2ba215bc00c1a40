/* GET /v1/stats */
#include "stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const api_counter_names[COUNTER_COUNT] = {
#define X(name, help) #name,
	COUNTERS(X)
#undef X
};

const char *const api_control_counter_names[CONTROL_COUNTER_COUNT] = {
#define X(name, help) #name,
	CONTROL_COUNTERS(X)
#undef X
};

static void on_worker(void *arg, uint32_t worker, const uint64_t *counters, uint32_t count)
{
	struct api_request *request = arg;
	struct api_stats *stats = request->work;
	if (stats->workers == API_WORKERS_MAX)
		return;
	stats->rows[stats->workers].worker = worker;
	for (uint32_t i = 0; i < COUNTER_COUNT && i < count; i++) {
		stats->rows[stats->workers].counters[i] = counters[i];
		stats->total[i] += counters[i];
	}
	stats->workers++;
}

/* What is known of control is worth telling without the dataplane's part. */
static void finish_alone(struct api_request *request)
{
	struct api_stats *stats = request->work;
	stats->connected = false;
	stats->workers = 0;
	memset(stats->total, 0, sizeof stats->total);
	stats->finish(request, stats);
}

static void on_done(void *arg, int error)
{
	struct api_request *request = arg;
	struct api_stats *stats = request->work;
	if (error == 0) {
		stats->connected = true;
		stats->finish(request, stats);
	} else {
		finish_alone(request);
	}
	api_answered(request);
}

void api_stats_collect(struct api_request *request, int seconds,
	void (*finish)(struct api_request *request, const struct api_stats *stats))
{
	struct api_stats *stats = calloc(1, sizeof *stats);
	if (stats == NULL) {
		api_fail_errno(request, -ENOMEM, "reading counters");
		return;
	}
	stats->finish = finish;
	request->work = stats;
	request->work_free = free;
	api_wait_for(request, seconds, finish_alone);
	if (control_stats(request->control, on_worker, on_done, request) != 0)
		finish_alone(request);
}

static json_t *counters_json(const char *const *names, const uint64_t *counters, size_t count)
{
	json_t *object = json_object();
	for (size_t i = 0; i < count; i++)
		json_object_set_new(object, names[i], json_integer((json_int_t)counters[i]));
	return object;
}

static void finish_json(struct api_request *request, const struct api_stats *stats)
{
	struct control_info info;
	json_t *workers = json_array();
	control_info(request->control, &info);
	for (uint32_t i = 0; i < stats->workers; i++) {
		const uint32_t worker = stats->rows[i].worker;
		json_array_append_new(workers,
			json_pack("{s:o,s:o}", "worker",
				worker == info.owners ? json_string("main") : json_integer(worker),
				"counters",
				counters_json(api_counter_names, stats->rows[i].counters,
					COUNTER_COUNT)));
	}
	api_reply(request,
		json_pack("{s:b,s:o,s:o,s:o}", "dataplane_connected", stats->connected, "total",
			counters_json(api_counter_names, stats->total, COUNTER_COUNT), "workers",
			workers, "control",
			counters_json(
				api_control_counter_names, info.counters, CONTROL_COUNTER_COUNT)));
}

void api_stats_get(struct api_request *request)
{
	api_stats_collect(request, API_DATAPLANE_WAIT_S, finish_json);
}
