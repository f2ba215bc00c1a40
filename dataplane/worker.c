#include "worker.h"

#include "stage.h"
#include <assert.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <stdio.h>

static struct rte_ring *ring(const char *kind, uint32_t from, uint32_t to, uint32_t entries)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof name, "%s %" PRIu32 " %" PRIu32, kind, from, to);
	return rte_ring_create(name, entries, (int)rte_socket_id(), RING_F_SP_ENQ | RING_F_SC_DEQ);
}

/* The first shares the library with main, which works out a key schedule at times. */
static int worker_aead(struct worker *worker)
{
	return worker->id == 0 ? aead_init(&worker->aead) : aead_init_apart(&worker->aead);
}

struct worker *worker_create(const struct worker_config *config)
{
	struct worker *worker =
		rte_zmalloc_socket("worker", sizeof *worker, RTE_CACHE_LINE_SIZE, config->socket);
	char name[RTE_RING_NAMESIZE];

	if (worker == NULL) {
		rte_errno = ENOMEM;
		return NULL;
	}
	worker->id = config->id;
	worker->lcore = config->lcore;
	worker->workers = config->workers;
	worker->idle_sleep_us = config->config->idle_sleep_us;
	worker->tsc_hz = rte_get_tsc_hz();
	worker->config = config->config;
	worker->view = tables_view(config->tables);
	worker->qsbr = config->qsbr;
	worker->pool = config->pool;
	memcpy(worker->token_key, config->token_key, sizeof worker->token_key);
	worker->inject = ring("inject", config->id, config->id, WORKER_INJECT_RING_FRAMES);
	worker->punt = ring("punt", config->id, config->id, WORKER_PUNT_RING_FRAMES);
	snprintf(name, sizeof name, "events %" PRIu32, config->id);
	worker->events = rte_ring_create_elem(name, sizeof(uint32_t), WORKER_EVENT_RING_ENTRIES,
		config->socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
	worker->running = true;
	if (worker->inject == NULL || worker->punt == NULL || worker->events == NULL ||
		worker_aead(worker) < 0) {
		worker_destroy(worker);
		rte_errno = ENOMEM;
		return NULL;
	}
	return worker;
}

static void ring_free(struct rte_ring *ring_or_null, bool frames)
{
	void *mbuf;

	while (ring_or_null != NULL && frames && rte_ring_dequeue(ring_or_null, &mbuf) == 0)
		rte_pktmbuf_free(mbuf);
	rte_ring_free(ring_or_null);
}

void worker_destroy(struct worker *worker)
{
	if (worker == NULL)
		return;
	for (uint32_t i = 0; i < WORKERS_MAX; i++) {
		ring_free(worker->steer_in[i], true);
		ring_free(worker->egress_in[i], true);
	}
	ring_free(worker->inject, true);
	ring_free(worker->punt, true);
	ring_free(worker->events, false);
	aead_fini(&worker->aead);
	rte_free(worker);
}

int worker_add_rx(struct worker *worker, uint16_t port, uint16_t queue)
{
	if (worker->rx_count == WORKER_QUEUES_MAX)
		return -ENOSPC;
	worker->rx[worker->rx_count++] = (struct worker_queue){ port, queue };
	return 0;
}

void worker_set_tx(struct worker *worker, uint16_t port, uint16_t queue, uint16_t egress_worker,
	const struct rte_ether_addr *mac, bool tx_checksum)
{
	assert(port < WORKER_PORTS_MAX);
	worker->ports[port] = (struct worker_port){
		.present = true,
		.tx_checksum = tx_checksum,
		.tx_unsummed = !tx_checksum && worker->config->udp_unsummed,
		.tx_queue = queue,
		.egress_worker = egress_worker,
		.mac = *mac,
	};
}

int workers_connect(struct worker *const *workers, uint32_t n)
{
	for (uint32_t from = 0; from < n; from++) {
		for (uint32_t to = 0; to < n; to++) {
			struct worker *sender = workers[from], *receiver = workers[to];
			if (from == to)
				continue;
			receiver->steer_in[from] =
				ring("steer", from, to, WORKER_STEER_RING_FRAMES);
			receiver->egress_in[from] =
				ring("egress", from, to, WORKER_EGRESS_RING_FRAMES);
			sender->steer_out[to] = receiver->steer_in[from];
			sender->egress_out[to] = receiver->egress_in[from];
			if (receiver->steer_in[from] == NULL || receiver->egress_in[from] == NULL)
				return -ENOMEM;
		}
	}
	return 0;
}

/* Not inline: freeing a buffer is a page of code, which would stand in every stage's loop. */
void worker_drop(struct worker *worker, struct rte_mbuf *mbuf, enum counter reason)
{
	worker_count(worker, reason, 1);
	worker->dropped++;
	rte_pktmbuf_free(mbuf);
}

void worker_wipe_opened(struct rte_mbuf *mbuf)
{
	enum { CONTROL_BODY_MAX_BYTES = 64 };

	memset(rte_pktmbuf_mtod_offset(mbuf, uint8_t *, WIRE_TRANSPORT_HEADER_BYTES), 0,
		WIRE_INNER_HEADER_BYTES + CONTROL_BODY_MAX_BYTES);
}

void worker_drop_opened(struct worker *worker, struct rte_mbuf *mbuf, enum counter reason)
{
	worker_wipe_opened(mbuf);
	worker_drop(worker, mbuf, reason);
}

/* Seals, addresses and sends a batch, which is empty afterwards. */
static void send_sealed(struct worker *worker, struct worker_batch *batch)
{
	batch->n = stage_seal(worker, batch->frames, batch->n);
	batch->n = stage_address(worker, batch->frames, batch->n);
	stage_tx(worker, batch->frames, batch->n);
	batch->n = 0;
}

static void send_raw(struct worker *worker, struct worker_batch *batch)
{
	batch->n = stage_address(worker, batch->frames, batch->n);
	stage_tx(worker, batch->frames, batch->n);
	batch->n = 0;
}

/* What left the path on the way; returns how many frames that were. */
static uint32_t branches(struct worker *worker)
{
	struct worker_batch *hosts = &worker->hosts, *inits = &worker->inits;
	struct worker_batch *refused = &worker->refused;
	const uint32_t all = hosts->n + inits->n + refused->n;

	if (hosts->n > 0) {
		hosts->n = host_answer(worker, hosts->frames, hosts->n);
		stage_tx(worker, hosts->frames, hosts->n);
		hosts->n = 0;
	}
	if (inits->n > 0) {
		const uint64_t n = inits->n, dropped = worker->dropped;
		inits->n = init_punt(worker, inits->frames, inits->n);
		worker->given += n - inits->n - (worker->dropped - dropped); /* to the punt ring */
		send_raw(worker, inits);
	}
	if (refused->n > 0) {
		const uint32_t n = refused->n;
		refused->n = reset_answer(worker, refused->frames, refused->n);
		worker->dropped += n - refused->n; /* counted by name when they were refused */
		send_raw(worker, refused);
	}
	return all;
}

/* What did not come from a receive queue, and answers; returns how many frames those are. */
static uint32_t extras(struct worker *worker)
{
	stage_inject(worker);
	const uint32_t all = worker->extra.n + worker->raw.n;
	send_sealed(worker, &worker->extra);
	send_raw(worker, &worker->raw);
	return all;
}

/* How many frames passed a stage; where the stages are timed, its cycles go to its sum. */
static inline uint32_t passed(struct worker *worker, enum stage stage, uint32_t n)
{
	stage_time(&worker->times, stage, n);
	return n;
}

uint32_t worker_poll(struct worker *worker)
{
	struct rte_mbuf *frames[WORKER_BATCH_MAX];
	const uint64_t taken = worker->taken;
	uint32_t n;

	worker->now = rte_rdtsc();
	stage_time_begin(&worker->times, worker->now);
	n = passed(worker, STAGE_rx, stage_rx(worker, frames));
	n = passed(worker, STAGE_classify, stage_classify(worker, frames, n));
	n = passed(worker, STAGE_steer, stage_steer(worker, frames, n));
	n = passed(worker, STAGE_open, stage_open(worker, frames, n));
	n = passed(worker, STAGE_replay, stage_replay(worker, frames, n));
	n = passed(worker, STAGE_meter, stage_meter(worker, frames, n));
	n = passed(worker, STAGE_admit, stage_admit(worker, frames, n));
	n = passed(worker, STAGE_roam, stage_roam(worker, frames, n));
	n = passed(worker, STAGE_sort, stage_sort(worker, frames, n));
	n = passed(worker, STAGE_route, stage_route(worker, frames, n));
	n = passed(worker, STAGE_seal, stage_seal(worker, frames, n));
	n = passed(worker, STAGE_address, stage_address(worker, frames, n));
	worker_count(worker, COUNTER_relayed_frames, n);
	passed(worker, STAGE_tx, stage_tx(worker, frames, n));

	passed(worker, STAGE_store, stage_store(worker));
	passed(worker, STAGE_branches, branches(worker));
	passed(worker, STAGE_inject, extras(worker));
	stage_egress(worker);
	passed(worker, STAGE_flush, stage_tx_flush(worker));
	stage_time_end(&worker->times, worker->taken - taken);

	rte_rcu_qsbr_quiescent(worker->qsbr, worker->id);
	return (uint32_t)(worker->taken - taken);
}

int worker_run(void *arg)
{
	struct worker *worker = arg;

	rte_rcu_qsbr_thread_register(worker->qsbr, worker->id);
	rte_rcu_qsbr_thread_online(worker->qsbr, worker->id);
	while (__atomic_load_n(&worker->running, __ATOMIC_RELAXED)) {
		if (worker_poll(worker) > 0) {
			worker->idle_polls = 0;
			continue;
		}
		if (worker->idle_sleep_us == 0 || ++worker->idle_polls < WORKER_IDLE_POLLS)
			continue;
		rte_rcu_qsbr_thread_offline(worker->qsbr, worker->id);
		rte_delay_us_sleep(worker->idle_sleep_us);
		rte_rcu_qsbr_thread_online(worker->qsbr, worker->id);
	}
	rte_rcu_qsbr_thread_offline(worker->qsbr, worker->id);
	rte_rcu_qsbr_thread_unregister(worker->qsbr, worker->id);
	return 0;
}
