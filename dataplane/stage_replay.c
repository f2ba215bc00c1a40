#include "session.h"
#include "stage.h"

uint32_t stage_replay(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	uint32_t on = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct frame *frame = frame_of(frames[i]);
		struct session_receive *receive = &frame->from->receive;
		const uint64_t above = receive->head.highest_plus_one;
		if (unlikely(!replay_accept(&receive->head, receive->bitmap,
			    RTE_DIM(receive->bitmap), frame->counter))) {
			worker_drop_opened(worker, frames[i], COUNTER_drop_replay);
			continue;
		}
		frame->newest = frame->counter >= above;
		frames[on++] = frames[i];
	}
	stage_check_flow(worker, before, on, n);
	return on;
}
