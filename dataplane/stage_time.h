/* Where the cycles of the packet path go, by stage: compiled in, switched on at run time. Off, it
 * costs a branch a stage and burst. */
#ifndef CHAPPE_DATAPLANE_STAGE_TIME_H
#define CHAPPE_DATAPLANE_STAGE_TIME_H

#include "src/stages.h"
#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <stdbool.h>

/* One a worker, its writer; main reads the sums and switches them on. */
struct stage_times {
	/* main */
	bool on;
	/* worker */
	bool running;  /* `on` as this turn found it */
	uint64_t last; /* TSC at the end of the stage before */
	struct stage_sum sums[STAGE_COUNT];
};

static inline void stage_time_begin(struct stage_times *times, uint64_t now)
{
	times->running = __atomic_load_n(&times->on, __ATOMIC_RELAXED);
	times->last = now;
}

/* At the end of a stage, which n frames have passed. */
static inline void stage_time(struct stage_times *times, enum stage stage, uint32_t n)
{
	if (likely(!times->running))
		return;
	const uint64_t now = rte_rdtsc();
	struct stage_sum *sum = &times->sums[stage];
	__atomic_store_n(&sum->cycles, sum->cycles + now - times->last, __ATOMIC_RELAXED);
	__atomic_store_n(&sum->frames, sum->frames + n, __ATOMIC_RELAXED);
	times->last = now;
}

#endif
