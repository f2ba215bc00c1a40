#include "session.h"
#include "stage.h"
#include "token.h"

enum {
	ROAM_CHALLENGES_PER_S = 4, /* a session */
	ROAM_TICK_SHIFT = 20,      /* a tick is 2^20 TSC cycles, some 0.3 to 0.5 ms */
};

/* A session gets at most ROAM_CHALLENGES_PER_S, and only in answer to a frame that is no shorter:
 * who sends from a place that is not the device's wins nothing. */
static bool challenge_due(const struct worker *worker, struct session_receive *receive)
{
	const uint32_t tick = (uint32_t)(worker->now >> ROAM_TICK_SHIFT) | 1;
	const uint32_t period =
		(uint32_t)(worker->tsc_hz / ROAM_CHALLENGES_PER_S >> ROAM_TICK_SHIFT);

	if (receive->challenged != 0 && tick - receive->challenged < period)
		return false;
	receive->challenged = tick;
	return true;
}

static void challenge(
	struct worker *worker, const struct frame *cause, const struct endpoint *source)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(worker->pool);

	if (mbuf == NULL)
		return;
	mbuf->data_len = WIRE_SMALL_BYTES;
	mbuf->pkt_len = WIRE_SMALL_BYTES;
	struct frame *frame = frame_of(mbuf);
	frame->to = cause->from;
	frame->index = cause->index;
	frame->endpoint = *source;
	frame->to_endpoint = 1;
	memset(frame_bytes(mbuf), 0, WIRE_SMALL_BYTES);
	struct wire_inner *inner = frame_inner(mbuf);
	inner->kind = WIRE_KEEPALIVE;
	inner->frame_id = put64(token_frame_id(worker->token_key, cause->index, cause->counter));
	struct wire_keepalive *keepalive = (struct wire_keepalive *)inner->payload;
	keepalive->what = WIRE_KEEPALIVE_CHALLENGE;
	keepalive->has_token = 1;
	token_make(worker->token_key, cause->index, source, keepalive->token);
	worker->made++;
	worker_count(worker, COUNTER_challenges, 1);
	worker_batch_add(&worker->extra, mbuf);
}

static bool echoes(
	const struct worker *worker, struct rte_mbuf *mbuf, const struct endpoint *source)
{
	const struct wire_inner *inner = frame_inner(mbuf);
	const struct wire_keepalive *keepalive = (const struct wire_keepalive *)inner->payload;

	return inner->kind == WIRE_KEEPALIVE && keepalive->has_token == 1 &&
	       token_ok(worker->token_key, frame_of(mbuf)->index, source, keepalive->token);
}

/* A frame from elsewhere than the frames before it. */
static void roam(struct worker *worker, struct rte_mbuf *mbuf)
{
	struct frame *frame = frame_of(mbuf);
	struct session_receive *receive = &frame->from->receive;
	struct session_send *send = &frame->from->send;
	static const struct endpoint none;
	struct endpoint source;

	frame_source(mbuf, &source);
	if (endpoint_same(&source, &send->endpoint)) {
		if (receive->candidate.family != 0)
			endpoint_publish(&receive->candidate, &none);
		receive->source = frame->source;
		return;
	}
	/* While there is a candidate, every frame is looked at. */
	receive->source = 0;
	if (echoes(worker, mbuf, &source)) {
		endpoint_publish(&send->endpoint, &source);
		endpoint_publish(&receive->candidate, &none);
		receive->source = frame->source;
		worker_count(worker, COUNTER_endpoint_moves, 1);
		return;
	}
	frame->source_known = 0;
	if (!endpoint_same(&source, &receive->candidate))
		endpoint_publish(&receive->candidate, &source);
	/* A keepalive's own answer carries the token. */
	if (frame_inner(mbuf)->kind != WIRE_KEEPALIVE && challenge_due(worker, receive))
		challenge(worker, frame, &source);
}

uint32_t stage_roam(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);

	for (uint32_t i = 0; i < n; i++) {
		struct frame *frame = frame_of(frames[i]);
		/* Late frames tell nothing about where the device is now. */
		frame->source_known = 1;
		if (unlikely(frame->newest && frame->source != frame->from->receive.source))
			roam(worker, frames[i]);
	}
	stage_check_flow(worker, before, n, n);
	return n;
}
