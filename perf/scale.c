/* scale_rss, scale_steered: what a second worker adds, divided by what a second thread adds to the
 * bare AEAD in the same run. RSS: frames come in at the worker that owns their session. Steered: at
 * either, so that half of them change hands. Recipients are random in both. */
#include "bench.h"
#include "drive.h"
#include "floor.h"
#include "options.h"
#include "rig.h"
#include "round.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <stdio.h>

enum { WORKERS = 2, BOTH = 3, RETAKES_MAX = 1000 };

enum part { PART_IDLE, PART_FLOOR, PART_PATH };

/* What an lcore does in a part of a run. */
struct lane {
	enum part part;
	struct drive drive;
};

static struct rig rig;
static struct round rounds[WORKERS];
static struct floor floors[WORKERS];
static struct lane lanes[WORKERS];
static uint32_t arrived, finished; /* lanes */
static uint64_t steer_drops;       /* counted so far */

static void meet(uint32_t *count)
{
	__atomic_add_fetch(count, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < WORKERS)
		rte_pause();
}

static void lane_floor(struct lane *lane)
{
	const struct round *round = lane->drive.round;
	const uint64_t before = bench_preemptions();

	lane->drive.start = rte_rdtsc();
	floor_run(&floors[lane->drive.worker], round->cells, round->cell, round->from, round->to,
		round->n);
	lane->drive.end = rte_rdtsc();
	lane->drive.alone = bench_preemptions() == before;
}

/* A lane loads its own packets, so that they lie in the same caches whether it runs alone or not.
 * One that is idle holds its core all the same: what else runs there would slow its neighbour. */
static int lane_run(void *argument)
{
	struct lane *lane = argument;

	if (lane->part != PART_IDLE)
		round_load(lane->drive.round);
	bench_hold_core(true);
	meet(&arrived);
	if (lane->part == PART_FLOOR)
		lane_floor(lane);
	else if (lane->part == PART_PATH)
		drive_run(&lane->drive);
	meet(&finished);
	bench_hold_core(false);
	return 0;
}

static void launch(enum part part, uint32_t busy)
{
	arrived = finished = 0;
	for (uint32_t i = 0; i < WORKERS; i++) {
		lanes[i].part = (busy & 1u << i) != 0 ? part : PART_IDLE;
		lanes[i].drive = (struct drive){
			.round = &rounds[i],
			.worker = i,
			.burst = WORKER_RX_BURST,
			.other = busy == BOTH ? &lanes[1 - i].drive : NULL,
			.total = rounds[i].n * (uint32_t)__builtin_popcount(busy),
		};
	}
	rte_eal_remote_launch(lane_run, &lanes[1], rte_get_next_lcore(UINT32_MAX, 1, 0));
	lane_run(&lanes[0]);
	rte_eal_mp_wait_lcore();
}

/* Frames a cycle of the lanes in `busy` (bit n: lcore n), from the first start to the last end; 0
 * when it has to be taken again. */
static double run(enum part part, uint32_t busy)
{
	uint32_t sent = 0, n = 0;
	uint64_t start = UINT64_MAX, end = 0;
	bool good = true;

	launch(part, busy);
	for (uint32_t i = 0; i < WORKERS; i++) {
		const struct lane *lane = &lanes[i];
		if (lane->part == PART_IDLE)
			continue;
		start = RTE_MIN(start, lane->drive.start);
		end = RTE_MAX(end, lane->drive.end);
		good = good && lane->drive.alone;
		n += rounds[i].n;
		sent += lane->drive.sent;
	}
	/* A worker that lost its core lets the ring to it run full: that is loss, and no error. */
	const bool lost = part == PART_PATH && sent != n;
	if (lost && sent + rig_counter(&rig, COUNTER_drop_steer_full) - steer_drops != n)
		rig_fail(&rig, "frames did not come out");
	steer_drops = rig_counter(&rig, COUNTER_drop_steer_full);
	for (uint32_t i = 0; i < WORKERS; i++)
		if (lanes[i].part == PART_PATH)
			round_done(&rounds[i], !lost);
	return good && !lost ? (double)n / (double)(end - start) : 0;
}

static void make(uint32_t devices_step)
{
	for (uint32_t i = 0; i < WORKERS; i++) {
		rounds[i].first = devices_step == 1 ? 0 : i;
		rounds[i].step = devices_step;
		round_make(&rounds[i]);
	}
}

/* Speed-up of a part: both lanes against the mean of each alone, whose cycles a frame it says.
 * Fresh frames for each run of the path: a counter passes once. */
static double speed_up(enum part part, bool steered, double *one_cycles)
{
	double alone = 0;

	for (uint32_t i = 0; i < WORKERS; i++) {
		make(WORKERS);
		const double one = run(part, 1u << i);
		if (one == 0)
			return 0;
		alone += one / WORKERS;
	}
	*one_cycles = 1 / alone;
	make(steered ? 1 : WORKERS);
	return run(part, BOTH) / alone;
}

static void measure(const struct options *options, uint32_t cell, bool steered)
{
	double floors_up[BENCH_PAIRS_MAX], paths_up[BENCH_PAIRS_MAX], ratios[BENCH_PAIRS_MAX];
	double floors_one[BENCH_PAIRS_MAX], paths_one[BENCH_PAIRS_MAX];
	uint32_t n = 0, retaken = 0;

	for (uint32_t i = 0; i < WORKERS; i++)
		rounds[i].cell = cell;
	while (n < options->pairs) {
		floors_up[n] = speed_up(PART_FLOOR, steered, &floors_one[n]);
		paths_up[n] = floors_up[n] > 0 ? speed_up(PART_PATH, steered, &paths_one[n]) : 0;
		if (paths_up[n] == 0) {
			if (++retaken > RETAKES_MAX)
				bench_fail("the cores are never free for long enough");
			continue;
		}
		ratios[n] = paths_up[n] / floors_up[n];
		n++;
	}
	const struct bench_figure figure = {
		.name = steered ? "scale_steered" : "scale_rss",
		.unit = "speed-up",
		.cell = cell,
		.sessions = options->sessions,
		.workers = WORKERS,
		.suite = options->suite,
		.value = bench_spread(paths_up, n).median,
		.floor = bench_spread(floors_up, n).median,
		.ratio = bench_spread(ratios, n),
		.family = options->family,
		.burst = WORKER_RX_BURST,
		.pairs = n,
		.retaken = retaken,
		.alone = bench_spread(paths_one, n).median,
		.floor_alone = bench_spread(floors_one, n).median,
	};
	bench_print(&figure);
	fprintf(stderr,
		"     %-13s %4u bytes, %7u sessions, %s: %.3f / %.3f = %.3f (%.3f to %.3f, %u "
		"retaken)\n",
		figure.name, cell, options->sessions, bench_suite(options->suite), figure.value,
		figure.floor, figure.ratio.median, figure.ratio.low, figure.ratio.high, retaken);
}

int main(int argc, char **argv)
{
	struct options options;

	options_parse(&options, argc, argv);
	bench_eal(WORKERS, rig_need_mib(options.sessions, WORKERS));
	rig_open(&rig, &(struct rig_options){ .sessions = options.sessions,
			       .workers = WORKERS,
			       .family = options.family,
			       .suite = options.suite });
	for (uint32_t i = 0; i < WORKERS; i++) {
		if (i == 0)
			floor_init(&floors[i], &rig);
		else
			floor_share(&floors[i], &floors[0]);
		round_init(&rounds[i], &rig, options.frames, options.sessions + i);
		rounds[i].offload = true;
	}
	rig_offload(&rig, true);
	for (uint32_t c = 0; c < options.cells.n; c++)
		for (uint32_t steered = 0; steered <= 1; steered++)
			measure(&options, options.cells.values[c], steered);
	for (uint32_t i = 0; i < WORKERS; i++)
		round_free(&rounds[i]);
	for (uint32_t i = WORKERS; i-- > 0;)
		floor_fini(&floors[i]);
	rig_close(&rig);
	return 0;
}
