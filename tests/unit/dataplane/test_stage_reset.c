#include "datagram.h"
#include "dataplane/stage.h"
#include "dataplane/stage_reset.h"
#include "eal.h"

#include <rte_rcu_qsbr.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { HZ = 1000000, INDEX = 0x12345678 };

static const uint8_t relay_public[WIRE_KEY_BYTES] = { 7 }, secret[RESET_SECRET_BYTES] = { 9 };
static const uint64_t boot = 0x1122334455667788, counter_of_frame = 0x99;
static struct rte_mempool *pool;
static struct worker *worker;
static struct secrets_box box;
static struct rte_rcu_qsbr *qsbr;
static struct config config = {
	.address_count = 1,
	.addresses = { { .family = 4,
		.port = CONFIG_EVERY_PORT,
		.address = { [10] = 0xff, 0xff, 198, 18, 0, 2 } } },
};

static int fresh(void **state)
{
	(void)state;
	struct reset_state *reset = worker->reset;
	memset(worker, 0, sizeof *worker);
	worker->config = &config;
	worker->tsc_hz = HZ;
	worker->now = HZ;
	worker->reset = reset;
	secrets_init(&box, boot, 0);
	secrets_set(&box, relay_public, secret);
	secrets_turn(&box, qsbr, 0);
	reset_state_init(reset, &box);
	return 0;
}

static int cleaned(void **state)
{
	(void)state;
	return rte_mempool_in_use_count(pool) == 0 ? 0 : -1;
}

static struct rte_mbuf *transport_from(const char *source, uint32_t len)
{
	uint8_t bytes[WIRE_LARGE_BYTES];
	struct wire_transport *header = (struct wire_transport *)bytes;
	randombytes_buf(bytes, len);
	*header = (struct wire_transport){ .type = WIRE_TRANSPORT,
		.receiver_index = put32(INDEX),
		.counter = put64(counter_of_frame) };
	return datagram_in(pool, source, 1000, bytes, len);
}

static bool answered(const char *source)
{
	struct rte_mbuf *mbuf = transport_from(source, WIRE_SMALL_BYTES);
	if (reset_answer(worker, &mbuf, 1) == 0)
		return false;
	rte_pktmbuf_free(mbuf);
	return true;
}

static void answers_as_long_as_it_was_asked(void **state)
{
	(void)state;
	static const uint32_t lengths[] = { WIRE_SMALL_BYTES, WIRE_LARGE_BYTES };
	uint8_t key[WIRE_RESET_KEY_BYTES];
	reset_key(secret, INDEX, key);
	for (int i = 0; i < 2; i++) {
		struct rte_mbuf *mbuf = transport_from("198.18.0.9", lengths[i]);
		assert_int_equal(reset_answer(worker, &mbuf, 1), 1);
		assert_int_equal(rte_pktmbuf_data_len(mbuf), lengths[i]);
		const struct wire_reset *reset = (const void *)frame_bytes(mbuf);
		assert_int_equal(wire_check(reset, lengths[i]), WIRE_OK);
		assert_int_equal(reset->type, WIRE_RESET);
		assert_int_equal(get32(reset->index), INDEX);
		assert_int_equal(get64(reset->counter), counter_of_frame);
		assert_int_equal(get64(reset->boot), boot);
		assert_true(reset_ok(key, frame_bytes(mbuf), lengths[i]));
		assert_int_equal(frame_of(mbuf)->to_endpoint, 1);
		assert_int_equal(ntohs(frame_of(mbuf)->endpoint.remote_port), 1000);
		rte_pktmbuf_free(mbuf);
	}
	assert_int_equal(worker_counter(worker, COUNTER_resets_sent), 2);
}

static void is_silent_without_control(void **state)
{
	(void)state;
	secrets_init(&box, boot, 0);
	assert_false(answered("198.18.0.9"));
	assert_int_equal(worker_counter(worker, COUNTER_resets_sent), 0);
}

static void never_answers_itself_or_other_types(void **state)
{
	(void)state;
	assert_false(answered("198.18.0.2"));
	static const uint8_t types[] = { WIRE_INIT, WIRE_RESPONSE, WIRE_COOKIE_REPLY, WIRE_RESET };
	for (size_t i = 0; i < sizeof types; i++) {
		struct rte_mbuf *mbuf = transport_from("198.18.0.9", WIRE_SMALL_BYTES);
		*frame_bytes(mbuf) = types[i];
		assert_int_equal(reset_answer(worker, &mbuf, 1), 0);
	}
}

static void keeps_answered_frames_together(void **state)
{
	(void)state;
	static const char *sources[] = { "198.18.0.2", "198.18.0.9", "198.18.0.2", "2001:2::9" };
	struct rte_mbuf *burst[4], *second, *fourth;
	for (int i = 0; i < 4; i++)
		burst[i] = transport_from(sources[i], WIRE_SMALL_BYTES);
	second = burst[1];
	fourth = burst[3];
	assert_int_equal(reset_answer(worker, burst, 4), 2);
	assert_ptr_equal(burst[0], second);
	assert_ptr_equal(burst[1], fourth);
	rte_pktmbuf_free_bulk(burst, 2);
}

static uint32_t answers_until_silent(const char *source)
{
	uint32_t n = 0;
	while (n <= RESET_WORKER_BURST && answered(source))
		n++;
	return n;
}

static void limits_each_source(void **state)
{
	(void)state;
	assert_int_equal(answers_until_silent("2001:2::9"), RESET_SOURCE_BURST);
	/* the same /64, then another */
	assert_false(answered("2001:2::ffff"));
	assert_int_equal(answers_until_silent("2001:2:0:1::9"), RESET_SOURCE_BURST);
	worker->now += HZ / 2;
	assert_int_equal(answers_until_silent("2001:2::9"), RESET_SOURCE_PER_S / 2);
	worker->now += 3600UL * HZ;
	assert_int_equal(answers_until_silent("2001:2::9"), RESET_SOURCE_BURST);
}

/* After a restart: each sends two frames before its new session is confirmed. */
static void answers_2000_devices_behind_one_address_at_once(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2 * 2000; i++) {
		worker->now += HZ / 8000; /* all of them within half a second */
		if (!answered("198.18.0.9"))
			fail_msg("frame %u", i);
	}
	assert_true(answered("198.18.0.10"));
}

static void limits_each_worker(void **state)
{
	(void)state;
	uint32_t n = 0;
	for (uint32_t i = 0; i < 3 * RESET_WORKER_BURST; i++) {
		char source[32];
		snprintf(source, sizeof source, "10.%u.%u.1", i / 256, i % 256);
		n += answered(source);
	}
	assert_int_equal(n, RESET_WORKER_BURST);
	worker->now += HZ / 4;
	assert_int_equal(answers_until_silent("192.0.2.1"), RESET_WORKER_PER_S / 4);
}

/* (TSC, expected) under 10 tokens a second, 3 at most, at 1,000 ticks a second. */
static void fills_buckets_to_the_tick(void **state)
{
	(void)state;
	static const struct {
		uint64_t now;
		bool taken;
	} steps[] = { { 5000, true }, { 5000, true }, { 5000, true }, { 5000, false },
		{ 5099, false }, { 5100, true }, { 5100, false }, { 5350, true }, { 5350, true },
		{ 5350, false }, { 5399, false }, { 5400, true }, { 5400, false }, { 5000, false },
		{ 1000000, true }, { 1000000, true }, { 1000000, true }, { 1000000, false } };
	const struct bucket_rate rate = { .per_s = 10, .burst = 3 };
	struct bucket bucket = { 0 };
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (bucket_take(&bucket, steps[i].now, 1000, &rate) != steps[i].taken)
			fail_msg("step %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, cleaned)
		TEST(answers_as_long_as_it_was_asked),
		TEST(is_silent_without_control),
		TEST(never_answers_itself_or_other_types),
		TEST(keeps_answered_frames_together),
		TEST(limits_each_source),
		TEST(answers_2000_devices_behind_one_address_at_once),
		TEST(limits_each_worker),
		TEST(fills_buckets_to_the_tick),
	};
	eal_start();
	pool = eal_pool(63);
	worker = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof *worker);
	qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, rte_rcu_qsbr_get_memsize(1));
	if (!pool || !worker || !qsbr || rte_rcu_qsbr_init(qsbr, 1) != 0 || sodium_init() < 0)
		return 1;
	worker->reset = malloc(sizeof *worker->reset);
	return worker->reset ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
