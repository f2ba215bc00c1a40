/* Many frames: conservation at random, and workers that run at the same time. */
#include "relay.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

static struct relay relay;

/* Good, garbage, cut short, forged, repeated, of unknown sessions, not UDP: at random. */
static struct rte_mbuf *random_packet(struct device_end *devices, uint32_t n, uint16_t port)
{
	static uint8_t last[WIRE_LARGE_BYTES];
	static uint32_t last_len = WIRE_SMALL_BYTES;
	uint8_t frame[WIRE_LARGE_BYTES + 64];
	struct device_end *from = &devices[rand() % (int)n];
	const struct device_end *to = &devices[rand() % (int)n];
	uint32_t len = rand() % 2 ? WIRE_SMALL_BYTES : WIRE_LARGE_BYTES;
	const int what = rand() % 12;
	struct endpoint at = from->at;

	at.port = port;
	if (rand() % 8 == 0)
		at.remote_port = (uint16_t)rand();
	inner_make(frame, len, (enum wire_kind)(rand() % 8), to->route);
	if (what < 5)
		inner_make(frame, len, WIRE_LIVE, to->route);
	hop_seal(
		&from->seal, from->index + (what == 5 ? 1u << 21 : 0), from->counter++, frame, len);
	if (what == 6)
		frame[8 + (uint32_t)rand() % (len - 8)] ^= 1;
	if (what == 7)
		memcpy(frame, last, len = last_len);
	if (what == 8)
		randombytes_buf(frame, len);
	if (what == 9)
		frame[0] = (uint8_t)(rand() % 7);
	memcpy(last, frame, last_len = len);
	struct rte_mbuf *mbuf = packet(&relay, &at, frame, len);
	uint8_t *bytes = rte_pktmbuf_mtod(mbuf, uint8_t *);
	if (what == 10)
		rte_pktmbuf_trim(mbuf, (uint16_t)((uint32_t)rand() % mbuf->data_len));
	if (what == 11)
		for (int i = 0; i < 4; i++)
			bytes[rand() % 60] = (uint8_t)rand();
	return mbuf;
}

/* Resets and cookie replies go out for frames that were dropped by name. */
static void assert_conserved(void)
{
	const uint64_t in = relay_counter(&relay, COUNTER_rx_frames) +
			    relay_counter(&relay, COUNTER_challenges);
	const uint64_t out = relay_counter(&relay, COUNTER_tx_frames) +
			     relay_counter(&relay, COUNTER_punted_inits) +
			     relay_counter(&relay, COUNTER_punted_controls) + relay_drops(&relay) -
			     relay_counter(&relay, COUNTER_resets_sent) -
			     relay_counter(&relay, COUNTER_cookie_replies);

	if (in != out) {
		relay_print(&relay);
		fail_msg("%lu in, %lu out", in, out);
	}
}

static void drain(void)
{
	struct rte_mbuf *mbuf = NULL;

	for (uint32_t port = 0; port < relay.port_count; port++)
		for (uint32_t queue = 0; queue < relay.queues; queue++)
			while (rte_ring_dequeue(relay.tx[port][queue], (void **)&mbuf) == 0)
				rte_pktmbuf_free(mbuf);
	for (uint32_t i = 0; i < relay.worker_count; i++)
		while (rte_ring_sc_dequeue(relay.workers[i]->punt, (void **)&mbuf) == 0)
			rte_pktmbuf_free(mbuf);
}

static void what_goes_in_comes_out_or_is_counted(void **state)
{
	enum { DEVICES = 12, ROUNDS = 500 };
	struct device_end devices[DEVICES];

	(void)state;
	srand(1);
	relay_start(&relay, &(struct relay_options){ .workers = 3, .ports = 2, .queues = 2 });
	for (uint32_t i = 0; i < DEVICES; i++) {
		const struct endpoint at = place(relay.port_ids[i % 2], i % 3 ? 4 : 6,
			i % 4 ? 0 : RELAY_VLAN, (uint8_t)(10 + i), (uint16_t)(1000 + i));
		device_connect(&relay, &devices[i], i, i % 3, i % 2 + 1, &at);
	}
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t port = 0; port < 2; port++)
			for (uint16_t queue = 0; queue < 2; queue++)
				for (int n = rand() % 28; n > 0; n--)
					relay_receive(&relay, (uint16_t)port, queue,
						random_packet(
							devices, DEVICES, relay.port_ids[port]));
		/* A turn serves one port. */
		relay_turn(&relay);
		relay_turn(&relay);
		/* The queues fill up first. */
		if (round % 250 == 249)
			drain();
	}
	for (uint32_t i = 0; i < 200; i++)
		relay_turn(&relay);
	assert_conserved();
	assert_true(relay_counter(&relay, COUNTER_relayed_frames) > 1000);
	assert_true(relay_counter(&relay, COUNTER_drop_tx_full) > 0);
	relay_stop(&relay);
}

struct concurrent {
	struct worker *worker;
	bool stop;
};

static void *poll_until_stopped(void *arg)
{
	struct concurrent *concurrent = arg;

	while (!__atomic_load_n(&concurrent->stop, __ATOMIC_ACQUIRE))
		if (worker_poll(concurrent->worker) == 0)
			sched_yield(); /* there may be fewer processors than threads */
	return NULL;
}

static void start_threads(struct concurrent *all, pthread_t *threads)
{
	for (uint32_t i = 0; i < relay.worker_count; i++) {
		all[i] = (struct concurrent){ .worker = relay.workers[i] };
		assert_int_equal(pthread_create(&threads[i], NULL, poll_until_stopped, &all[i]), 0);
	}
}

static void stop_threads(struct concurrent *all, pthread_t *threads)
{
	for (uint32_t i = 0; i < relay.worker_count; i++) {
		__atomic_store_n(&all[i].stop, true, __ATOMIC_RELEASE);
		pthread_join(threads[i], NULL);
	}
}

static void fill_queue(
	struct device_end *from, const struct device_end *to, uint16_t queue, uint32_t n)
{
	uint8_t frame[WIRE_SMALL_BYTES];

	for (uint32_t i = 0; i < n; i++) {
		inner_make(frame, sizeof frame, WIRE_LIVE, to->route);
		hop_seal(&from->seal, from->index, from->counter++, frame, sizeof frame);
		relay_receive(&relay, 0, queue, packet(&relay, &from->at, frame, sizeof frame));
	}
}

static void two_workers_that_seal_for_one_session_never_repeat_a_counter(void **state)
{
	enum { FRAMES = 900, ROUNDS = 4 };
	struct device_end senders[2], bob;
	struct concurrent all[2];
	pthread_t threads[2];
	struct datagram datagram;
	static bool seen[2 * FRAMES * ROUNDS + 16];

	(void)state;
	relay_start(&relay, &(struct relay_options){ .workers = 2, .queues = 2 });
	const struct endpoint at = place(relay.port_ids[0], 4, 0, 10, 1000);
	for (uint32_t i = 0; i < 2; i++)
		device_connect(&relay, &senders[i], i, i, WIRE_SUITE_AES256GCM, &at);
	device_connect(&relay, &bob, 2, 0, WIRE_SUITE_AES256GCM, &at);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		fill_queue(&senders[0], &bob, 0, FRAMES);
		fill_queue(&senders[1], &bob, 1, FRAMES);
		start_threads(all, threads);
		while (relay_waiting(&relay) < 2 * FRAMES)
			usleep(100);
		stop_threads(all, threads);
		while (relay_transmitted(&relay, 0, &datagram)) {
			const uint64_t counter =
				get64(((const struct wire_transport *)datagram.payload)->counter);
			device_open(&bob, &datagram);
			assert_true(counter < sizeof seen);
			assert_false(seen[counter]);
			seen[counter] = true;
		}
	}
	/* Counter 0 answered its keepalive. */
	for (uint32_t counter = 1; counter <= 2 * FRAMES * ROUNDS; counter++)
		assert_true(seen[counter]);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(
			worker_counter(relay.workers[i], COUNTER_relayed_frames), FRAMES * ROUNDS);
	relay_stop(&relay);
}

enum { SEALER_ROUNDS = 40000 };

struct sealer {
	struct worker *worker;
	struct session *to;
	uint32_t index;
	pthread_barrier_t *start;
	uint32_t counters[SEALER_ROUNDS][WORKER_RX_BURST];
};

static void *seal_many(void *arg)
{
	struct sealer *sealer = arg;
	struct rte_mbuf *frames[WORKER_RX_BURST];

	for (uint32_t i = 0; i < WORKER_RX_BURST; i++) {
		frames[i] = rte_pktmbuf_alloc(relay.pool);
		rte_pktmbuf_append(frames[i], WIRE_SMALL_BYTES);
		frame_of(frames[i])->to = sealer->to;
		frame_of(frames[i])->index = sealer->index;
	}
	pthread_barrier_wait(sealer->start);
	for (uint32_t round = 0; round < SEALER_ROUNDS; round++) {
		stage_seal(sealer->worker, frames, WORKER_RX_BURST);
		for (uint32_t i = 0; i < WORKER_RX_BURST; i++)
			sealer->counters[round][i] = (uint32_t)get64(
				((const struct wire_transport *)frame_bytes(frames[i]))->counter);
	}
	rte_pktmbuf_free_bulk(frames, WORKER_RX_BURST);
	return NULL;
}

/* The same without anything between, so that the two meet at the counter often. */
static void counters_do_not_repeat_when_workers_do_nothing_but_seal(void **state)
{
	enum { ALL = 2 * SEALER_ROUNDS * WORKER_RX_BURST };
	static struct sealer sealers[2];
	static uint8_t seen[ALL];
	struct device_end bob;
	pthread_barrier_t start;
	pthread_t threads[2];

	(void)state;
	memset(seen, 0, sizeof seen);
	relay_start(&relay, &(struct relay_options){ .workers = 2, .queues = 2 });
	const struct endpoint at = place(relay.port_ids[0], 4, 0, 10, 1000);
	device_install(&relay, &bob, 2, 0, WIRE_SUITE_AES256GCM, &at);
	pthread_barrier_init(&start, NULL, 2);
	for (uint32_t i = 0; i < 2; i++) {
		sealers[i].worker = relay.workers[i];
		sealers[i].to = session_to(tables_view(relay.tables), bob.index);
		sealers[i].index = bob.index;
		sealers[i].start = &start;
		assert_int_equal(pthread_create(&threads[i], NULL, seal_many, &sealers[i]), 0);
	}
	for (uint32_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 0; i < ALL; i++) {
		const uint32_t *all = &sealers[i % 2].counters[0][0];
		const uint32_t counter = all[i / 2];
		if (counter >= ALL || seen[counter]++ != 0)
			fail_msg("counter %u came twice, or was left out", counter);
	}
	pthread_barrier_destroy(&start);
	relay_stop(&relay);
}

/* Frames that have been through the path, whatever became of them. */
static uint64_t ended(void)
{
	return relay_counter(&relay, COUNTER_relayed_frames) + relay_drops(&relay);
}

/* Main installs, confirms and removes while workers use the tables: a frame is sealed with the keys
 * of the session that its header names, or dropped by name. */
static void tables_change_under_running_workers(void **state)
{
	enum { ROUNDS = 60, FRAMES = 200 };
	struct device_end alice, bobs[ROUNDS];
	struct concurrent all[2];
	pthread_t threads[2];
	struct datagram datagram;
	uint64_t opened = 0;

	(void)state;
	relay_start(&relay, &(struct relay_options){ .workers = 2, .queues = 1 });
	const struct endpoint at = place(relay.port_ids[0], 4, 0, 10, 1000);
	device_connect(&relay, &alice, 1, 1, WIRE_SUITE_AES256GCM, &at);
	start_threads(all, threads);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct device_end *bob = &bobs[round];
		device_install(&relay, bob, 2, round % 2, round % 2 + 1, &at);
		assert_int_equal(tables_session_confirm(relay.tables, bob->index), 0);
		const uint64_t before = ended();
		fill_queue(&alice, bob, 0, FRAMES);
		while (round % 4 == 0 && ended() - before < FRAMES)
			usleep(100);
		if (round % 3 == 0)
			assert_int_equal(tables_device_remove(relay.tables, 2), 0);
		else
			assert_int_equal(
				tables_session_remove(relay.tables, bob->index, TABLE_END_REMOVED),
				0);
		while (rte_ring_count(relay.rx[0][0]) > 0)
			tables_reclaim(relay.tables, NULL, NULL);
		while (relay_transmitted(&relay, 0, &datagram)) {
			const uint32_t peer = get32(
				((const struct wire_transport *)datagram.payload)->receiver_index);
			uint32_t i = 0;
			while (i <= round && bobs[i].peer_index != peer)
				i++;
			assert_true(i <= round);
			device_open(&bobs[i], &datagram);
			opened++;
		}
	}
	usleep(1000);
	stop_threads(all, threads);
	for (uint32_t i = 0; i < 40; i++) {
		relay_turn(&relay);
		opened += relay_waiting(&relay);
		drain();
	}
	assert_conserved();
	print_message("%lu of %u frames found their recipient\n", opened, ROUNDS * FRAMES);
	assert_true(opened >= ROUNDS / 4 * FRAMES / 2);
	relay_stop(&relay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out_or_is_counted),
		cmocka_unit_test(two_workers_that_seal_for_one_session_never_repeat_a_counter),
		cmocka_unit_test(counters_do_not_repeat_when_workers_do_nothing_but_seal),
		cmocka_unit_test(tables_change_under_running_workers),
	};
	if (relay_eal() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
