#include "dataplane/address.h"
#include "dataplane/stage.h"
#include "eal.h"
#include "host_exchanges.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rte_mempool *pool;
static struct worker *worker;

static uint32_t from_hex(const char *hex, uint8_t *out)
{
	uint32_t n = 0;
	for (; hex[2 * n]; n++) {
		unsigned byte;
		assert_int_equal(sscanf(hex + 2 * n, "%2x", &byte), 1);
		out[n] = (uint8_t)byte;
	}
	return n;
}

static struct rte_mbuf *frame_in(const char *hex)
{
	uint8_t bytes[256];
	const uint32_t len = from_hex(hex, bytes);
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
	assert_non_null(mbuf);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)len), bytes, len);
	mbuf->port = 0;
	return mbuf;
}

static void answers_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(exchanges); i++) {
		const struct exchange *exchange = &exchanges[i];
		struct rte_mbuf *mbuf = frame_in(exchange->in);
		memset(worker->counters, 0, sizeof worker->counters);
		const uint32_t answers = host_answer(worker, &mbuf, 1);
		if (answers != (exchange->out ? 1 : 0) ||
			worker_counter(worker, exchange->counter) != 1)
			fail_msg("%s: %u answers, its counter is %lu", exchange->name, answers,
				worker_counter(worker, exchange->counter));
		if (answers == 0)
			continue;
		uint8_t expected[256];
		const uint32_t len = from_hex(exchange->out, expected);
		if (rte_pktmbuf_pkt_len(mbuf) != len || rte_pktmbuf_data_len(mbuf) != len ||
			memcmp(rte_pktmbuf_mtod(mbuf, void *), expected, len) != 0)
			fail_msg("%s: another answer", exchange->name);
		rte_pktmbuf_free(mbuf);
	}
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

/* Whatever is cut off: no answer is made of what is not there, and no buffer is lost. */
static void survives_every_truncation(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(exchanges); i++) {
		const uint32_t len = (uint32_t)strlen(exchanges[i].in) / 2;
		for (uint32_t keep = 0; keep < len; keep++) {
			struct rte_mbuf *mbuf = frame_in(exchanges[i].in);
			rte_pktmbuf_trim(mbuf, (uint16_t)(len - keep));
			if (host_answer(worker, &mbuf, 1) == 1)
				rte_pktmbuf_free(mbuf);
		}
	}
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void keeps_what_it_answers_in_order(void **state)
{
	(void)state;
	struct rte_mbuf *burst[RTE_DIM(exchanges)];
	uint32_t expected = 0;
	for (size_t i = 0; i < RTE_DIM(exchanges); i++) {
		burst[i] = frame_in(exchanges[i].in);
		expected += exchanges[i].out != NULL;
	}
	assert_int_equal(host_answer(worker, burst, RTE_DIM(exchanges)), expected);
	assert_int_equal(rte_mempool_in_use_count(pool), expected);
	rte_pktmbuf_free_bulk(burst, expected);
}

static void tells_sources_that_can_be_answered(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		bool ok;
	} sources[] = {
		{ "198.18.0.1", true },
		{ "198.18.0.2", false },
		{ "198.18.5.2", false },
		{ "0.0.0.0", false },
		{ "0.1.2.3", false },
		{ "127.0.0.1", false },
		{ "223.255.255.255", true },
		{ "224.0.0.1", false },
		{ "255.255.255.255", false },
		{ "2001:2::1", true },
		{ "2001:2::2", false },
		{ "fe80::1", true },
		{ "::", false },
		{ "::1", false },
		{ "ff02::1", false },
	};
	for (size_t i = 0; i < RTE_DIM(sources); i++) {
		uint8_t address[16], v4[4];
		if (inet_pton(AF_INET, sources[i].address, v4) == 1)
			address_from_ipv4(address, v4);
		else
			assert_int_equal(inet_pton(AF_INET6, sources[i].address, address), 1);
		if (address_source_ok(worker->config, address) != sources[i].ok)
			fail_msg("%s", sources[i].address);
	}
}

static const struct exchange *exchange_named(const char *name)
{
	for (size_t i = 0; i < RTE_DIM(exchanges); i++)
		if (strcmp(exchanges[i].name, name) == 0)
			return &exchanges[i];
	fail_msg("no exchange %s", name);
	return NULL;
}

static void assert_bytes(const struct rte_mbuf *mbuf, const char *hex)
{
	uint8_t expected[256];
	const uint32_t len = from_hex(hex, expected);
	assert_int_equal(rte_pktmbuf_data_len(mbuf), len);
	assert_memory_equal(rte_pktmbuf_mtod(mbuf, void *), expected, len);
}

/* The tag that a port took off goes into the answer. */
static void a_stripped_tag_comes_back(void **state)
{
	(void)state;
	const struct exchange *exchange = exchange_named("ARP request, VLAN 5");
	struct rte_mbuf *mbuf = frame_in(exchange->in);
	assert_int_equal(rte_vlan_strip(mbuf), 0);
	assert_int_equal(host_answer(worker, &mbuf, 1), 1);
	assert_bytes(mbuf, exchange->out);
	rte_pktmbuf_free(mbuf);
}

static void count_free(void *memory, void *frees)
{
	(void)memory;
	++*(uint32_t *)frees;
}

/* A buffer whose memory is a driver's own goes back to the driver. */
static void memory_of_a_driver_goes_back_to_it(void **state)
{
	(void)state;
	static uint8_t memory[2048];
	struct rte_mbuf_ext_shared_info shared = { .free_cb = count_free };
	uint32_t frees = 0;
	const struct exchange *exchange = exchange_named("ARP request");
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
	shared.fcb_opaque = &frees;
	rte_mbuf_ext_refcnt_set(&shared, 1);
	rte_pktmbuf_attach_extbuf(mbuf, memory, 0, sizeof memory, &shared);
	const uint32_t len = from_hex(exchange->in, memory);
	assert_non_null(rte_pktmbuf_append(mbuf, (uint16_t)len));
	mbuf->port = 0;
	assert_int_equal(host_answer(worker, &mbuf, 1), 1);
	assert_bytes(mbuf, exchange->out);
	rte_pktmbuf_free(mbuf);
	assert_int_equal(frees, 1);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static struct config config = {
	.address_count = 3,
	.addresses = {
		{ .family = 4, .port = CONFIG_EVERY_PORT, .address = { [10] = 0xff, 0xff, 198, 18, 0, 2 } },
		{ .family = 4, .port = 0, .vlan = 5, .address = { [10] = 0xff, 0xff, 198, 18, 5, 2 } },
		{ .family = 6, .port = CONFIG_EVERY_PORT, .address = { 0x20, 0x01, 0, 2, [15] = 2 } },
	},
};

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_byte_for_byte),
		cmocka_unit_test(survives_every_truncation),
		cmocka_unit_test(keeps_what_it_answers_in_order),
		cmocka_unit_test(a_stripped_tag_comes_back),
		cmocka_unit_test(memory_of_a_driver_goes_back_to_it),
		cmocka_unit_test(tells_sources_that_can_be_answered),
	};
	eal_start();
	pool = eal_pool(255);
	worker = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof *worker);
	if (!pool || !worker)
		return 1;
	memset(worker, 0, sizeof *worker);
	worker->config = &config;
	worker->ports[0].mac = (struct rte_ether_addr){ { 2, 0, 0, 0, 0, 1 } };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
