#include "session.h"
#include "stage.h"

static void prefetch(struct rte_mbuf *mbuf)
{
	aead_prefetch(&frame_of(mbuf)->to->send.key, mbuf->data_len);
}

/* A counter for each frame whose session is still there. All before the first is sealed: an atomic
 * addition waits for what was stored before it, and the lines that other workers have written to
 * come while the additions before theirs are made. */
static uint32_t take_counters(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	uint32_t on = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *mbuf = frames[i];
		struct frame *frame = frame_of(mbuf);
		struct session_send *send = &frame->to->send;
		if (unlikely(!session_sends(frame->to, frame->index))) {
			worker_drop_opened(worker, mbuf, COUNTER_drop_offline);
			continue;
		}
		/* Whatever worker seals, no counter is used twice. */
		frame->counter = __atomic_fetch_add(&send->counter, 1, __ATOMIC_RELAXED);
		if (unlikely(frame->counter >= WIRE_LAST_COUNTER)) {
			worker_drop_opened(worker, mbuf, COUNTER_drop_send_counter);
			continue;
		}
		frames[on++] = mbuf;
	}
	return on;
}

uint32_t stage_seal(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	const uint32_t on = take_counters(worker, frames, n);

	for (uint32_t i = 0; i < RTE_MIN(on, (uint32_t)SESSION_AHEAD); i++)
		prefetch(frames[i]);
	for (uint32_t i = 0; i < on; i++) {
		struct rte_mbuf *mbuf = frames[i];
		if (i + SESSION_AHEAD < on)
			prefetch(frames[i + SESSION_AHEAD]);
		const struct frame *frame = frame_of(mbuf);
		const struct session_send *send = &frame->to->send;
		aead_seal(&worker->aead, &send->key, send->peer_index, frame->counter,
			frame_bytes(mbuf), mbuf->data_len);
	}
	stage_check_flow(worker, before, on, n);
	return on;
}
