#include "session.h"
#include "stage.h"

/* Consecutive frames of the same owner, handed over at once. */
struct run {
	uint32_t owner, n;
	struct rte_mbuf *frames[WORKER_RX_BURST];
};

static void run_hand_over(struct worker *worker, struct run *run)
{
	if (run->n == 0)
		return;
	const uint32_t handed = rte_ring_sp_enqueue_burst(
		worker->steer_out[run->owner], (void *const *)run->frames, run->n, NULL);
	worker_count(worker, COUNTER_steered_frames, handed);
	worker->given += handed;
	for (uint32_t i = handed; i < run->n; i++)
		worker_drop(worker, run->frames[i], COUNTER_drop_steer_full);
	run->n = 0;
}

static uint32_t take_from_rings(struct worker *worker, struct rte_mbuf **frames)
{
	const uint32_t taken = worker_take(worker, worker->steer_in, frames);

	worker->ring_next = worker->ring_next + 1 < worker->workers ? worker->ring_next + 1 : 0;
	/* All of it was written, or read, by another core last. */
	for (uint32_t i = 0; i < taken; i++) {
		rte_prefetch0(frames[i]);
		rte_prefetch0(frame_of(frames[i]));
	}
	for (uint32_t i = 0; i < taken; i++) {
		rte_prefetch0(frame_bytes(frames[i]));
		session_prefetch(worker->view, frame_of(frames[i])->index);
	}
	return taken;
}

uint32_t stage_steer(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	struct run run = { .n = 0 };
	uint32_t on = 0;

	for (uint32_t i = 0; i < n; i++) {
		const uint32_t owner = wire_index_owner(frame_of(frames[i])->index);
		if (owner == worker->id) {
			frames[on++] = frames[i];
			continue;
		}
		if (owner >= worker->workers) {
			worker_refuse(worker, frames[i], COUNTER_drop_unknown_index);
			continue;
		}
		if (run.n > 0 && run.owner != owner)
			run_hand_over(worker, &run);
		run.owner = owner;
		run.frames[run.n++] = frames[i];
	}
	run_hand_over(worker, &run);
	stage_check_flow(worker, before, on, n);
	return on + take_from_rings(worker, frames + on);
}
