/* A worker's loop, and what it shares with others while it runs. */
#include "relay.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

static struct relay relay;

static double seconds(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct loop {
	struct worker *worker;
	double cpu_s; /* that the loop took */
};

static void *run(void *arg)
{
	struct loop *loop = arg;
	const double before = seconds(CLOCK_THREAD_CPUTIME_ID);

	worker_run(loop->worker);
	loop->cpu_s = seconds(CLOCK_THREAD_CPUTIME_ID) - before;
	return NULL;
}

/* Runs the loop for a while in which a session is removed; true when its keys are gone at the end.
 */
static bool wiped_beside_a_running_loop(uint32_t idle_sleep_us, double *cpu_share)
{
	struct device_end alice;
	struct loop loop = { 0 };
	pthread_t thread;

	relay_start(&relay, &(struct relay_options){ 0 });
	rte_rcu_qsbr_thread_offline(relay.qsbr, 0);
	rte_rcu_qsbr_thread_unregister(relay.qsbr, 0);
	const struct endpoint at = place(relay.port_ids[0], 4, 0, 10, 1000);
	device_install(&relay, &alice, 1, 0, WIRE_SUITE_CHACHA20POLY1305, &at);
	struct session *session = session_of(tables_view(relay.tables), alice.index);
	assert_non_null(session);
	loop.worker = relay.workers[0];
	loop.worker->idle_sleep_us = idle_sleep_us;
	const double before = seconds(CLOCK_MONOTONIC);
	assert_int_equal(pthread_create(&thread, NULL, run, &loop), 0);
	usleep(100000);
	tables_device_remove(relay.tables, 1);
	for (uint32_t i = 0; i < 100 && session->receive.key.suite != 0; i++) {
		tables_reclaim(relay.tables, NULL, NULL);
		usleep(1000);
	}
	const bool wiped = session->receive.key.suite == 0;
	__atomic_store_n(&loop.worker->running, false, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	*cpu_share = loop.cpu_s / (seconds(CLOCK_MONOTONIC) - before);
	rte_rcu_qsbr_thread_register(relay.qsbr, 0);
	relay_stop(&relay);
	return wiped;
}

static void grace_periods_pass_while_a_worker_polls_and_while_it_sleeps(void **state)
{
	double polling, sleeping;

	(void)state;
	assert_true(wiped_beside_a_running_loop(0, &polling));
	assert_true(wiped_beside_a_running_loop(1000, &sleeping));
	print_message(
		"%.0f %% of a core polling, %.0f %% with sleep\n", polling * 100, sleeping * 100);
	assert_true(sleeping < 0.5);
}

static void a_worker_that_sleeps_wakes_to_forward(void **state)
{
	struct device_end alice, bob;
	struct loop loop = { 0 };
	struct datagram datagram;
	uint8_t frame[WIRE_SMALL_BYTES];
	pthread_t thread;

	(void)state;
	relay_start(&relay, &(struct relay_options){ 0 });
	const struct endpoint at = place(relay.port_ids[0], 4, 0, 10, 1000);
	device_connect(&relay, &alice, 1, 0, WIRE_SUITE_CHACHA20POLY1305, &at);
	device_connect(&relay, &bob, 2, 0, WIRE_SUITE_CHACHA20POLY1305, &at);
	loop.worker = relay.workers[0];
	loop.worker->idle_sleep_us = 500;
	assert_int_equal(pthread_create(&thread, NULL, run, &loop), 0);
	for (uint32_t i = 0; i < 20; i++) {
		usleep(5000);
		inner_make(frame, sizeof frame, WIRE_LIVE, bob.route);
		device_send(&relay, &alice, frame, sizeof frame);
		for (uint32_t wait = 0; wait < 10000 && relay_waiting(&relay) == 0; wait++)
			usleep(100);
		assert_true(relay_transmitted(&relay, 0, &datagram));
		device_open(&bob, &datagram);
	}
	__atomic_store_n(&loop.worker->running, false, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	rte_rcu_qsbr_thread_register(relay.qsbr, 0);
	relay_stop(&relay);
}

/* Sums of the stages after one turn with a frame and many without. */
static void take_turns(struct device_end *from, const struct device_end *to)
{
	struct datagram datagram;
	uint8_t frame[WIRE_SMALL_BYTES];

	inner_make(frame, sizeof frame, WIRE_LIVE, to->route);
	device_send(&relay, from, frame, sizeof frame);
	for (uint32_t i = 0; i < 10; i++)
		relay_turn(&relay);
	assert_true(relay_transmitted(&relay, 0, &datagram));
}

static void stages_are_timed_while_that_is_on(void **state)
{
	struct device_end alice, bob;

	(void)state;
	relay_start(&relay, &(struct relay_options){ 0 });
	struct stage_times *times = &relay.workers[0]->times;
	const struct endpoint at = place(relay.port_ids[0], 4, 0, 10, 1000);
	device_connect(&relay, &alice, 1, 0, WIRE_SUITE_CHACHA20POLY1305, &at);
	device_connect(&relay, &bob, 2, 0, WIRE_SUITE_CHACHA20POLY1305, &at);
	take_turns(&alice, &bob);
	for (enum stage stage = 0; stage < STAGE_COUNT; stage++)
		assert_int_equal(stage_time_sum(times, stage).cycles, 0);
	times->on = true;
	take_turns(&alice, &bob);
	times->on = false;
	for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
		const bool passes = stage <= STAGE_tx;
		assert_true(stage_time_sum(times, stage).cycles > 0);
		if (passes)
			assert_int_equal(stage_time_sum(times, stage).frames, 1);
	}
	assert_int_equal(stage_time_sum(times, STAGE_idle).frames, 0);
	const struct stage_sum seal = stage_time_sum(times, STAGE_seal);
	take_turns(&alice, &bob);
	assert_int_equal(stage_time_sum(times, STAGE_seal).cycles, seal.cycles);
	relay_stop(&relay);
}

struct writer {
	struct endpoint shared;
	bool stop;
};

static void *write_alternately(void *arg)
{
	struct writer *writer = arg;
	struct endpoint ones, twos;
	cpu_set_t any;

	/* EAL has pinned the thread that made this one: on one processor they would never meet. */
	memset(&any, 0xff, sizeof any);
	pthread_setaffinity_np(pthread_self(), sizeof any, &any);
	memset(&ones, 0x11, sizeof ones);
	memset(&twos, 0x22, sizeof twos);
	while (!__atomic_load_n(&writer->stop, __ATOMIC_RELAXED)) {
		endpoint_publish(&writer->shared, &ones);
		endpoint_publish(&writer->shared, &twos);
	}
	return NULL;
}

static void an_endpoint_is_never_read_half_written(void **state)
{
	static struct writer writer __attribute__((aligned(64)));
	struct endpoint copy;
	pthread_t thread;
	uint32_t kinds = 0;

	(void)state;
	memset(&writer.shared, 0x22, sizeof writer.shared);
	writer.shared.sequence = 0;
	assert_int_equal(pthread_create(&thread, NULL, write_alternately, &writer), 0);
	/* On a busy machine the writer may have to wait for its first turn. */
	const double end = seconds(CLOCK_MONOTONIC) + 0.3, limit = end + 10;
	while (seconds(CLOCK_MONOTONIC) < (kinds == 3 ? end : limit)) {
		for (uint32_t i = 0; i < 1000; i++) {
			endpoint_read(&writer.shared, &copy);
			const uint8_t *bytes = (const uint8_t *)&copy;
			for (uint32_t byte = 5; byte < offsetof(struct endpoint, reserved); byte++)
				assert_int_equal(bytes[byte], bytes[4]);
			assert_int_equal(copy.sequence, 0);
			kinds |= bytes[4] == 0x11 ? 1 : 2;
		}
	}
	__atomic_store_n(&writer.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(kinds, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grace_periods_pass_while_a_worker_polls_and_while_it_sleeps),
		cmocka_unit_test(a_worker_that_sleeps_wakes_to_forward),
		cmocka_unit_test(stages_are_timed_while_that_is_on),
		cmocka_unit_test(an_endpoint_is_never_read_half_written),
	};
	if (relay_eal() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
