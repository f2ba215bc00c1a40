#include "perf/loadgen/derive.h"
#include "tests/unit/src/testing.h"

#include <arpa/inet.h>

enum { DEVICES = 1000 };

static const uint8_t relay4[16] = { [10] = 0xff, 0xff, 198, 18, 0, 2 };
static const uint8_t relay6[16] = { 0x20, 0x01, 0, 2, [15] = 2 };

static struct derive make(const char *seed, uint32_t workers, const uint8_t relay[16])
{
	struct derive derive = { .workers = workers, .relay_port = 4460, .vlan = 7 };

	derive_seed(&derive, seed);
	memcpy(derive.mac, derive_mac, sizeof derive.mac);
	memcpy(derive.relay, relay, sizeof derive.relay);
	derive_source(&derive, NULL);
	return derive;
}

/* Generator and relay derive the same by themselves; another seed shares nothing. */
static void follows_from_the_seed(void **state)
{
	const struct derive one = make("a", 2, relay4), same = make("a", 2, relay4);
	const struct derive other = make("b", 2, relay4);

	(void)state;
	for (uint32_t i = 0; i < DEVICES; i++) {
		struct derive_device a = { 0 }, b = { 0 }, c = { 0 };
		derive_device(&one, i, &a);
		derive_device(&same, i, &b);
		derive_device(&other, i, &c);
		assert_memory_equal(&a, &b, sizeof a);
		assert_memory_not_equal(a.to_relay, c.to_relay, sizeof a.to_relay);
		assert_memory_not_equal(a.from_relay, c.from_relay, sizeof a.from_relay);
		assert_memory_not_equal(a.route, c.route, sizeof a.route);
		assert_memory_not_equal(a.to_relay, a.from_relay, sizeof a.to_relay);
	}
}

static void devices_differ(void **state)
{
	static struct derive_device devices[DEVICES];
	const struct derive derive = make("1", 3, relay4);

	(void)state;
	for (uint32_t i = 0; i < DEVICES; i++)
		derive_device(&derive, i, &devices[i]);
	for (uint32_t i = 0; i < DEVICES; i++) {
		assert_int_equal(wire_index_owner(devices[i].index), i % 3);
		assert_int_equal(wire_index_slot(devices[i].index), i);
		assert_int_equal(devices[i].peer_index, i);
		for (uint32_t k = 0; k < i; k++) {
			assert_memory_not_equal(devices[i].to_relay, devices[k].to_relay, 32);
			assert_memory_not_equal(devices[i].route, devices[k].route, 16);
		}
	}
}

static void places_differ_beyond_the_ports_of_an_address(void **state)
{
	const struct derive derive = make("1", 1, relay6);
	const struct endpoint first = derive_endpoint(&derive, 0);
	const struct endpoint last = derive_endpoint(&derive, DERIVE_PORTS - 1);
	const struct endpoint next = derive_endpoint(&derive, DERIVE_PORTS);

	(void)state;
	assert_int_equal(first.family, 6);
	assert_int_equal(first.vlan, 7);
	assert_int_equal(first.local_port, htons(4460));
	assert_memory_equal(first.local, relay6, sizeof relay6);
	assert_int_equal(first.remote_port, htons(DERIVE_PORT_FIRST));
	assert_memory_equal(first.remote, last.remote, sizeof first.remote);
	assert_int_equal(last.remote_port, htons(DERIVE_PORT_FIRST + DERIVE_PORTS - 1));
	assert_int_equal(next.remote_port, first.remote_port);
	assert_int_equal(next.remote[15], first.remote[15] + 1);
}

static void a_source_may_be_given(void **state)
{
	static const uint8_t source[16] = { [10] = 0xff, 0xff, 10, 0, 0, 255 };
	struct derive derive = make("1", 1, relay4);

	(void)state;
	assert_int_equal(derive_endpoint(&derive, 0).family, 4);
	derive_source(&derive, source);
	const struct endpoint next = derive_endpoint(&derive, DERIVE_PORTS);
	assert_int_equal(next.remote[14], 1); /* carried over */
	assert_int_equal(next.remote[15], 0);
}

static void everybody_sends_to_somebody_else(void **state)
{
	bool reached[DEVICES] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < DEVICES; i++) {
		const uint32_t to = derive_recipient(i, DEVICES);
		assert_true(to < DEVICES && to != i && !reached[to]);
		reached[to] = true;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_from_the_seed),
		cmocka_unit_test(devices_differ),
		cmocka_unit_test(places_differ_beyond_the_ports_of_an_address),
		cmocka_unit_test(a_source_may_be_given),
		cmocka_unit_test(everybody_sends_to_somebody_else),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
