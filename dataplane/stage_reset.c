#include "stage_reset.h"

#include "address.h"
#include "stage.h"
#include <sodium.h>

void reset_state_init(struct reset_state *state, const struct secrets_box *secrets)
{
	memset(state, 0, sizeof *state);
	state->secrets = secrets;
	source_init(&state->sources);
}

static bool reset_due(struct worker *worker, const struct endpoint *endpoint)
{
	static const struct bucket_rate of_source = { RESET_SOURCE_PER_S, RESET_SOURCE_BURST };
	static const struct bucket_rate of_worker = { RESET_WORKER_PER_S, RESET_WORKER_BURST };
	struct reset_state *state = worker->reset;
	return address_source_ok(worker->config, endpoint->remote) &&
	       source_take(&state->sources, endpoint, worker->now, worker->tsc_hz, &of_source) &&
	       bucket_take(&state->worker, worker->now, worker->tsc_hz, &of_worker);
}

static bool reset_handle(
	struct worker *worker, struct rte_mbuf *mbuf, const struct secrets *secrets)
{
	uint8_t *bytes = frame_bytes(mbuf), key[WIRE_RESET_KEY_BYTES];
	const struct wire_transport *cause = (const struct wire_transport *)bytes;
	struct frame *frame = frame_of(mbuf);
	if (cause->type != WIRE_TRANSPORT)
		return false;
	frame_source(mbuf, &frame->endpoint);
	if (!reset_due(worker, &frame->endpoint))
		return false;
	reset_key(secrets->reset, get32(cause->receiver_index), key);
	reset_write(key, secrets->boot, cause, bytes, rte_pktmbuf_data_len(mbuf));
	sodium_memzero(key, sizeof key);
	frame->to_endpoint = 1;
	return true;
}

uint32_t reset_answer(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const struct secrets *secrets = secrets_read(worker->reset->secrets);
	uint32_t resets = 0;
	for (uint32_t i = 0; i < n; i++)
		if (secrets->from_control && reset_handle(worker, frames[i], secrets))
			frames[resets++] = frames[i];
		else
			rte_pktmbuf_free(frames[i]);
	worker_count(worker, COUNTER_resets_sent, resets);
	return resets;
}
