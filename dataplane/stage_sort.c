#include "session.h"
#include "stage.h"
#include "token.h"

/* What a session may ask of control in a second: each request may cost a write to disk, and those
 * of all devices share a ring with everybody's handshakes. */
enum { SORT_CONTROLS_PER_S = 64 };

/* The answer goes where the keepalive came from, in the same cell: bytes out = bytes in. */
static void answer(struct worker *worker, struct rte_mbuf *mbuf)
{
	struct frame *frame = frame_of(mbuf);
	struct wire_inner *inner = frame_inner(mbuf);
	const uint32_t payload_bytes =
		mbuf->data_len - WIRE_TRANSPORT_OVERHEAD_BYTES - WIRE_INNER_HEADER_BYTES;

	frame_source(mbuf, &frame->endpoint);
	frame->to_endpoint = 1;
	frame->to = frame->from;
	memset(inner->route, 0, sizeof inner->route);
	inner->ttl = 0;
	memset(inner->payload, 0, payload_bytes);
	struct wire_keepalive *keepalive = (struct wire_keepalive *)inner->payload;
	keepalive->what = WIRE_KEEPALIVE_ANSWER;
	if (!frame->source_known) {
		keepalive->has_token = 1;
		token_make(worker->token_key, frame->index, &frame->endpoint, keepalive->token);
	}
	worker_count(worker, COUNTER_keepalives, 1);
	worker_batch_add(&worker->extra, mbuf);
}

static bool control_due(const struct worker *worker, struct session_receive *receive)
{
	const uint16_t second = (uint16_t)(worker->now / worker->tsc_hz);

	if (receive->controls_s != second) {
		receive->controls_s = second;
		receive->controls = 0;
	}
	if (receive->controls == SORT_CONTROLS_PER_S)
		return false;
	receive->controls++;
	return true;
}

static void punt(struct worker *worker, struct rte_mbuf *mbuf)
{
	struct frame *frame = frame_of(mbuf);

	if (!control_due(worker, &frame->from->receive)) {
		worker_drop_opened(worker, mbuf, COUNTER_drop_control_rate);
		return;
	}
	frame->device = frame->from->receive.device;
	frame->work = FRAME_PUNT_CONTROL;
	if (rte_ring_sp_enqueue(worker->punt, mbuf) != 0) {
		worker_drop_opened(worker, mbuf, COUNTER_drop_punt_full);
		return;
	}
	worker_count(worker, COUNTER_punted_controls, 1);
	worker->given++;
}

uint32_t stage_sort(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	uint32_t on = 0;

	for (uint32_t i = 0; i < n; i++) {
		switch (frame_inner(frames[i])->kind) {
		case WIRE_LIVE:
			frames[on++] = frames[i];
			break;
		case WIRE_KEEPALIVE:
			answer(worker, frames[i]);
			break;
		case WIRE_CONTROL:
			punt(worker, frames[i]);
			break;
		default: /* admit let stored and received through, nothing else */
			worker_batch_add(&worker->stored, frames[i]);
		}
	}
	stage_check_flow(worker, before, on, n);
	return on;
}
