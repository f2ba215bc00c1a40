#include "session.h"
#include "stage.h"

/* Tells main, without which the session would never become its device's current one: where the ring
 * is full it stays pending, and the device repeats its keepalive. */
static bool confirm(struct worker *worker, struct session_receive *receive)
{
	if (rte_ring_sp_enqueue_elem(worker->events, &receive->index, sizeof receive->index) != 0)
		return false;
	receive->confirmed = 1;
	worker_count(worker, COUNTER_sessions_confirmed, 1);
	return true;
}

uint32_t stage_admit(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	uint32_t on = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct session_receive *receive = &frame_of(frames[i])->from->receive;
		const struct wire_inner *inner = frame_inner(frames[i]);
		if (unlikely(!wire_inner_from_device_ok(inner)))
			worker_drop_opened(worker, frames[i], COUNTER_drop_inner);
		else if (unlikely(!receive->confirmed) &&
			 (inner->kind != WIRE_KEEPALIVE || !confirm(worker, receive)))
			worker_drop_opened(worker, frames[i], COUNTER_drop_unconfirmed);
		else
			frames[on++] = frames[i];
	}
	stage_check_flow(worker, before, on, n);
	return on;
}
