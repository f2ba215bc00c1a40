#include "cli.h"
#include "client.h"
#include "print.h"
#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static bool any_worker_moved(const json_t *workers, const char *name)
{
	size_t i;
	json_t *worker;
	json_array_foreach (workers, i, worker) {
		if (print_integer(json_object_get(worker, "counters"), name) != 0)
			return true;
	}
	return false;
}

static void print_worker_name(struct print_table *table, const json_t *worker)
{
	const json_t *name = json_object_get(worker, "worker");
	if (json_is_string(name))
		print_cell(table, "MAIN LCORE");
	else
		print_cell(table, "WORKER %lld", (long long)json_integer_value(name));
}

/* One line a counter: the sum, then, where there are several workers, each of them and what ended
 * on the main lcore. */
static void print_dataplane(const json_t *stats, bool all)
{
	const json_t *workers = json_object_get(stats, "workers");
	const size_t n = json_array_size(workers);
	const size_t shown = n > 2 && n <= 9 ? n : 0;
	struct print_table *table = print_table_new((int)(2 + shown));
	print_cell(table, "DATAPLANE");
	print_cell(table, "TOTAL");
	for (size_t w = 0; w < shown; w++)
		print_worker_name(table, json_array_get(workers, w));
	const char *name;
	json_t *value;
	json_object_foreach (json_object_get(stats, "total"), name, value) {
		if (!all && !any_worker_moved(workers, name))
			continue;
		print_cell(table, "%s", name);
		print_cell(table, "%lld", (long long)json_integer_value(value));
		for (size_t w = 0; w < shown; w++)
			print_cell(table, "%lld",
				(long long)print_integer(
					json_object_get(json_array_get(workers, w), "counters"),
					name));
	}
	print_table_end(table);
}

static void print_control(const json_t *stats, bool all)
{
	struct print_table *table = print_table_new(2);
	print_cell(table, "CONTROL");
	print_cell(table, "TOTAL");
	const char *name;
	json_t *value;
	json_object_foreach (json_object_get(stats, "control"), name, value) {
		if (!all && json_integer_value(value) == 0)
			continue;
		print_cell(table, "%s", name);
		print_cell(table, "%lld", (long long)json_integer_value(value));
	}
	print_table_end(table);
}

static bool is_connected(const json_t *stats)
{
	return json_is_true(json_object_get(stats, "dataplane_connected"));
}

static int print_once(const struct options *options, json_t *stats)
{
	const int result = is_connected(stats) ? CLI_OK : CLI_DATAPLANE;
	if (options->json) {
		print_json(stats);
		return result;
	}
	const bool all = options->given[OPTION_all];
	if (result == CLI_OK)
		print_dataplane(stats, all);
	else
		puts("DATAPLANE  not connected, or does not answer (`chappectl status`)");
	putchar('\n');
	print_control(stats, all);
	json_decref(stats);
	return result;
}

/* Rows of what moved between two readings; a counter that went back means a new process. */
static void print_rates(const char *group, const json_t *before, const json_t *now, double seconds)
{
	struct print_table *table = print_table_new(3);
	print_cell(table, "%s", group);
	print_cell(table, "A SECOND");
	print_cell(table, "TOTAL");
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)now, name, value) {
		char rate[32];
		const json_int_t total = json_integer_value(value);
		const json_int_t moved = total - print_integer(before, name);
		if (moved <= 0)
			continue;
		print_cell(table, "%s", name);
		print_cell(table, "%s", print_scaled((double)moved / seconds, rate));
		print_cell(table, "%lld", (long long)total);
	}
	print_table_end(table);
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void cli_wait(double seconds)
{
	const double whole = floor(seconds);
	const struct timespec wait = { .tv_sec = (time_t)whole,
		.tv_nsec = (long)((seconds - whole) * 1e9) };
	nanosleep(&wait, NULL);
}

static int watch(const struct options *options)
{
	const bool screen = isatty(STDOUT_FILENO) && !options->json;
	json_t *before = NULL;
	double before_at = 0;
	for (;;) {
		json_t *stats;
		const int r = client_call(options, "GET", "/v1/stats", NULL, &stats);
		const double at = now_s();
		if (r != CLI_OK) {
			json_decref(before);
			return r;
		}
		if (options->json) {
			json_dumpf(stats, stdout, JSON_COMPACT);
			putchar('\n');
		} else if (before != NULL) {
			if (screen)
				fputs("\033[H\033[2J", stdout);
			print_rates("DATAPLANE", json_object_get(before, "total"),
				json_object_get(stats, "total"), at - before_at);
			if (!is_connected(stats))
				puts("not connected, or does not answer (`chappectl status`)");
			putchar('\n');
			print_rates("CONTROL", json_object_get(before, "control"),
				json_object_get(stats, "control"), at - before_at);
			putchar('\n');
		}
		fflush(stdout);
		json_decref(before);
		before = stats;
		before_at = at;
		cli_wait(options->watch_s);
	}
}

int cli_stats(const struct options *options)
{
	if (options->given[OPTION_stages])
		return cli_stages(options);
	if (options->given[OPTION_watch])
		return watch(options);
	json_t *stats;
	const int r = client_call(options, "GET", "/v1/stats", NULL, &stats);
	return r == CLI_OK ? print_once(options, stats) : r;
}
