#include "session.h"
#include "stage.h"

static void prefetch(struct rte_mbuf *mbuf)
{
	aead_prefetch(&frame_of(mbuf)->to->send.key, mbuf->data_len);
}

uint32_t stage_seal(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	uint32_t on = 0;

	for (uint32_t i = 0; i < RTE_MIN(n, (uint32_t)SESSION_AHEAD); i++)
		prefetch(frames[i]);
	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *mbuf = frames[i];
		if (i + SESSION_AHEAD < n)
			prefetch(frames[i + SESSION_AHEAD]);
		struct frame *frame = frame_of(mbuf);
		struct session_send *send = &frame->to->send;
		if (unlikely(!session_sends(frame->to, frame->index))) {
			worker_drop_opened(worker, mbuf, COUNTER_drop_offline);
			continue;
		}
		/* Whatever worker seals, no counter is used twice. */
		const uint64_t counter = __atomic_fetch_add(&send->counter, 1, __ATOMIC_RELAXED);
		if (unlikely(counter >= WIRE_LAST_COUNTER)) {
			worker_drop_opened(worker, mbuf, COUNTER_drop_send_counter);
			continue;
		}
		aead_seal(&worker->aead, &send->key, send->peer_index, counter, frame_bytes(mbuf),
			mbuf->data_len);
		frames[on++] = mbuf;
	}
	stage_check_flow(worker, before, on, n);
	return on;
}
