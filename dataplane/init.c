#include "init.h"

#include "stage.h"

enum { INIT_SOURCE_BYTES = 18 }; /* address and UDP port, as they lie in an endpoint */

void init_state_init(struct init_state *state, const struct secrets_box *secrets,
	const struct ports *ports, uint32_t worker, uint32_t workers)
{
	memset(state, 0, sizeof *state);
	state->secrets = secrets;
	state->workers = workers;
	state->next_owner = worker;
	for (uint16_t id = 0; id < ports->count; id++)
		state->port_owns[id] = ports->port[id].rx_queues == workers;
	random_pool_init(&state->random);
	source_init(&state->sources);
}

/* Above half a punt ring an init must prove its source address. */
static bool init_loaded(const struct rte_ring *punt)
{
	return rte_ring_count(punt) > rte_ring_get_capacity(punt) / 2;
}

/* A cookie shows that somebody receives at an address, not that he is alone there or means well. */
static bool init_source_due(struct worker *worker, const struct endpoint *endpoint)
{
	static const struct bucket_rate rate = { INIT_SOURCE_PER_S, INIT_SOURCE_BURST };
	return source_take(&worker->init->sources, endpoint, worker->now, worker->tsc_hz, &rate);
}

static uint32_t init_owner(struct worker *worker, const struct rte_mbuf *mbuf)
{
	struct init_state *state = worker->init;
	if (mbuf->port < PORTS_MAX && state->port_owns[mbuf->port])
		return worker->id;
	return state->next_owner++ % state->workers;
}

static void init_source(const struct endpoint *endpoint, uint8_t source[INIT_SOURCE_BYTES])
{
	memcpy(source, endpoint->remote, 16);
	memcpy(source + 16, &endpoint->remote_port, 2);
}

static void init_write_cookie_reply(struct worker *worker, struct rte_mbuf *mbuf,
	const struct secrets *secrets, const uint8_t source[INIT_SOURCE_BYTES])
{
	uint8_t nonce[24];
	struct wire_cookie_reply reply;
	struct frame *frame = frame_of(mbuf);
	random_pool_take(&worker->init->random, nonce, sizeof nonce);
	mac_cookie_reply(&secrets->macs, &secrets->cookie, source, INIT_SOURCE_BYTES,
		(const struct wire_init *)frame_bytes(mbuf), nonce, &reply);
	memcpy(frame_bytes(mbuf), &reply, sizeof reply);
	frame->to_endpoint = 1;
}

/* Returns whether the frame has become a cookie reply; else it is in the punt ring or dropped. */
static bool init_handle(struct worker *worker, struct rte_mbuf *mbuf, const struct secrets *secrets)
{
	const struct wire_init *init = (const struct wire_init *)frame_bytes(mbuf);
	struct frame *frame = frame_of(mbuf);
	uint8_t source[INIT_SOURCE_BYTES];
	if (!mac1_ok(&secrets->macs, init)) {
		worker_drop(worker, mbuf, COUNTER_drop_mac1);
		return false;
	}
	frame_source(mbuf, &frame->endpoint);
	init_source(&frame->endpoint, source);
	const bool loaded = init_loaded(worker->punt);
	if (loaded && !mac2_ok(&secrets->cookie, source, sizeof source, init)) {
		worker_count(worker, COUNTER_drop_mac2, 1);
		worker_count(worker, COUNTER_cookie_replies, 1);
		init_write_cookie_reply(worker, mbuf, secrets, source);
		return true;
	}
	if (loaded && !init_source_due(worker, &frame->endpoint)) {
		worker_drop(worker, mbuf, COUNTER_drop_init_source);
		return false;
	}
	frame->work = FRAME_PUNT_INIT;
	frame->owner = init_owner(worker, mbuf);
	if (rte_ring_sp_enqueue(worker->punt, mbuf) < 0)
		worker_drop(worker, mbuf, COUNTER_drop_punt_full);
	else
		worker_count(worker, COUNTER_punted_inits, 1);
	return false;
}

uint32_t init_punt(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const struct secrets *secrets = secrets_read(worker->init->secrets);
	uint32_t replies = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (!secrets->from_control)
			worker_drop(worker, frames[i], COUNTER_drop_no_control);
		else if (i >= INIT_BURST_MAX)
			worker_drop(worker, frames[i], COUNTER_drop_init_budget);
		else if (init_handle(worker, frames[i], secrets))
			frames[replies++] = frames[i];
	}
	return replies;
}
