/* path: cycles a frame of the whole worker loop over a memory-backed port, against the bare AEAD on
 * the same buffers, sessions and pairs. Floor and path alternate; the ratio is the median of the
 * pairs' ratios. */
#include "bench.h"
#include "floor.h"
#include "rig.h"
#include "round.h"

#include <getopt.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIST_MAX = 8, RETAKES_MAX = 1000, EMPTY_POLLS_MAX = 1000 };

struct list {
	uint32_t n, values[LIST_MAX];
};

struct options {
	uint32_t sessions, family, pairs, frames;
	enum wire_suite suite;
	struct list cells, bursts, offload;
};

static struct rig rig;
static struct round round_;
static struct floor floor_;

/* Offers the round in bursts, takes what comes out and frees it, as a port's transmit queue does.
 * Returns the TSC cycles that it took. */
static uint64_t path_run(uint32_t burst)
{
	struct worker *worker = rig.workers[0];
	struct rte_mbuf *sent[WORKER_BATCH_MAX];
	uint32_t offered = 0, done = 0, empty = 0;
	const uint64_t start = rte_rdtsc_precise();

	while (done < round_.n && empty < EMPTY_POLLS_MAX) {
		if (offered < round_.n)
			offered += rte_ring_sp_enqueue_burst(rig.rx[0],
				(void *const *)(round_.mbufs + offered),
				RTE_MIN(burst, round_.n - offered), NULL);
		worker_poll(worker);
		const uint32_t n =
			rte_ring_sc_dequeue_burst(rig.tx[0], (void **)sent, WORKER_BATCH_MAX, NULL);
		rte_pktmbuf_free_bulk(sent, n);
		done += n;
		empty = n > 0 ? 0 : empty + 1;
	}
	const uint64_t cycles = rte_rdtsc_precise() - start;
	if (done < round_.n)
		rig_fail(&rig, "frames did not come out");
	return cycles;
}

static uint64_t take_floor(bool *alone)
{
	round_load(&round_);
	const uint64_t before = bench_preemptions();
	bench_hold_core(true);
	const uint64_t cycles =
		floor_run(&floor_, round_.cells, round_.cell, round_.from, round_.to, round_.n);
	*alone = *alone && bench_preemptions() == before;
	bench_hold_core(false);
	round_unload(&round_);
	return cycles;
}

static uint64_t take_path(uint32_t burst, bool *alone)
{
	round_load(&round_);
	const uint64_t before = bench_preemptions();
	bench_hold_core(true);
	const uint64_t cycles = path_run(burst);
	*alone = *alone && bench_preemptions() == before;
	bench_hold_core(false);
	round_check(&round_);
	return cycles;
}

/* One pair, in either order. False when the kernel took the core away meanwhile. */
static bool take_pair(bool floor_first, uint32_t burst, uint64_t *floor, uint64_t *path)
{
	bool alone = true;

	round_make(&round_);
	if (floor_first)
		*floor = take_floor(&alone);
	*path = take_path(burst, &alone);
	if (!floor_first)
		*floor = take_floor(&alone);
	return alone;
}

static void measure(const struct options *options, uint32_t cell, uint32_t burst, bool offload)
{
	double floors[BENCH_PAIRS_MAX], paths[BENCH_PAIRS_MAX], ratios[BENCH_PAIRS_MAX];
	uint32_t n = 0, retaken = 0;

	round_.cell = cell;
	round_.offload = offload;
	rig_offload(&rig, offload);
	while (n < options->pairs) {
		uint64_t floor, path;
		if (!take_pair(n % 2 == 0, burst, &floor, &path) && retaken < RETAKES_MAX) {
			retaken++;
			continue;
		}
		floors[n] = (double)floor / round_.n;
		paths[n] = (double)path / round_.n;
		ratios[n] = paths[n] / floors[n];
		n++;
	}
	const struct bench_figure figure = {
		.name = offload ? "path" : "path_swcksum",
		.unit = "cycles/frame",
		.cell = cell,
		.sessions = options->sessions,
		.workers = 1,
		.suite = options->suite,
		.value = bench_spread(paths, n).median,
		.floor = bench_spread(floors, n).median,
		.ratio = bench_spread(ratios, n),
		.family = options->family,
		.burst = burst,
		.pairs = n,
		.retaken = retaken,
	};
	bench_print(&figure);
	fprintf(stderr,
		"     %-12s %4u bytes, %7u sessions, %s, IPv%u, bursts of %2u: %5.0f / %5.0f = "
		"%.3f (%.3f to %.3f, %u retaken)\n",
		figure.name, cell, options->sessions, bench_suite(options->suite), options->family,
		burst, figure.value, figure.floor, figure.ratio.median, figure.ratio.low,
		figure.ratio.high, retaken);
}

static void measure_all(const struct options *options)
{
	for (uint32_t c = 0; c < options->cells.n; c++)
		for (uint32_t o = 0; o < options->offload.n; o++)
			for (uint32_t b = 0; b < options->bursts.n; b++)
				measure(options, options->cells.values[c],
					options->bursts.values[b], options->offload.values[o] != 0);
}

static struct list parse_list(const char *text)
{
	struct list list = { 0 };
	char *end;

	do {
		if (list.n == LIST_MAX)
			bench_fail("%s: at most %d values", text, LIST_MAX);
		list.values[list.n++] = (uint32_t)strtoul(text, &end, 10);
		text = end + 1;
	} while (*end == ',');
	return list;
}

static void usage(void)
{
	fputs("usage: path [--sessions N] [--suite 1|2] [--family 4|6] [--cells 512,1232]\n"
	      "            [--offload 1,0] [--bursts 32,4,1] [--pairs N] [--frames N]\n",
		stderr);
	exit(2);
}

static void parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = { { "sessions", 1, NULL, 's' },
		{ "suite", 1, NULL, 'u' }, { "family", 1, NULL, 'f' }, { "cells", 1, NULL, 'c' },
		{ "offload", 1, NULL, 'o' }, { "bursts", 1, NULL, 'b' }, { "pairs", 1, NULL, 'p' },
		{ "frames", 1, NULL, 'n' }, { NULL, 0, NULL, 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		const struct list list = optarg ? parse_list(optarg) : (struct list){ 0 };
		switch (option) {
		case 's':
			options->sessions = list.values[0];
			break;
		case 'u':
			options->suite = list.values[0];
			break;
		case 'f':
			options->family = list.values[0];
			break;
		case 'c':
			options->cells = list;
			break;
		case 'o':
			options->offload = list;
			break;
		case 'b':
			options->bursts = list;
			break;
		case 'p':
			options->pairs = list.values[0];
			break;
		case 'n':
			options->frames = list.values[0];
			break;
		default:
			usage();
		}
	}
	if (options->sessions == 0 || options->pairs == 0 || options->pairs > BENCH_PAIRS_MAX ||
		options->frames == 0 || options->frames > RIG_ROUND_FRAMES ||
		options->frames % FLOOR_BURST != 0 ||
		(options->family != 4 && options->family != 6))
		usage();
}

int main(int argc, char **argv)
{
	struct options options = {
		.sessions = 1000,
		.family = 4,
		.pairs = 31,
		.frames = RIG_ROUND_FRAMES,
		.suite = WIRE_SUITE_AES256GCM,
		.cells = { 2, { WIRE_SMALL_BYTES, WIRE_LARGE_BYTES } },
		.offload = { 2, { 1, 0 } },
		.bursts = { 3, { WORKER_RX_BURST, 4, 1 } },
	};

	parse(&options, argc, argv);
	bench_eal(1, rig_need_mib(options.sessions, 1));
	floor_init(&floor_, options.suite, options.sessions);
	for (uint32_t i = 0; i < options.sessions; i++) {
		uint8_t open[WIRE_KEY_BYTES], seal[WIRE_KEY_BYTES];
		rig_key(i, RIG_TO_RELAY, open);
		rig_key(i, RIG_FROM_RELAY, seal);
		floor_set_keys(&floor_, i, open, seal);
	}
	rig_open(&rig, &(struct rig_options){ .sessions = options.sessions,
			       .workers = 1,
			       .family = options.family,
			       .suite = options.suite });
	round_init(&round_, &rig, options.frames, options.sessions);
	measure_all(&options);
	round_free(&round_);
	rig_close(&rig);
	floor_fini(&floor_);
	return 0;
}
