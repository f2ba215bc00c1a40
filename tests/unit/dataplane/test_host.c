#include "dataplane/address.h"
#include "dataplane/stage.h"
#include "eal.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rte_mempool *pool;
static struct worker *worker;

/* A whole Ethernet frame in and the one that answers it, NULL where it is dropped; and the counter
 * that tells. The relay is 02:00:00:00:00:01, 198.18.0.2, 2001:2::2 and, in VLAN 5, 198.18.5.2. */
static const struct exchange {
	const char *name;
	enum counter counter;
	const char *in, *out;
} exchanges[] = {
	{ "ARP request", COUNTER_host_arp,
		"ffffffffffff02000000009908060001080006040001020000000099c6120001000000000000"
		"c6120002000000000000000000000000000000000000",
		"02000000009902000000000108060001080006040002020000000001c6120002020000000099"
		"c6120001" },
	{ "ARP request, VLAN 5", COUNTER_host_arp,
		"ffffffffffff0200000000998100000508060001080006040001020000000099c61200010000"
		"00000000c6120502",
		"0200000000990200000000018100000508060001080006040002020000000001c61205020200"
		"00000099c6120001" },
	{ "ARP probe", COUNTER_host_arp,
		"ffffffffffff0200000000990806000108000604000102000000009900000000000000000000"
		"c6120002",
		"02000000009902000000000108060001080006040002020000000001c6120002020000000099"
		"00000000" },
	{ "ARP for another", COUNTER_drop_not_for_us,
		"ffffffffffff02000000009908060001080006040001020000000099c6120001000000000000"
		"c6120003",
		NULL },
	{ "ARP in another VLAN", COUNTER_drop_not_for_us,
		"ffffffffffff0200000000998100000608060001080006040001020000000099c61200010000"
		"00000000c6120002",
		NULL },
	{ "ARP reply", COUNTER_drop_not_udp,
		"02000000000102000000009908060001080006040002020000000099c6120001020000000001"
		"c6120002",
		NULL },
	{ "ARP from multicast", COUNTER_drop_bad_source,
		"ffffffffffff02000000009908060001080006040001010000000099c6120001000000000000"
		"c6120002",
		NULL },
	{ "ARP from our address", COUNTER_drop_bad_source,
		"ffffffffffff02000000009908060001080006040001020000000099c6120002000000000000"
		"c6120002",
		NULL },
	{ "ARP, short", COUNTER_drop_truncated,
		"ffffffffffff02000000009908060001080006040001020000000099c6120001000000000000"
		"c61200",
		NULL },
	{ "ARP of other hardware", COUNTER_drop_not_udp,
		"ffffffffffff02000000009908060002080006040001020000000099c6120001000000000000"
		"c6120002",
		NULL },
	{ "echo, odd length, padded", COUNTER_host_echo,
		"0200000000010200000000990800450000291234000009011379c6120001c61200020800cdd3"
		"00070001000102030405060708090a0b0ceeeeeeeeee",
		"020000000099020000000001080045000029000040004001aeacc6120002c61200010000d5d3"
		"00070001000102030405060708090a0b0c" },
	{ "echo, VLAN 5", COUNTER_host_echo,
		"0200000000010200000000998100a0050800450000291234000009010e79c6120001c6120502"
		"0800cdd300070001000102030405060708090a0b0c",
		"0200000000990200000000018100a005080045000029000040004001a9acc6120502c6120001"
		"0000d5d300070001000102030405060708090a0b0c" },
	{ "echo to another MAC", COUNTER_drop_not_for_us,
		"ffffffffffff0200000000990800450000291234000009011379c6120001c61200020800cdd3"
		"00070001000102030405060708090a0b0c",
		NULL },
	{ "echo to another address", COUNTER_drop_not_for_us,
		"0200000000010200000000990800450000291234000009011378c6120001c61200030800cdd3"
		"00070001000102030405060708090a0b0c",
		NULL },
	{ "echo with bad checksum", COUNTER_drop_checksum,
		"0200000000010200000000990800450000291234000009011379c6120001c61200020800cdd2"
		"00070001000102030405060708090a0b0c",
		NULL },
	{ "echo with bad IP checksum", COUNTER_drop_checksum,
		"0200000000010200000000990800450000291234000009010001c6120001c61200020800cdd3"
		"00070001000102030405060708090a0b0c",
		NULL },
	{ "echo from multicast", COUNTER_drop_bad_source,
		"020000000001020000000099080045000029123400000901f98ae0000001c61200020800cdd3"
		"00070001000102030405060708090a0b0c",
		NULL },
	{ "echo from nobody", COUNTER_drop_bad_source,
		"020000000001020000000099080045000029123400000901d98c00000000c61200020800cdd3"
		"00070001000102030405060708090a0b0c",
		NULL },
	{ "echo from ourselves", COUNTER_drop_bad_source,
		"0200000000010200000000990800450000291234000009011378c6120002c61200020800cdd3"
		"00070001000102030405060708090a0b0c",
		NULL },
	{ "echo from a group MAC", COUNTER_drop_bad_source,
		"020000000001ffffffffffff0800450000291234000009011379c6120001c61200020800cdd3"
		"00070001000102030405060708090a0b0c",
		NULL },
	{ "echo fragment", COUNTER_drop_fragment,
		"020000000001020000000099080045000029123420000901f378c6120001c61200020800cdd3"
		"00070001000102030405060708090a0b0c",
		NULL },
	{ "echo answer", COUNTER_drop_not_udp,
		"0200000000010200000000990800450000291234000009011379c6120001c61200020000d5d3"
		"00070001000102030405060708090a0b0c",
		NULL },
	{ "echo, cut short", COUNTER_drop_truncated,
		"0200000000010200000000990800450000291234000009011379c6120001c61200020800cdd3"
		"00070001000102030405060708090a0b",
		NULL },
	{ "ICMPv6 echo", COUNTER_host_echo,
		"02000000000102000000009986dd6000000000153a4020010002000000000000000000000001"
		"200100020000000000000000000000028000157b00070001000102030405060708090a0b0c",
		"02000000009902000000000186dd6000000000153a4020010002000000000000000000000002"
		"200100020000000000000000000000018100147b00070001000102030405060708090a0b0c" },
	{ "ICMPv6 echo to all nodes", COUNTER_drop_not_for_us,
		"33330000000102000000009986dd6000000000153a4020010002000000000000000000000001"
		"ff0200000000000000000000000000018000367c00070001000102030405060708090a0b0c",
		NULL },
	{ "ICMPv6 echo with bad checksum", COUNTER_drop_checksum,
		"02000000000102000000009986dd6000000000153a4020010002000000000000000000000001"
		"200100020000000000000000000000028000147b00070001000102030405060708090a0b0c",
		NULL },
	{ "ICMPv6 echo from multicast", COUNTER_drop_bad_source,
		"02000000000102000000009986dd6000000000153a40ff020000000000000000000000000001"
		"200100020000000000000000000000028000367b00070001000102030405060708090a0b0c",
		NULL },
	{ "ICMPv6 echo, cut short", COUNTER_drop_truncated,
		"02000000000102000000009986dd6000000000153a4020010002000000000000000000000001"
		"200100020000000000000000000000028000157b00070001000102030405060708090a0b",
		NULL },
	{ "solicitation", COUNTER_host_nd,
		"3333ff00000202000000009986dd6000000000203aff20010002000000000000000000000001"
		"ff0200000000000000000001ff000002870036fb000000002001000200000000000000000000"
		"00020101020000000099",
		"02000000009902000000000186dd6000000000203aff20010002000000000000000000000002"
		"200100020000000000000000000000018800b394600000002001000200000000000000000000"
		"00020201020000000001" },
	{ "solicitation with reserved bytes", COUNTER_host_nd,
		"3333ff00000202000000009986dd6000000000203aff20010002000000000000000000000001"
		"ff0200000000000000000001ff000002870032f5010203042001000200000000000000000000"
		"00020101020000000099",
		"02000000009902000000000186dd6000000000203aff20010002000000000000000000000002"
		"200100020000000000000000000000018800b394600000002001000200000000000000000000"
		"00020201020000000001" },
	{ "unicast solicitation without option", COUNTER_host_nd,
		"02000000000102000000009986dd6000000000183aff20010002000000000000000000000001"
		"200100020000000000000000000000028700189f000000002001000200000000000000000000"
		"0002",
		"02000000009902000000000186dd6000000000203aff20010002000000000000000000000002"
		"200100020000000000000000000000018800b394600000002001000200000000000000000000"
		"00020201020000000001" },
	{ "solicitation, option names another MAC, an unknown option before it", COUNTER_host_nd,
		"3333ff00000202000000009986dd6000000000283afffe800000000000000000000000000009"
		"ff0200000000000000000001ff00000287004a8e000000002001000200000000000000000000"
		"00020e010000000000000101020000000077",
		"02000000007702000000000186dd6000000000203aff20010002000000000000000000000002"
		"fe8000000000000000000000000000098800d50e600000002001000200000000000000000000"
		"00020201020000000001" },
	{ "duplicate address detection", COUNTER_host_nd,
		"3333ff00000202000000009986dd6000000000183aff00000000000000000000000000000000"
		"ff0200000000000000000001ff00000287005aa1000000002001000200000000000000000000"
		"0002",
		"33330000000102000000000186dd6000000000203aff20010002000000000000000000000002"
		"ff02000000000000000000000000000188001495200000002001000200000000000000000000"
		"00020201020000000001" },
	{ "duplicate address detection with an option", COUNTER_drop_bad_source,
		"3333ff00000202000000009986dd6000000000203aff00000000000000000000000000000000"
		"ff0200000000000000000001ff000002870056ff000000002001000200000000000000000000"
		"00020101020000000099",
		NULL },
	{ "duplicate address detection by unicast", COUNTER_drop_not_for_us,
		"02000000000102000000009986dd6000000000183aff00000000000000000000000000000000"
		"20010002000000000000000000000002870038a3000000002001000200000000000000000000"
		"0002",
		NULL },
	{ "solicitation from off link", COUNTER_drop_not_udp,
		"3333ff00000202000000009986dd6000000000203afe20010002000000000000000000000001"
		"ff0200000000000000000001ff000002870036fb000000002001000200000000000000000000"
		"00020101020000000099",
		NULL },
	{ "solicitation of another", COUNTER_drop_not_for_us,
		"3333ff00000202000000009986dd6000000000203aff20010002000000000000000000000001"
		"ff0200000000000000000001ff000002870036f8000000002001000200000000000000000000"
		"00050101020000000099",
		NULL },
	{ "solicitation with an empty option", COUNTER_drop_truncated,
		"3333ff00000202000000009986dd6000000000203aff20010002000000000000000000000001"
		"ff0200000000000000000001ff000002870036fc000000002001000200000000000000000000"
		"00020100020000000099",
		NULL },
	{ "solicitation with an overlong option", COUNTER_drop_truncated,
		"3333ff00000202000000009986dd6000000000203aff20010002000000000000000000000001"
		"ff0200000000000000000001ff000002870036fa000000002001000200000000000000000000"
		"00020102020000000099",
		NULL },
	{ "solicitation with a group MAC", COUNTER_drop_bad_source,
		"3333ff00000202000000009986dd6000000000203aff20010002000000000000000000000001"
		"ff0200000000000000000001ff000002870037fb000000002001000200000000000000000000"
		"00020101010000000099",
		NULL },
	{ "solicitation, too short", COUNTER_drop_truncated,
		"3333ff00000202000000009986dd6000000000143aff20010002000000000000000000000001"
		"ff0200000000000000000001ff00000287003aa300000000200100020000000000000000",
		NULL },
	{ "advertisement", COUNTER_drop_not_udp,
		"02000000000102000000009986dd6000000000183aff20010002000000000000000000000001"
		"200100020000000000000000000000028800179f000000002001000200000000000000000000"
		"0002",
		NULL },
	{ "router solicitation", COUNTER_drop_not_udp,
		"02000000000102000000009986dd6000000000083aff20010002000000000000000000000001"
		"2001000200000000000000000000000285003ab400000000",
		NULL },
	{ "TCP over IPv6", COUNTER_drop_not_udp,
		"02000000000102000000009986dd600000000018064020010002000000000000000000000001"
		"200100020000000000000000000000020100bed8000000000000000000000000000000000000"
		"0000",
		NULL },
	{ "neither IP nor ARP", COUNTER_drop_not_ip,
		"02000000000102000000009988cc0000000000000000000000000000000000000000", NULL },
	{ "half an Ethernet header", COUNTER_drop_truncated, "020000000001020000000099", NULL },
	{ "half a VLAN header", COUNTER_drop_truncated, "020000000001020000000099810000", NULL },
};

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
