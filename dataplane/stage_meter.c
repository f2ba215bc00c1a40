#include "session.h"
#include "stage.h"

uint32_t stage_meter(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	uint32_t on = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct session_receive *receive = &frame_of(frames[i])->from->receive;
		const uint32_t number = __atomic_load_n(&receive->limits, __ATOMIC_ACQUIRE);
		if (number != LIMIT_NONE &&
			!limit_pass(&receive->meter, &worker->view->limits[number], worker->now,
				frames[i]->data_len))
			worker_drop_opened(worker, frames[i], COUNTER_drop_meter);
		else
			frames[on++] = frames[i];
	}
	stage_check_flow(worker, before, on, n);
	return on;
}
