#include "route.h"
#include "session.h"
#include "stage.h"
#include "store/share.h"

_Static_assert(WORKER_RX_BURST + WORKER_RING_BURST <= ROUTE_BULK_MAX, "one look-up");

/* False while the ring is full. Of an acknowledgement nothing but the header counts. */
static bool hand_over(struct worker *worker, struct rte_mbuf *mbuf, uint32_t device)
{
	const struct wire_inner *inner = frame_inner(mbuf);
	const bool stored = inner->kind == WIRE_STORED;
	struct share_up *record = ring_claim(&worker->store_up);

	if (unlikely(record == NULL))
		return false;
	record->kind = stored ? SHARE_STORED : SHARE_RECEIVED;
	record->len = stored ? (uint16_t)(mbuf->data_len - WIRE_TRANSPORT_OVERHEAD_BYTES)
			     : WIRE_INNER_HEADER_BYTES;
	record->device = device;
	record->index = frame_of(mbuf)->index;
	rte_memcpy(record->frame, inner, record->len);
	ring_publish(&worker->store_up);
	worker_count(worker, stored ? COUNTER_stored_frames : COUNTER_received_frames, 1);
	return true;
}

/* For a stored frame it makes no difference whether the device has a session, or ever had one: what
 * its sender sees must be the same. Only its owner may say that something was received. */
static void store_one(struct worker *worker, struct rte_mbuf *mbuf, uint32_t device)
{
	if (frame_inner(mbuf)->kind == WIRE_RECEIVED &&
		frame_of(mbuf)->from->receive.device != device) {
		worker_drop_opened(worker, mbuf, COUNTER_drop_not_owner);
		return;
	}
	if (!hand_over(worker, mbuf, device)) {
		worker_drop_opened(worker, mbuf, COUNTER_drop_store_full);
		return;
	}
	worker_wipe_opened(mbuf);
	rte_pktmbuf_free(mbuf);
	worker->given++;
}

static void store_unconnected(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		worker_drop_opened(worker, frames[i], COUNTER_drop_no_store);
}

/* Out of the way of turns without such frames: most have none. */
static __rte_noinline void store_all(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const void *routes[ROUTE_BULK_MAX];
	uint32_t values[ROUTE_BULK_MAX];

	for (uint32_t i = 0; i < n; i++)
		routes[i] = frame_inner(frames[i])->route;
	route_find_bulk(&worker->view->routes, routes, n, values);
	for (uint32_t i = 0; i < n; i++)
		if (unlikely(values[i] == ROUTE_NONE))
			worker_drop_opened(worker, frames[i], COUNTER_drop_no_route);
		else
			store_one(worker, frames[i], route_device(values[i]));
}

uint32_t stage_store(struct worker *worker)
{
	const uint32_t n = worker->stored.n;

	if (likely(n == 0))
		return 0;
	const uint64_t before = stage_flow(worker);
	worker->stored.n = 0;
	if (__atomic_load_n(&worker->store_connected, __ATOMIC_RELAXED))
		store_all(worker, worker->stored.frames, n);
	else
		store_unconnected(worker, worker->stored.frames, n);
	stage_check_flow(worker, before, 0, 0); /* sort has counted them as branched off */
	return n;
}
