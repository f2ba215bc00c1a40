/* A worker: one pinned lcore with its own queues, rings, counters and state. Everything in it has
 * one writer, named at the field; rings are single-producer, single-consumer.
 *
 * How main sets it up: worker_create() for each, worker_add_rx() and worker_set_tx() for each queue
 * it serves, workers_connect() once, then worker_run() on each lcore. */
#ifndef CHAPPE_DATAPLANE_WORKER_H
#define CHAPPE_DATAPLANE_WORKER_H

#include "aead.h"
#include "config.h"
#include "src/counters.h"
#include "src/wire.h"
#include "stage_time.h"
#include "store/ring.h"
#include "tables.h"
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

enum {
	WORKERS_MAX = 1 << WIRE_INDEX_OWNER_BITS,
	WORKER_PORTS_MAX = 32,
	WORKER_QUEUES_MAX = 32,

	WORKER_RX_BURST = 32,
	WORKER_RING_BURST = WORKER_RX_BURST / 2, /* at most half a burst comes from rings */
	/* own queue, steered, injected; and for each of the first two a challenge */
	WORKER_BATCH_MAX = 4 * WORKER_RX_BURST,

	WORKER_STEER_RING_FRAMES = 512,
	WORKER_EGRESS_RING_FRAMES = 512,
	WORKER_INJECT_RING_FRAMES = 2048,
	WORKER_PUNT_RING_FRAMES = 1024,
	WORKER_EVENT_RING_ENTRIES = 4096,

	WORKER_NO_QUEUE = UINT16_MAX,
	WORKER_IDLE_POLLS = 256, /* empty turns before an idle worker sleeps, where it may */
};

struct worker_queue {
	uint16_t port, queue;
};

/* How this worker sends on a port. */
struct worker_port {
	bool present;
	bool tx_checksum;  /* the port works out IPv4 and UDP checksums */
	bool tx_unsummed;  /* nobody works out those of UDP over IPv4 */
	uint16_t tx_queue; /* WORKER_NO_QUEUE: through the egress ring of egress_worker */
	uint16_t egress_worker;
	struct rte_ether_addr mac;
};

struct worker_batch {
	uint32_t n;
	struct rte_mbuf *frames[WORKER_BATCH_MAX];
};

struct init_state;  /* init.h: macs, cookies, budget */
struct reset_state; /* stage_reset.c: secret, token buckets */
struct tables_view;

/* config: written by main before launch, constant afterwards. worker: by this worker alone. */
struct worker {
	/* config */
	uint32_t id, lcore, workers;
	uint32_t idle_sleep_us;
	uint64_t tsc_hz;
	const struct config *config;    /* addresses and UDP ports of the relay */
	const struct tables_view *view; /* tables.h: what workers may read, under QSBR */
	struct rte_rcu_qsbr *qsbr;      /* this worker's token is its id */
	struct rte_mempool *pool;       /* for challenges; may be shared */
	struct rte_ring *steer_in[WORKERS_MAX], *steer_out[WORKERS_MAX];
	struct rte_ring *egress_in[WORKERS_MAX], *egress_out[WORKERS_MAX];
	struct rte_ring
		*inject;       /* main -> worker: mbufs with frame_work SEND_RAW or SEND_SESSION */
	struct rte_ring *punt; /* worker -> main: mbufs with frame_work PUNT_INIT or PUNT_CONTROL
				*/
	struct rte_ring *events; /* worker -> main: uint32_t index of a session just confirmed */
	struct worker_queue rx[WORKER_QUEUES_MAX];
	uint32_t rx_count;
	struct worker_port ports[WORKER_PORTS_MAX];
	struct aead aead;
	uint8_t token_key[16];     /* endpoint tokens; the same for all workers */
	struct init_state *init;   /* its own rules: init.h */
	struct reset_state *reset; /* its own rules: stage_reset.h */

	/* worker */
	uint64_t now; /* TSC at the start of this turn */
	uint32_t rx_next, ring_next, idle_polls;
	uint32_t out_ports; /* bit n: out[n] is not empty */
	/* Frames ever taken from queues and rings, made here, given to queues and rings, dropped:
	 * taken + made = given + dropped + what lies in the batches. */
	uint64_t taken, made, given, dropped;
	struct worker_batch hosts;   /* classify -> host: ARP, ICMP, ICMPv6 for the relay */
	struct worker_batch inits;   /* classify -> init */
	struct worker_batch refused; /* open -> reset: unknown index or AEAD failure */
	struct worker_batch extra;   /* sort, roam, inject -> seal: answers, challenges, injected */
	struct worker_batch stored;  /* sort -> store */
	struct worker_batch raw;     /* init, reset, inject -> address: not to be sealed */
	struct worker_batch out[WORKER_PORTS_MAX]; /* tx, by port */
	/* to chappe-store: struct share_up; main attaches it and reads whether it is broken */
	struct ring store_up;

	/* worker; read by main */
	uint64_t counters[COUNTER_COUNT] __rte_cache_aligned;
	struct stage_times times; /* its own rules: stage_time.h */
	/* main; read by worker */
	bool running __rte_cache_aligned;
	bool store_connected; /* somebody empties store_up */
};

struct worker_config {
	uint32_t id, lcore, workers;
	int socket;
	const struct config *config;
	struct tables *tables;
	struct rte_rcu_qsbr *qsbr;
	struct rte_mempool *pool;
	uint8_t token_key[16]; /* random, the same for all workers of a boot */
};

/* NULL with rte_errno where memory is short. running is true from the start. */
struct worker *worker_create(const struct worker_config *worker_config);
void worker_destroy(struct worker *worker);
int worker_add_rx(struct worker *worker, uint16_t port, uint16_t queue); /* -ENOSPC */
/* queue may be WORKER_NO_QUEUE; egress_worker is then one that has a queue on the port. */
void worker_set_tx(struct worker *worker, uint16_t port, uint16_t queue, uint16_t egress_worker,
	const struct rte_ether_addr *mac, bool tx_checksum);
/* Makes the steering and egress rings between every two. 0 or -ENOMEM. */
int workers_connect(struct worker *const *workers, uint32_t n);

/* One turn: the packet path from receive to transmit queues. Returns the frames it took in. */
uint32_t worker_poll(struct worker *worker);
/* Turns until running is false; an lcore_function_t. */
int worker_run(void *worker);

static inline uint64_t worker_counter(const struct worker *worker, enum counter counter)
{
	return __atomic_load_n(&worker->counters[counter], __ATOMIC_RELAXED);
}

static inline void worker_count(struct worker *worker, enum counter counter, uint64_t n)
{
	__atomic_store_n(
		&worker->counters[counter], worker->counters[counter] + n, __ATOMIC_RELAXED);
}

/* Ends a frame for a named reason. */
void worker_drop(struct worker *worker, struct rte_mbuf *mbuf, enum counter reason);
/* The same for a frame that is open: the route in its inner header, and a control operation that
 * may follow, do not stay in a buffer that nobody uses. */
void worker_drop_opened(struct worker *worker, struct rte_mbuf *mbuf, enum counter reason);
/* Those bytes alone, where the frame did not end here. */
void worker_wipe_opened(struct rte_mbuf *mbuf);

/* At most half a burst from the rings of the other workers, which take turns. */
static inline uint32_t worker_take(
	struct worker *worker, struct rte_ring *const rings[WORKERS_MAX], struct rte_mbuf **frames)
{
	uint32_t taken = 0;

	for (uint32_t i = 0; i < worker->workers && taken < WORKER_RING_BURST; i++) {
		uint32_t from = worker->ring_next + i;
		if (from >= worker->workers)
			from -= worker->workers;
		if (rings[from] != NULL)
			taken += rte_ring_sc_dequeue_burst(rings[from], (void **)(frames + taken),
				WORKER_RING_BURST - taken, NULL);
	}
	worker->taken += taken;
	return taken;
}

static inline void worker_batch_add(struct worker_batch *batch, struct rte_mbuf *mbuf)
{
	RTE_ASSERT(batch->n < WORKER_BATCH_MAX);
	batch->frames[batch->n++] = mbuf;
}

/* Ends a frame for a reason that a reset may answer. */
static inline void worker_refuse(struct worker *worker, struct rte_mbuf *mbuf, enum counter reason)
{
	worker_count(worker, reason, 1);
	worker_batch_add(&worker->refused, mbuf);
}

#endif
