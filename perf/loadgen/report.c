#include "trial.h"

#include <jansson.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <unistd.h>

static const struct {
	const char *name;
	double share;
} quantiles[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 } };

static double seconds_of(const struct load *load, const struct trial *trial)
{
	const uint64_t end = trial->stopped_at ? trial->stopped_at : load->now;

	return (double)(end - trial->start) / (double)load->hz;
}

static uint64_t lost(const struct trial *trial)
{
	return trial->offered > trial->received ? trial->offered - trial->received : 0;
}

static double us(const struct trial *trial, double share)
{
	return (double)histogram_quantile(&trial->latency, share) / 1e3;
}

void report_progress(const struct load *load, const struct trial *trial)
{
	const double s = seconds_of(load, trial);

	fprintf(stderr,
		"%s%6.1f s  offered %9.0f/s  returned %9.0f/s  not yet back %lu  reordered %lu  "
		"p50 %.1f us  p99 %.1f us  devices %u%s",
		isatty(2) ? "\r" : "", s, (double)trial->offered / s, (double)trial->received / s,
		lost(trial), trial->reordered, us(trial, 0.5), us(trial, 0.99), load->ready,
		isatty(2) ? "\033[K" : "\n");
}

static void print_counts(const struct load *load, const struct trial *trial)
{
#define X(name, help)                                                                              \
	if (load->counts.name > trial->before.name)                                                \
		fprintf(stderr, "  %-22s %12lu  %s\n", #name,                                      \
			load->counts.name - trial->before.name, help);
	LOAD_COUNTS(X)
#undef X
}

/* A row for each doubling between the least and the greatest. */
static void print_histogram(const struct histogram *histogram)
{
	enum { BAR = 40 };
	uint64_t most = 1;
	uint32_t first = 64, last = 0;

	for (uint32_t n = 0; n < 64; n++) {
		const uint64_t count = histogram_octave(histogram, n);
		most = RTE_MAX(most, count);
		if (count > 0) {
			first = RTE_MIN(first, n);
			last = n;
		}
	}
	for (uint32_t n = first; n <= last; n++) {
		const uint64_t count = histogram_octave(histogram, n);
		const double from = (double)(UINT64_C(1) << n) / 1e3;
		fprintf(stderr, "  %9.1f to %9.1f us %12lu %7.3f %% %.*s\n", from, 2 * from, count,
			100 * (double)count / (double)histogram->count,
			(int)((count * BAR + most - 1) / most),
			"########################################");
	}
}

void report_print(const struct load *load, const struct trial *trial)
{
	const double s = seconds_of(load, trial), offered = (double)trial->offered;

	fprintf(stderr, "%s%u devices, cells of %u bytes, %.2f s\n", isatty(2) ? "\n" : "",
		load->device_count, trial->plan.cell, s);
	fprintf(stderr, "  %-22s %12lu  %.0f a second\n", "offered", trial->offered, offered / s);
	fprintf(stderr, "  %-22s %12lu  %.0f a second\n", "returned", trial->received,
		(double)trial->received_meanwhile / s);
	fprintf(stderr, "  %-22s %12lu  %.6f %%\n", "lost", lost(trial),
		offered > 0 ? 100 * (double)lost(trial) / offered : 0);
	fprintf(stderr, "  %-22s %12lu\n", "reordered", trial->reordered);
	fprintf(stderr, "  %-22s %12lu\n", "duplicated", trial->duplicated);
	if (trial->late > 0)
		fprintf(stderr, "  %-22s %12lu  this generator was too slow or off the CPU\n",
			"not offered", trial->late);
	if (load->options.check_every > 1)
		fprintf(stderr, "  %-22s %12lu\n", "opened and checked", trial->checked);
	fprintf(stderr, "  latency in us: min %.1f", (double)trial->latency.min_ns / 1e3);
	for (uint32_t i = 0; i < RTE_DIM(quantiles); i++)
		fprintf(stderr, ", %s %.1f", quantiles[i].name, us(trial, quantiles[i].share));
	fprintf(stderr, ", max %.1f\n", (double)trial->latency.max_ns / 1e3);
	print_histogram(&trial->latency);
	if (load->options.cpu_count > 0 && trial->received_meanwhile > 0)
		fprintf(stderr, "  CPU of the named processes: %.0f ns a frame\n",
			(double)trial->cpu_ns / (double)trial->received_meanwhile);
	print_counts(load, trial);
}

static json_t *histogram_json(const struct histogram *histogram)
{
	json_t *latency = json_pack("{s:f,s:f}", "min", (double)histogram->min_ns / 1e3, "max",
		(double)histogram->max_ns / 1e3);

	for (uint32_t i = 0; i < RTE_DIM(quantiles); i++)
		json_object_set_new(latency, quantiles[i].name,
			json_real((double)histogram_quantile(histogram, quantiles[i].share) / 1e3));
	/* [the greatest time that it counts, frames] of each bucket that has some */
	json_t *buckets = json_array();
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (histogram->buckets[i] > 0)
			json_array_append_new(
				buckets, json_pack("[f,I]", (double)histogram_top(i) / 1e3,
						 (json_int_t)histogram->buckets[i]));
	json_object_set_new(latency, "histogram", buckets);
	return latency;
}

char *report_json(const struct load *load, const struct trial *trial)
{
	const double s = seconds_of(load, trial);
	json_t *counts = json_object();

#define X(name, help)                                                                              \
	json_object_set_new(counts, #name,                                                         \
		json_integer((json_int_t)(load->counts.name - trial->before.name)));
	LOAD_COUNTS(X)
#undef X
	json_t *object = json_pack("{s:i,s:i,s:i,s:f,s:f}", "trial", (int)trial->number, "devices",
		(int)load->device_count, "cell", (int)trial->plan.cell, "rate", trial->plan.rate,
		"seconds", s);
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "offered", trial->offered },
		{ "returned", trial->received },
		{ "returned_meanwhile", trial->received_meanwhile },
		{ "checked", trial->checked },
		{ "lost", lost(trial) },
		{ "reordered", trial->reordered },
		{ "duplicated", trial->duplicated },
		{ "not_offered", trial->late },
		{ "port_full", trial->port_full },
		{ "cpu_ns", load->options.cpu_count ? trial->cpu_ns : 0 },
	};
	for (uint32_t i = 0; i < RTE_DIM(numbers); i++)
		json_object_set_new(
			object, numbers[i].name, json_integer((json_int_t)numbers[i].value));
	json_object_set_new(object, "offered_per_s", json_real((double)trial->offered / s));
	json_object_set_new(
		object, "returned_per_s", json_real((double)trial->received_meanwhile / s));
	json_object_set_new(object, "latency_us", histogram_json(&trial->latency));
	json_object_set_new(object, "counts", counts);
	char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(object);
	return text;
}
