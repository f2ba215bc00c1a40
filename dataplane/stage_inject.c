#include "session.h"
#include "stage.h"

void stage_inject(struct worker *worker)
{
	struct rte_mbuf *frames[WORKER_RING_BURST];
	const uint32_t n =
		rte_ring_sc_dequeue_burst(worker->inject, (void **)frames, WORKER_RING_BURST, NULL);

	worker->taken += n;
	for (uint32_t i = 0; i < n; i++) {
		struct frame *frame = frame_of(frames[i]);
		if (frame->work == FRAME_SEND_RAW) {
			frame->to_endpoint = 1;
			worker_batch_add(&worker->raw, frames[i]);
			worker_count(worker, COUNTER_injected_frames, 1);
			continue;
		}
		/* The session may have ended while the frame was in the ring. */
		frame->to_endpoint = 0;
		frame->to = session_to(worker->view, frame->index);
		if (frame->to == NULL) {
			worker_drop_opened(worker, frames[i], COUNTER_drop_stale_session);
			continue;
		}
		worker_batch_add(&worker->extra, frames[i]);
		worker_count(worker, COUNTER_injected_frames, 1);
	}
}
