#include "datagram.h"
#include "dataplane/init.h"
#include "dataplane/stage.h"
#include "eal.h"

#include <rte_rcu_qsbr.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RING_FRAMES = 15, WORKERS = 3, ME = 1, HZ = 1000000 };

static const uint8_t relay_public[WIRE_KEY_BYTES] = { 7 }, reset_secret[RESET_SECRET_BYTES] = { 9 };
static struct rte_mempool *pool;
static struct worker *worker;
static struct init_state state_of_worker;
static struct secrets_box box;
static struct mac_keys macs;
static struct rte_rcu_qsbr *qsbr;
static struct ports ports = { .count = 2,
	.port = { { .rx_queues = WORKERS }, { .rx_queues = 1 } } };

static void publish(void)
{
	while (box.changed)
		secrets_turn(&box, qsbr, 0);
}

static int fresh(void **state)
{
	(void)state;
	memset(worker, 0, sizeof *worker);
	worker->id = ME;
	worker->tsc_hz = HZ;
	worker->now = HZ;
	worker->workers = WORKERS;
	worker->init = &state_of_worker;
	worker->punt = rte_ring_create(
		"punt", RING_FRAMES + 1, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	secrets_init(&box, 5, 0);
	secrets_set(&box, relay_public, reset_secret);
	publish();
	mac_keys_derive(&macs, relay_public);
	init_state_init(&state_of_worker, &box, &ports, ME, WORKERS);
	return worker->punt ? 0 : -1;
}

static int cleaned(void **state)
{
	(void)state;
	struct rte_mbuf *mbuf;
	while (rte_ring_dequeue(worker->punt, (void **)&mbuf) == 0)
		rte_pktmbuf_free(mbuf);
	rte_ring_free(worker->punt);
	return rte_mempool_in_use_count(pool) == 0 ? 0 : -1;
}

static struct wire_init an_init(const uint8_t *cookie)
{
	struct wire_init init = { .type = WIRE_INIT,
		.version = WIRE_VERSION,
		.suite = WIRE_SUITE_AES256GCM,
		.sender_index = put32(77) };
	randombytes_buf(init.noise, sizeof init.noise);
	mac_write(&macs, cookie, &init);
	return init;
}

static struct rte_mbuf *from(const char *source, const uint8_t *cookie)
{
	const struct wire_init init = an_init(cookie);
	return datagram_in(pool, source, 1000, &init, sizeof init);
}

static uint64_t counted(enum counter counter)
{
	return worker_counter(worker, counter);
}

/* More than half of the ring. */
static void load(void)
{
	while (rte_ring_count(worker->punt) <= RING_FRAMES / 2)
		assert_int_equal(rte_ring_enqueue(worker->punt, rte_pktmbuf_alloc(pool)), 0);
}

/* Sends an init while under load and opens the cookie reply that must come back. */
static void ask_cookie(const char *source, uint8_t cookie[WIRE_COOKIE_BYTES])
{
	const struct wire_init init = an_init(NULL);
	struct rte_mbuf *mbuf = datagram_in(pool, source, 1000, &init, sizeof init);
	assert_int_equal(init_punt(worker, &mbuf, 1), 1);
	assert_int_equal(rte_pktmbuf_data_len(mbuf), sizeof init);
	assert_int_equal(frame_of(mbuf)->to_endpoint, 1);
	assert_int_equal(ntohs(frame_of(mbuf)->endpoint.remote_port), 1000);
	const struct wire_cookie_reply *reply = (const void *)frame_bytes(mbuf);
	assert_int_equal(wire_check(reply, sizeof *reply), WIRE_OK);
	assert_int_equal(reply->type, WIRE_COOKIE_REPLY);
	assert_int_equal(get32(reply->receiver_index), 77);
	assert_int_equal(mac_cookie_open(&macs, init.mac1, reply, cookie), 0);
	rte_pktmbuf_free(mbuf);
}

static bool punts(const char *source, const uint8_t *cookie)
{
	const uint64_t before = counted(COUNTER_punted_inits);
	struct rte_mbuf *mbuf = from(source, cookie);
	if (init_punt(worker, &mbuf, 1) == 1)
		rte_pktmbuf_free(mbuf);
	return counted(COUNTER_punted_inits) > before;
}

static void punts_with_endpoint_and_owner(void **state)
{
	(void)state;
	struct rte_mbuf *mbuf = from("2001:2::9", NULL), *punted = NULL;
	struct endpoint expected;
	frame_source(mbuf, &expected);
	assert_int_equal(init_punt(worker, &mbuf, 1), 0);
	assert_int_equal(counted(COUNTER_punted_inits), 1);
	assert_int_equal(rte_ring_dequeue(worker->punt, (void **)&punted), 0);
	assert_ptr_equal(punted, mbuf);
	assert_int_equal(frame_of(punted)->work, FRAME_PUNT_INIT);
	assert_int_equal(frame_of(punted)->owner, ME);
	assert_memory_equal(&frame_of(punted)->endpoint, &expected, sizeof expected);
	rte_pktmbuf_free(punted);
}

static void takes_turns_where_a_port_has_fewer_queues(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2 * WORKERS; i++) {
		struct rte_mbuf *mbuf = from("198.18.0.9", NULL);
		mbuf->port = 1;
		assert_int_equal(init_punt(worker, &mbuf, 1), 0);
		assert_int_equal(rte_ring_dequeue(worker->punt, (void **)&mbuf), 0);
		assert_int_equal(frame_of(mbuf)->owner, (ME + i) % WORKERS);
		rte_pktmbuf_free(mbuf);
	}
}

static void handles_two_of_a_burst(void **state)
{
	(void)state;
	struct rte_mbuf *burst[5];
	for (int i = 0; i < 5; i++)
		burst[i] = from("198.18.0.9", NULL);
	assert_int_equal(init_punt(worker, burst, 5), 0);
	assert_int_equal(counted(COUNTER_punted_inits), INIT_BURST_MAX);
	assert_int_equal(counted(COUNTER_drop_init_budget), 5 - INIT_BURST_MAX);
}

static void ignores_every_forged_mac1(void **state)
{
	(void)state;
	for (uint32_t bit = 0; bit < 8 * (WIRE_MAC1_OFFSET + 16); bit += 7) {
		struct rte_mbuf *mbuf = from("198.18.0.9", NULL);
		frame_bytes(mbuf)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		const uint64_t before = counted(COUNTER_drop_mac1);
		assert_int_equal(init_punt(worker, &mbuf, 1), 0);
		assert_int_equal(counted(COUNTER_drop_mac1), before + 1);
	}
	assert_int_equal(counted(COUNTER_punted_inits), 0);
}

static void waits_for_control(void **state)
{
	(void)state;
	struct rte_mbuf *mbuf = from("198.18.0.9", NULL);
	secrets_init(&box, 5, 0);
	assert_int_equal(init_punt(worker, &mbuf, 1), 0);
	assert_int_equal(counted(COUNTER_drop_no_control), 1);
}

static void demands_a_cookie_under_load(void **state)
{
	(void)state;
	uint8_t cookie[WIRE_COOKIE_BYTES], other[WIRE_COOKIE_BYTES];
	assert_true(punts("198.18.0.9", NULL));
	load();
	assert_false(punts("198.18.0.9", NULL));
	ask_cookie("198.18.0.9", cookie);
	ask_cookie("2001:2::9", other);
	assert_memory_not_equal(cookie, other, sizeof cookie);
	assert_int_equal(counted(COUNTER_cookie_replies), 3);
	assert_int_equal(counted(COUNTER_drop_mac2), 3);
	assert_true(punts("198.18.0.9", cookie));
	assert_true(punts("2001:2::9", other));
	assert_false(punts("198.18.0.9", other));
	assert_false(punts("198.18.0.10", cookie));
}

/* Who has proven his address gets his share of control, and no more. */
static void limits_each_source_under_load(void **state)
{
	(void)state;
	uint8_t cookie[WIRE_COOKIE_BYTES], other[WIRE_COOKIE_BYTES];
	uint32_t n = 0;
	load();
	ask_cookie("198.18.0.9", cookie);
	ask_cookie("198.18.0.10", other);
	while (n <= INIT_SOURCE_BURST && punts("198.18.0.9", cookie)) {
		struct rte_mbuf *mbuf = NULL;
		assert_int_equal(rte_ring_dequeue(worker->punt, (void **)&mbuf), 0);
		rte_pktmbuf_free(mbuf);
		n++;
	}
	assert_int_equal(n, INIT_SOURCE_BURST);
	assert_int_equal(counted(COUNTER_drop_init_source), 1);
	assert_true(punts("198.18.0.10", other));
	worker->now += HZ / INIT_SOURCE_PER_S;
	assert_true(punts("198.18.0.9", cookie));
	assert_false(punts("198.18.0.9", cookie));
	/* Without load nobody is counted. */
	struct rte_mbuf *mbuf = NULL;
	while (rte_ring_dequeue(worker->punt, (void **)&mbuf) == 0)
		rte_pktmbuf_free(mbuf);
	assert_true(punts("198.18.0.9", NULL));
}

static void keeps_the_last_secret_valid(void **state)
{
	(void)state;
	uint8_t cookie[WIRE_COOKIE_BYTES];
	load();
	ask_cookie("198.18.0.9", cookie);
	secrets_turn(&box, qsbr, MAC_COOKIE_SECRET_S - 1);
	assert_true(punts("198.18.0.9", cookie));
	secrets_turn(&box, qsbr, MAC_COOKIE_SECRET_S);
	assert_true(punts("198.18.0.9", cookie));
	secrets_turn(&box, qsbr, 2 * MAC_COOKIE_SECRET_S);
	assert_false(punts("198.18.0.9", cookie));
}

static void drops_what_a_full_ring_cannot_take(void **state)
{
	(void)state;
	uint8_t cookie[WIRE_COOKIE_BYTES];
	load();
	ask_cookie("198.18.0.9", cookie);
	while (rte_ring_free_count(worker->punt) > 0)
		assert_true(punts("198.18.0.9", cookie));
	assert_false(punts("198.18.0.9", cookie));
	assert_int_equal(counted(COUNTER_drop_punt_full), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, cleaned)
		TEST(punts_with_endpoint_and_owner),
		TEST(takes_turns_where_a_port_has_fewer_queues),
		TEST(handles_two_of_a_burst),
		TEST(ignores_every_forged_mac1),
		TEST(waits_for_control),
		TEST(demands_a_cookie_under_load),
		TEST(limits_each_source_under_load),
		TEST(keeps_the_last_secret_valid),
		TEST(drops_what_a_full_ring_cannot_take),
	};
	eal_start();
	pool = eal_pool(63);
	worker = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof *worker);
	qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, rte_rcu_qsbr_get_memsize(WORKERS));
	if (!pool || !worker || !qsbr || rte_rcu_qsbr_init(qsbr, WORKERS) != 0 || sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
