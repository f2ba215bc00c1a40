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
	bool running;                       /* `on` as this turn found it */
	uint64_t last;                      /* TSC at the end of the stage before */
	struct stage_sum turn[STAGE_COUNT]; /* of this turn */
	/* worker; read by main */
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
	times->turn[stage] = (struct stage_sum){ now - times->last, n };
	times->last = now;
}

static inline void stage_time_add(struct stage_times *times, enum stage stage, struct stage_sum sum)
{
	struct stage_sum *to = &times->sums[stage];

	__atomic_store_n(&to->cycles, to->cycles + sum.cycles, __ATOMIC_RELAXED);
	__atomic_store_n(&to->frames, to->frames + sum.frames, __ATOMIC_RELAXED);
}

/* At the end of a turn that took that many frames in. A turn without any says nothing about the
 * stages: polling would hide what a frame costs. */
static inline void stage_time_end(struct stage_times *times, uint64_t taken)
{
	uint64_t cycles = 0;

	if (likely(!times->running))
		return;
	for (uint32_t stage = 0; stage < STAGE_COUNT; stage++) {
		if (taken > 0)
			stage_time_add(times, (enum stage)stage, times->turn[stage]);
		cycles += times->turn[stage].cycles;
	}
	if (taken == 0)
		stage_time_add(times, STAGE_idle, (struct stage_sum){ .cycles = cycles });
}

static inline struct stage_sum stage_time_sum(const struct stage_times *times, enum stage stage)
{
	return (struct stage_sum){
		.cycles = __atomic_load_n(&times->sums[stage].cycles, __ATOMIC_RELAXED),
		.frames = __atomic_load_n(&times->sums[stage].frames, __ATOMIC_RELAXED),
	};
}

#endif
