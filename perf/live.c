/* live: what live frames cost while every eighth frame is to be stored and the message store is
 * gone, stopped with its ring full, or emptying its ring as fast as it fills; against rounds of
 * live frames alone, with which they alternate. At 1.05 a live frame would be 5 % slower, if a
 * stored one cost as much; it costs the worker less. */
#include "bench.h"
#include "drive.h"
#include "pairs.h"
#include "rig.h"
#include "round.h"
#include "store/share.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum {
	STORED_EVERY = 8,
	/* chappe-store takes what has come at ticks, too. */
	STORED_TICK_US = 500,
};

enum state { STORE_GONE, STORE_STOPPED, STORE_FILLING, STORE_STATES };

static const struct {
	const char *name;
	enum counter counter; /* what each stored frame counts as */
} states[STORE_STATES] = {
	[STORE_GONE] = { "live_store_gone", COUNTER_drop_no_store },
	[STORE_STOPPED] = { "live_store_stopped", COUNTER_drop_store_full },
	[STORE_FILLING] = { "live_store_filling", COUNTER_stored_frames },
};

static struct rig rig;
static struct round round_;
static struct share share, store;
static bool emptying, running = true;

/* The store: empties the ring while it is told to. */
static void *store_run(void *arg)
{
	static struct share_up record;
	cpu_set_t any;

	(void)arg;
	memset(&any, 0xff, sizeof any);
	pthread_setaffinity_np(pthread_self(), sizeof any, &any);
	while (__atomic_load_n(&running, __ATOMIC_RELAXED)) {
		while (__atomic_load_n(&emptying, __ATOMIC_RELAXED) &&
			share_take_up(&store.up[0], &record))
			;
		usleep(STORED_TICK_US);
	}
	return NULL;
}

/* Before a round: the ring is as full as the state has it. */
static void prepare(enum state state)
{
	struct worker *worker = rig.workers[0];

	__atomic_store_n(&emptying, state == STORE_FILLING, __ATOMIC_RELAXED);
	worker->store_connected = state != STORE_GONE;
	while (state == STORE_STOPPED && ring_claim(&worker->store_up))
		ring_publish(&worker->store_up);
	while (state == STORE_FILLING && ring_waiting(&worker->store_up) > 0)
		usleep(STORED_TICK_US);
}

/* Cycles of a round; false where the kernel took the core away meanwhile. */
static bool take(uint32_t stored_every, uint32_t burst, uint64_t *cycles)
{
	uint32_t live = 0;

	round_.stored_every = stored_every;
	round_make(&round_);
	round_load(&round_);
	for (uint32_t i = 0; i < round_.n; i++)
		live += round_is_live(&round_, i);
	struct drive drive = { .round = &round_, .burst = burst, .total = live };
	bench_hold_core(true);
	drive_run(&drive);
	bench_hold_core(false);
	if (drive.sent != live)
		rig_fail(&rig, "live frames did not come out");
	round_done(&round_, true);
	*cycles = drive.end - drive.start;
	return drive.alone;
}

static bool take_pair(const struct pairs *pairs, bool floor_first, uint64_t *live, uint64_t *mixed)
{
	const enum state state = (enum state)pairs->variant;
	const uint64_t before = rig_counter(&rig, states[state].counter);
	bool alone = true;

	if (floor_first)
		alone = take(0, pairs->burst, live);
	prepare(state);
	alone = take(STORED_EVERY, pairs->burst, mixed) && alone;
	if (!floor_first)
		alone = take(0, pairs->burst, live) && alone;
	if (rig_counter(&rig, states[state].counter) - before != round_.n / STORED_EVERY)
		rig_fail(&rig, "stored frames did not end as they should");
	return alone;
}

static void share_open(void)
{
	int fd;

	if (share_make(&share, 1, &fd) < 0 || share_map(&store, 1, fd) < 0)
		bench_fail("no memory to share with a store");
	close(fd);
	memset(share.memory, 0, share.bytes);
	rig.workers[0]->store_up = share.up[0];
}

int main(int argc, char **argv)
{
	struct options options;
	pthread_t thread;

	rig_open_from(&rig, 1, &options, argc, argv);
	share_open();
	round_init(&round_, &rig, options.frames, options.sessions);
	round_.offload = true;
	rig_offload(&rig, true);
	if (pthread_create(&thread, NULL, store_run, NULL) != 0)
		bench_fail("no thread");
	for (uint32_t c = 0; c < options.cells.n; c++)
		for (enum state state = 0; state < STORE_STATES; state++) {
			const struct pairs pairs = {
				.name = states[state].name,
				.options = &options,
				.round = &round_,
				.burst = options.bursts.values[0],
				.variant = state,
				.take = take_pair,
			};
			round_.cell = options.cells.values[c];
			pairs_measure(&pairs);
		}
	__atomic_store_n(&running, false, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	round_free(&round_);
	rig_close(&rig);
	share_unmap(&store);
	share_unmap(&share);
	return 0;
}
