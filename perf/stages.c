/* stages: cycles a frame of each stage of the packet path by itself. Bursts pass the stages one
 * after the other as in worker_poll(), each between two fences, so that nothing of one stage is
 * done in the time of another; rounds are small, so that packets and keys come from caches and a
 * figure says what the stage's own instructions take. Every stage must let every frame on, and what
 * comes out is opened and compared: that is what the tests run this for. */
#include "bench.h"
#include "dataplane/stage.h"
#include "drive.h"
#include "options.h"
#include "rig.h"
#include "round.h"

#include <rte_cycles.h>
#include <stdio.h>

enum { STAGES_ROUND_FRAMES = 512, STAGES_FENCE_RUNS = 1000 };

static struct rig rig;
static struct round round_;

static uint32_t run_rx(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	(void)n;
	return stage_rx(worker, frames);
}

static uint32_t run_flush(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	(void)frames;
	(void)n;
	return stage_tx_flush(worker);
}

static const struct stage_alone {
	const char *name;
	uint32_t (*run)(struct worker *worker, struct rte_mbuf **frames, uint32_t n);
} alone[] = {
	{ "rx", run_rx },
	{ "classify", stage_classify },
	{ "steer", stage_steer },
	{ "open", stage_open },
	{ "replay", stage_replay },
	{ "meter", stage_meter },
	{ "admit", stage_admit },
	{ "roam", stage_roam },
	{ "sort", stage_sort },
	{ "route", stage_route },
	{ "seal", stage_seal },
	{ "address", stage_address },
	{ "tx", stage_tx },
	{ "flush", run_flush },
};
_Static_assert(RTE_DIM(alone) == STAGE_store + 1, "all stages before store, and flush");

/* What two fenced looks at the clock take with nothing between them. */
static uint64_t fence_cycles(void)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < STAGES_FENCE_RUNS; i++) {
		const uint64_t start = rte_rdtsc_precise();
		least = RTE_MIN(least, rte_rdtsc_precise() - start);
	}
	return least;
}

/* One burst through all stages; adds what each took to its sum. */
static void pass(uint32_t n, uint64_t fence, uint64_t *sums)
{
	struct worker *worker = rig.workers[0];
	struct rte_mbuf *frames[WORKER_BATCH_MAX];

	worker->now = rte_rdtsc();
	for (uint32_t i = 0; i < RTE_DIM(alone); i++) {
		const uint64_t start = rte_rdtsc_precise();
		const uint32_t on = alone[i].run(worker, frames, n);
		const uint64_t cycles = rte_rdtsc_precise() - start;
		if (on != n) {
			fprintf(stderr, "     stage %s let %u of %u frames on\n", alone[i].name, on,
				n);
			rig_fail(&rig, "frames did not come out of a stage");
		}
		sums[i] += cycles > fence ? cycles - fence : 0;
	}
	rte_rcu_qsbr_quiescent(worker->qsbr, worker->id);
}

/* False when the kernel took the core away meanwhile. */
static bool take_round(uint32_t burst, uint64_t fence, uint64_t *sums)
{
	const struct drive drive = { .round = &round_, .burst = burst };
	uint32_t offered = 0, n;

	round_make(&round_);
	round_load(&round_);
	const uint64_t before = bench_preemptions();
	bench_hold_core(true);
	while ((n = drive_offer(&drive, offered)) > 0) {
		offered += n;
		pass(n, fence, sums);
		if (drive_take(&drive) != n)
			rig_fail(&rig, "frames did not come out");
	}
	bench_hold_core(false);
	const bool undisturbed = bench_preemptions() == before;
	if (offered != round_.n)
		rig_fail(&rig, "no buffers for a round");
	round_done(&round_, true);
	return undisturbed;
}

static void measure(const struct options *options, uint32_t burst)
{
	static double values[RTE_DIM(alone)][BENCH_PAIRS_MAX];
	enum { RETAKES_MAX = 1000 };
	const uint64_t fence = fence_cycles();
	uint32_t n = 0, retaken = 0;

	while (n < options->pairs) {
		uint64_t sums[RTE_DIM(alone)] = { 0 };
		if (!take_round(burst, fence, sums) && retaken < RETAKES_MAX) {
			retaken++;
			continue;
		}
		for (uint32_t i = 0; i < RTE_DIM(alone); i++)
			values[i][n] = (double)sums[i] / round_.n;
		n++;
	}
	for (uint32_t i = 0; i < RTE_DIM(alone); i++) {
		const struct bench_spread spread = bench_spread(values[i], n);
		const struct bench_figure figure = {
			.name = "stage_alone",
			.stage = alone[i].name,
			.unit = "cycles/frame",
			.cell = round_.cell,
			.sessions = options->sessions,
			.workers = 1,
			.suite = options->suite,
			.value = spread.median,
			.family = options->family,
			.burst = burst,
			.pairs = n,
			.retaken = retaken,
		};
		bench_print(&figure);
		fprintf(stderr,
			"     %4u bytes, bursts of %2u: %10s %7.1f (%.1f to %.1f; least %.1f)\n",
			round_.cell, burst, alone[i].name, spread.median, spread.low, spread.high,
			spread.least);
	}
}

int main(int argc, char **argv)
{
	struct options options;

	rig_open_from(&rig, 1, &options, argc, argv);
	round_init(&round_, &rig, RTE_MIN(options.frames, (uint32_t)STAGES_ROUND_FRAMES),
		options.sessions);
	for (uint32_t c = 0; c < options.cells.n; c++) {
		round_.cell = options.cells.values[c];
		for (uint32_t o = 0; o < options.offload.n; o++) {
			round_.offload = options.offload.values[o] != 0;
			rig_offload(&rig, round_.offload);
			for (uint32_t b = 0; b < options.bursts.n; b++)
				measure(&options, options.bursts.values[b]);
		}
	}
	round_free(&round_);
	rig_close(&rig);
	return 0;
}
