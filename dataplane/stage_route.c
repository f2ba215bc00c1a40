#include "route.h"
#include "session.h"
#include "src/control_op.h"
#include "stage.h"

_Static_assert(WORKER_RX_BURST + WORKER_RING_BURST <= ROUTE_BULK_MAX, "one look-up");

/* Route to device. On: frames whose frame->device is the recipient's. */
static uint32_t find_devices(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const void *routes[ROUTE_BULK_MAX];
	uint32_t values[ROUTE_BULK_MAX], on = 0;

	for (uint32_t i = 0; i < n; i++)
		routes[i] = frame_inner(frames[i])->route;
	route_find_bulk(&worker->view->routes, routes, n, values);
	for (uint32_t i = 0; i < n; i++) {
		if (unlikely(values[i] == ROUTE_NONE)) {
			worker_drop_opened(worker, frames[i], COUNTER_drop_no_route);
		} else if (unlikely((route_flags(values[i]) & CONTROL_ROUTE_LIVE) == 0)) {
			worker_drop_opened(worker, frames[i], COUNTER_drop_not_live);
		} else {
			const uint32_t device = route_device(values[i]);
			rte_prefetch0(&worker->view->current[device]);
			frame_of(frames[i])->device = device;
			frames[on++] = frames[i];
		}
	}
	return on;
}

/* Device to its current session, whose lines seal will need. They are not read here, where they
 * would be waited for: that the session is still there, seal looks at last. */
static uint32_t find_sessions(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const struct tables_view *view = worker->view;
	uint32_t on = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct frame *frame = frame_of(frames[i]);
		const uint32_t index =
			__atomic_load_n(&view->current[frame->device], __ATOMIC_ACQUIRE);
		if (unlikely(index == SESSION_NONE)) {
			worker_drop_opened(worker, frames[i], COUNTER_drop_offline);
			continue;
		}
		frame->to = &view->sessions[wire_index_slot(index)];
		const struct session_send *send = &frame->to->send;
		rte_prefetch0(&send->counter);
		rte_prefetch0(&send->endpoint);
		if (on < SESSION_AHEAD)
			aead_prefetch_aes(&send->key, frames[i]->data_len);
		frame->index = index;
		frames[on++] = frames[i];
	}
	return on;
}

uint32_t stage_route(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	uint32_t on = n;

	if (n == 0)
		return 0;
	on = find_devices(worker, frames, on);
	on = find_sessions(worker, frames, on);
	stage_check_flow(worker, before, on, n);
	return on;
}
