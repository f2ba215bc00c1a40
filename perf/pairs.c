#include "pairs.h"

#include "bench.h"
#include <stdio.h>

enum { RETAKES_MAX = 1000 };

struct taken {
	double floors[BENCH_PAIRS_MAX], values[BENCH_PAIRS_MAX], ratios[BENCH_PAIRS_MAX];
	uint32_t n, retaken;
};

static void take_all(const struct pairs *pairs, struct taken *taken)
{
	while (taken->n < pairs->options->pairs) {
		const uint32_t i = taken->n;
		uint64_t floor, value;
		if (!pairs->take(pairs, i % 2 == 0, &floor, &value) &&
			taken->retaken < RETAKES_MAX) {
			taken->retaken++;
			continue;
		}
		taken->floors[i] = (double)floor / pairs->round->n;
		taken->values[i] = (double)value / pairs->round->n;
		taken->ratios[i] = taken->values[i] / taken->floors[i];
		taken->n++;
	}
}

void pairs_measure(const struct pairs *pairs)
{
	const struct options *options = pairs->options;
	struct taken taken = { .n = 0 };

	take_all(pairs, &taken);
	const struct bench_spread value = bench_spread(taken.values, taken.n);
	const struct bench_spread floor = bench_spread(taken.floors, taken.n);
	const struct bench_figure figure = {
		.name = pairs->name,
		.unit = "cycles/frame",
		.cell = pairs->round->cell,
		.sessions = options->sessions,
		.workers = 1,
		.suite = options->suite,
		.value = value.median,
		.floor = floor.median,
		.ratio = bench_spread(taken.ratios, taken.n),
		.family = options->family,
		.burst = pairs->burst,
		.pairs = taken.n,
		.retaken = taken.retaken,
	};
	bench_print(&figure);
	fprintf(stderr,
		"     %-18s %4u bytes, %7u sessions, %s, IPv%u, bursts of %2u: %5.0f / %5.0f = "
		"%.3f (%.3f to %.3f; least %.0f / %.0f; %u retaken)\n",
		figure.name, figure.cell, figure.sessions, bench_suite(figure.suite), figure.family,
		figure.burst, figure.value, figure.floor, figure.ratio.median, figure.ratio.low,
		figure.ratio.high, value.least, floor.least, figure.retaken);
}
