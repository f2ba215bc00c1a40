#include "session.h"
#include "stage.h"

#include <assert.h>

/* Reads only: nothing is written to a session for a frame whose tag is not verified yet. */
static struct session *prepare(struct worker *worker, struct rte_mbuf *mbuf)
{
	struct frame *frame = frame_of(mbuf);
	struct session *session = session_of(worker->view, frame->index);

	if (unlikely(session == NULL)) {
		worker_refuse(worker, mbuf, COUNTER_drop_unknown_index);
		return NULL;
	}
	struct session_receive *receive = &session->receive;
	if (unlikely(__atomic_load_n(&receive->expires, __ATOMIC_RELAXED) <= worker->now)) {
		worker_drop(worker, mbuf, COUNTER_drop_expired);
		return NULL;
	}
	aead_prefetch(&receive->key, mbuf->data_len - WIRE_TRANSPORT_OVERHEAD_BYTES);
	rte_prefetch0(&receive->head);
	rte_prefetch0(
		&receive->bitmap[frame->counter / REPLAY_WORD_BITS % RTE_DIM(receive->bitmap)]);
	rte_prefetch0(&session->send.endpoint);
	frame->device = receive->device;
	return session;
}

uint32_t stage_open(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	uint32_t known = 0, on = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct session *session = prepare(worker, frames[i]);
		if (session == NULL)
			continue;
		frame_of(frames[i])->from = session;
		frames[known++] = frames[i];
	}
	for (uint32_t i = 0; i < known; i++) {
		struct rte_mbuf *mbuf = frames[i];
		if (unlikely(aead_open(&worker->aead, &frame_of(mbuf)->from->receive.key,
				     frame_bytes(mbuf), mbuf->data_len) != 0))
			worker_refuse(worker, mbuf, COUNTER_drop_aead);
		else
			frames[on++] = mbuf;
	}
	assert(stage_flow(worker) - before + on == n);
	return on;
}
