#include "stage_reset.h"

#include "address.h"
#include "stage.h"
#include <sodium.h>

void reset_state_init(struct reset_state *state, const struct secrets_box *secrets)
{
	memset(state, 0, sizeof *state);
	state->secrets = secrets;
	randombytes_buf(state->hash_key, sizeof state->hash_key);
}

bool reset_bucket_take(
	struct reset_bucket *bucket, uint64_t now, uint64_t tsc_hz, uint32_t per_s, uint32_t burst)
{
	uint64_t tick = tsc_hz / per_s; /* TSC cycles that a token takes */
	if (bucket->filled_at == 0) {
		bucket->filled_at = now;
		bucket->tokens = burst;
	} else if (now > bucket->filled_at) {
		uint64_t fresh = (now - bucket->filled_at) / tick;
		bucket->filled_at += fresh * tick;
		bucket->tokens = RTE_MIN(bucket->tokens + fresh, (uint64_t)burst);
	}
	if (bucket->tokens == 0)
		return false;
	bucket->tokens--;
	return true;
}

static struct reset_bucket *reset_source(struct reset_state *state, const struct endpoint *endpoint)
{
	uint8_t source[16];
	uint64_t hash;
	memcpy(source, endpoint->remote, sizeof source);
	if (endpoint->family == 6)
		memset(source + 8, 0, 8); /* a /64 is one household's */
	crypto_shorthash((uint8_t *)&hash, source, sizeof source, state->hash_key);
	return &state->sources[hash % RESET_SOURCES];
}

static bool reset_due(struct worker *worker, const struct endpoint *endpoint)
{
	struct reset_state *state = worker->reset;
	return address_source_ok(worker->config, endpoint->remote) &&
	       reset_bucket_take(reset_source(state, endpoint), worker->now, worker->tsc_hz,
		       RESET_SOURCE_PER_S, RESET_SOURCE_BURST) &&
	       reset_bucket_take(&state->worker, worker->now, worker->tsc_hz, RESET_WORKER_PER_S,
		       RESET_WORKER_BURST);
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
