/* chappectl stats --stages: two readings of /v1/stats/stages, and what lies between them. */
#include "src/stages.h"
#include "cli.h"
#include "client.h"
#include "print.h"
#include <stdio.h>
#include <string.h>

enum {
	WORKERS_SHOWN_MAX = 8,
	ASK_S = 2 /* so often, which is more often than the relay would stop timing */
};

/* What one stage took between the readings, of one worker or of all. */
static struct stage_sum between(const json_t *before, const json_t *after, const char *stage)
{
	const json_t *first = json_object_get(json_object_get(before, "stages"), stage);
	const json_t *last = json_object_get(json_object_get(after, "stages"), stage);
	return (struct stage_sum){
		.cycles =
			(uint64_t)(print_integer(last, "cycles") - print_integer(first, "cycles")),
		.frames =
			(uint64_t)(print_integer(last, "frames") - print_integer(first, "frames")),
	};
}

/* The same shape as a reading, with differences; NULL where the dataplane began anew meanwhile. */
static json_t *difference(const json_t *before, const json_t *after)
{
	const json_t *befores = json_object_get(before, "workers");
	const json_t *afters = json_object_get(after, "workers");
	json_t *workers = json_array();
	size_t i;
	json_t *worker;
	bool whole = json_array_size(befores) == json_array_size(afters);
	json_array_foreach ((json_t *)afters, i, worker) {
		json_t *stages = json_object();
		const char *name;
		json_t *value;
		json_object_foreach (json_object_get(worker, "stages"), name, value) {
			const struct stage_sum sum =
				between(json_array_get(befores, i), worker, name);
			whole = whole && (json_int_t)sum.cycles >= 0;
			json_object_set_new(stages, name,
				json_pack("{s:I,s:I}", "cycles", (json_int_t)sum.cycles, "frames",
					(json_int_t)sum.frames));
		}
		json_array_append_new(
			workers, json_pack("{s:I,s:o}", "worker", (json_int_t)i, "stages", stages));
	}
	if (!whole) {
		json_decref(workers);
		return NULL;
	}
	return workers;
}

static struct stage_sum stage_of(const json_t *worker, const char *stage)
{
	return between(NULL, worker, stage);
}

static struct stage_sum stage_of_all(const json_t *workers, const char *stage)
{
	struct stage_sum all = { 0 };
	size_t i;
	json_t *worker;
	json_array_foreach ((json_t *)workers, i, worker) {
		const struct stage_sum one = stage_of(worker, stage);
		all.cycles += one.cycles;
		all.frames += one.frames;
	}
	return all;
}

static void print_cost(struct print_table *table, uint64_t cycles, uint64_t frames)
{
	if (frames > 0)
		print_cell(table, "%.1f", (double)cycles / (double)frames);
	else
		print_cell(table, "-");
}

static const char *const stages[] = {
#define X(name, help) #name,
	STAGES(X)
#undef X
};

static uint64_t all_cycles(const json_t *workers)
{
	uint64_t cycles = 0;
	for (size_t s = 0; s < STAGE_COUNT; s++)
		cycles += stage_of_all(workers, stages[s]).cycles;
	return cycles;
}

static void print_row(const json_t *workers, struct print_table *table, const char *stage,
	double seconds, uint64_t total, size_t shown)
{
	const struct stage_sum all = stage_of_all(workers, stage);
	char rate[32];
	print_cell(table, "%s", stage);
	print_cost(table, all.cycles, all.frames);
	print_cell(table, "%s", print_scaled((double)all.frames / seconds, rate));
	print_cell(table, "%.1f %%", total ? 100 * (double)all.cycles / (double)total : 0);
	for (size_t w = 0; w < shown; w++) {
		const struct stage_sum one = stage_of(json_array_get(workers, w), stage);
		print_cost(table, one.cycles, one.frames);
	}
}

/* What a relayed frame cost in all stages together. */
static void print_total(const json_t *workers, uint64_t total)
{
	const uint64_t busy = total - stage_of_all(workers, stages[STAGE_idle]).cycles;
	const uint64_t frames = stage_of_all(workers, stages[STAGE_tx]).frames;
	if (frames > 0)
		printf("\n%.1f cycles a relayed frame in all stages\n",
			(double)busy / (double)frames);
	else
		puts("\nno frame was relayed meanwhile");
}

static void print_stages(const json_t *workers, double seconds)
{
	const size_t n = json_array_size(workers);
	const size_t shown = n > 1 && n <= WORKERS_SHOWN_MAX ? n : 0;
	const uint64_t total = all_cycles(workers);
	struct print_table *table = print_table_new((int)(4 + shown));
	print_cell(table, "STAGE");
	print_cell(table, "CYCLES/FRAME");
	print_cell(table, "FRAMES/S");
	print_cell(table, "OF THE TIME");
	for (size_t w = 0; w < shown; w++)
		print_cell(table, "WORKER %zu", w);
	for (size_t s = 0; s < STAGE_COUNT; s++)
		print_row(workers, table, stages[s], seconds, total, shown);
	print_table_end(table);
	print_total(workers, total);
}

/* Asks now and then, because the relay stops timing when nobody does. */
static int sample(const struct options *options, json_t **before, json_t **after)
{
	double left = options->stages_s;
	int result = client_call(options, "GET", "/v1/stats/stages", NULL, before);
	*after = NULL;
	while (result == CLI_OK && left > 0) {
		const double step = left < ASK_S ? left : ASK_S;
		json_decref(*after);
		*after = NULL;
		cli_wait(step);
		left -= step;
		result = client_call(options, "GET", "/v1/stats/stages", NULL, after);
	}
	return result;
}

int cli_stages(const struct options *options)
{
	json_t *before = NULL, *after = NULL;
	int result = sample(options, &before, &after);
	json_t *workers = result == CLI_OK ? difference(before, after) : NULL;
	if (result == CLI_OK && workers == NULL)
		result = client_error(options, CLI_DATAPLANE, "dataplane_down",
			"chappe-dataplane began anew meanwhile: try again");
	else if (result == CLI_OK && options->json)
		print_json(
			json_pack("{s:f,s:O}", "seconds", options->stages_s, "workers", workers));
	else if (result == CLI_OK)
		print_stages(workers, options->stages_s);
	json_decref(workers);
	json_decref(before);
	json_decref(after);
	return result;
}
