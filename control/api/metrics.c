/* GET /metrics: OpenMetrics text, version 1.0.0. Names and help of counters come from the lists
 * that define them. */
#include "metrics.h"
#include "stats.h"

#include <time.h>

static const char *const helps[COUNTER_COUNT] = {
#define X(name, help) help,
	COUNTERS(X)
#undef X
};

static const char *const control_helps[CONTROL_COUNTER_COUNT] = {
#define X(name, help) help,
	CONTROL_COUNTERS(X)
#undef X
};

void metrics_help(
	FILE *out, const char *prefix, const char *name, const char *type, const char *help)
{
	fprintf(out, "# TYPE %s%s %s\n# HELP %s%s %s.\n", prefix, name, type, prefix, name, help);
}

void metrics_gauge(FILE *out, const char *name, const char *help, uint64_t value)
{
	metrics_help(out, "chappe_", name, "gauge", help);
	fprintf(out, "chappe_%s %llu\n", name, (unsigned long long)value);
}

/* The row after the workers' is the main lcore's. */
static void write_worker(
	FILE *out, const char *name, uint32_t worker, uint32_t owners, uint64_t value)
{
	fprintf(out, "chappe_worker_%s_total{worker=\"", name);
	if (worker == owners)
		fputs("main", out);
	else
		fprintf(out, "%u", worker);
	fprintf(out, "\"} %llu\n", (unsigned long long)value);
}

static void write_dataplane(FILE *out, const struct api_stats *stats, uint32_t owners)
{
	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		const char *name = api_counter_names[i];
		metrics_help(out, "chappe_", name, "counter", helps[i]);
		fprintf(out, "chappe_%s_total %llu\n", name, (unsigned long long)stats->total[i]);
	}
	/* By worker under another name: a sum over labels must not count twice. */
	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		const char *name = api_counter_names[i];
		metrics_help(out, "chappe_worker_", name, "counter", helps[i]);
		for (uint32_t w = 0; w < stats->workers; w++)
			write_worker(out, name, stats->rows[w].worker, owners,
				stats->rows[w].counters[i]);
	}
}

static void write_control(FILE *out, const struct control_info *info)
{
	for (size_t i = 0; i < CONTROL_COUNTER_COUNT; i++) {
		const char *name = api_control_counter_names[i];
		metrics_help(out, "chappe_control_", name, "counter", control_helps[i]);
		fprintf(out, "chappe_control_%s_total %llu\n", name,
			(unsigned long long)info->counters[i]);
	}
}

static void write_gauges(FILE *out, struct control *control, const struct control_info *info,
	const struct store_counts *counts, const struct api_stats *stats)
{
	metrics_gauge(out, "dataplane_up", "1 while chappe-dataplane answers", stats->connected);
	metrics_gauge(out, "dataplane_in_step", "1 while the dataplane holds what the store holds",
		info->in_step);
	metrics_gauge(out, "workers", "workers of the dataplane", info->owners);
	metrics_gauge(out, "devices", "enrolled devices", counts->devices);
	metrics_gauge(
		out, "devices_max", "devices that the dataplane's tables hold", info->devices_max);
	metrics_gauge(out, "devices_revoked", "revoked devices not yet erased", counts->revoked);
	metrics_gauge(out, "routes", "routes of all devices", counts->routes);
	metrics_gauge(out, "invitations_open", "invitations neither used nor expired",
		counts->invitations_open);
	metrics_gauge(out, "sessions", "confirmed sessions", control_session_count(control));
	metrics_gauge(out, "pending_sessions", "sessions answered and not confirmed yet",
		info->pending_sessions);
	metrics_gauge(out, "session_indices_leased", "session indices at hand for handshakes",
		info->leased);
	metrics_gauge(out, "handshake_queue_depth", "inits that wait for a responder thread",
		info->queue_depth);
	metrics_gauge(out, "handshake_threads", "responder threads", info->threads);
	metrics_gauge(out, "state_failed",
		"1 where the last change could not be written to the state directory",
		store_write_error(control_store(control)) != 0);
	metrics_gauge(out, "draining", "1 while new handshakes are sent elsewhere", info->draining);
	metrics_gauge(out, "start_time_seconds", "when chappe-control started, UNIX time",
		(uint64_t)info->started_s);
}

static void finish_text(struct api_request *request, const struct api_stats *stats)
{
	struct control_info info;
	struct store_counts counts;
	char *text = NULL;
	size_t len = 0;
	control_info(request->control, &info);
	const int r = store_counts(control_store(request->control), time(NULL), &counts);
	if (r != 0) {
		api_fail_errno(request, r, "counting");
		return;
	}
	FILE *out = open_memstream(&text, &len);
	if (out == NULL) {
		api_fail(request, API_INTERNAL, "out of memory");
		return;
	}
	write_gauges(out, request->control, &info, &counts, stats);
	if (stats->connected)
		write_dataplane(out, stats, info.owners);
	write_control(out, &info);
	metrics_store(out, request->control, counts.erasures);
	fputs("# EOF\n", out);
	fclose(out);
	api_reply_text(
		request, text, len, "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

void api_metrics_get(struct api_request *request)
{
	api_stats_collect(request, API_DATAPLANE_WAIT_S, finish_text);
}
