/* path: cycles a frame of the whole worker loop over a memory-backed port, against the bare AEAD on
 * the same buffers, sessions and pairs. Floor and path alternate; the ratio is the median of the
 * pairs' ratios. */
#include "bench.h"
#include "drive.h"
#include "floor.h"
#include "pairs.h"
#include "rig.h"
#include "round.h"

#include <stdio.h>

static struct rig rig;
static struct round round_;
static struct floor floor_;

static uint64_t take_floor(bool *alone)
{
	round_load(&round_);
	const uint64_t before = bench_preemptions();
	bench_hold_core(true);
	const uint64_t cycles =
		floor_run(&floor_, round_.cells, round_.cell, round_.from, round_.to, round_.n);
	*alone = *alone && bench_preemptions() == before;
	bench_hold_core(false);
	return cycles;
}

static uint64_t take_path(uint32_t burst, bool *alone)
{
	struct drive drive = { .round = &round_, .burst = burst, .total = round_.n };

	round_load(&round_);
	bench_hold_core(true);
	drive_run(&drive);
	bench_hold_core(false);
	if (drive.sent != round_.n)
		rig_fail(&rig, "frames did not come out");
	round_done(&round_, true);
	*alone = *alone && drive.alone;
	return drive.end - drive.start;
}

static bool take_pair(const struct pairs *pairs, bool floor_first, uint64_t *floor, uint64_t *path)
{
	bool alone = true;

	round_make(&round_);
	if (floor_first)
		*floor = take_floor(&alone);
	*path = take_path(pairs->burst, &alone);
	if (!floor_first)
		*floor = take_floor(&alone);
	return alone;
}

/* Where the cycles go: rounds of their own, for reading the clock costs some itself. */
static void measure_stages(const struct options *options, uint32_t burst)
{
	static const char *const names[] = {
#define X(name, help) #name,
		STAGES(X)
#undef X
	};
	struct stage_times *times = &rig.workers[0]->times;
	bool alone = true;

	round_.offload = options->offload.values[0] != 0; /* as the headline has it */
	rig_offload(&rig, round_.offload);
	memset(times, 0, sizeof *times);
	times->on = true;
	for (uint32_t i = 0; i < options->pairs; i++) {
		round_make(&round_);
		take_path(burst, &alone);
	}
	times->on = false;
	for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
		const double cycles = (double)times->sums[stage].cycles / options->pairs;
		const struct bench_figure figure = {
			.name = "stage",
			.stage = names[stage],
			.unit = "cycles/frame",
			.cell = round_.cell,
			.sessions = options->sessions,
			.workers = 1,
			.suite = options->suite,
			.value = cycles / round_.n,
			.family = options->family,
			.burst = burst,
		};
		bench_print(&figure);
		fprintf(stderr, "     %10s %7.1f\n", names[stage], figure.value);
	}
}

static void measure(const struct options *options, uint32_t burst, bool offload)
{
	const struct pairs pairs = {
		.name = offload ? "path" : "path_swcksum",
		.options = options,
		.round = &round_,
		.burst = burst,
		.take = take_pair,
	};

	round_.offload = offload;
	rig_offload(&rig, offload);
	pairs_measure(&pairs);
}

static void measure_all(const struct options *options)
{
	for (uint32_t c = 0; c < options->cells.n; c++) {
		round_.cell = options->cells.values[c];
		for (uint32_t o = 0; o < options->offload.n; o++)
			for (uint32_t b = 0; b < options->bursts.n; b++)
				measure(options, options->bursts.values[b],
					options->offload.values[o] != 0);
		if (options->stages)
			measure_stages(options, options->bursts.values[0]);
	}
}

int main(int argc, char **argv)
{
	struct options options;

	rig_open_from(&rig, 1, &options, argc, argv);
	floor_init(&floor_, &rig);
	round_init(&round_, &rig, options.frames, options.sessions);
	measure_all(&options);
	round_free(&round_);
	floor_fini(&floor_);
	rig_close(&rig);
	return 0;
}
