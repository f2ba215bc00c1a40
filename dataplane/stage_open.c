#include "session.h"
#include "stage.h"

/* Reads only: nothing is written to a session for a frame whose tag is not verified yet. */
static struct session *find(struct worker *worker, struct rte_mbuf *mbuf)
{
	struct frame *frame = frame_of(mbuf);
	struct session *session = session_of(worker->view, frame->index);

	if (unlikely(session == NULL)) {
		worker_refuse(worker, mbuf, COUNTER_drop_unknown_index);
		return NULL;
	}
	struct session_receive *receive = &session->receive;
	if (unlikely(__atomic_load_n(&receive->expires, __ATOMIC_RELAXED) <=
		     session_tick(worker->now))) {
		worker_drop(worker, mbuf, COUNTER_drop_expired);
		return NULL;
	}
	frame->from = session;
	return session;
}

/* What open and the stages up to roam will need. */
static void prefetch(struct rte_mbuf *mbuf)
{
	const struct frame *frame = frame_of(mbuf);
	const struct session_receive *receive = &frame->from->receive;

	frame_prefetch(mbuf);
	aead_prefetch(&receive->key, mbuf->data_len);
	rte_prefetch0(&receive->head);
	rte_prefetch0(
		&receive->bitmap[frame->counter / REPLAY_WORD_BITS % RTE_DIM(receive->bitmap)]);
}

uint32_t stage_open(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	uint32_t known = 0, on = 0;

	for (uint32_t i = 0; i < n; i++)
		if (find(worker, frames[i]) != NULL)
			frames[known++] = frames[i];
	for (uint32_t i = 0; i < RTE_MIN(known, (uint32_t)SESSION_AHEAD); i++)
		prefetch(frames[i]);
	for (uint32_t i = 0; i < known; i++) {
		struct rte_mbuf *mbuf = frames[i];
		if (i + SESSION_AHEAD < known)
			prefetch(frames[i + SESSION_AHEAD]);
		if (unlikely(aead_open(&worker->aead, &frame_of(mbuf)->from->receive.key,
				     frame_bytes(mbuf), mbuf->data_len) != 0))
			worker_refuse(worker, mbuf, COUNTER_drop_aead);
		else
			frames[on++] = mbuf;
	}
	stage_check_flow(worker, before, on, n);
	return on;
}
