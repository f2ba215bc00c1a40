#include "perf/loadgen/options.h"
#include "perf/loadgen/value.h"
#include "tests/unit/src/testing.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>

static int parse(const char *line, struct options *options)
{
	static char text[512], *argv[64]; /* options point into them */
	char *save;
	int argc = 1;

	snprintf(text, sizeof text, "%s", line);
	argv[0] = (char *)"chappe-loadgen";
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	optind = 0; /* glibc: begin anew */
	return options_parse(argc, argv, options);
}

static void has_defaults(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse("--keys k -- -l 1", &o), 0);
	assert_string_equal(o.keys, "k");
	assert_null(o.invitations);
	assert_true(o.rate > 999 && o.rate < 1001);
	assert_int_equal(o.cell, 512);
	assert_int_equal(o.burst, 32);
	assert_int_equal(o.check_every, 1);
	assert_int_equal(o.in_flight, 0);
	assert_int_equal(o.eal_count, 3);
	assert_string_equal(o.eal[1], "-l");
	assert_false(o.has_relay || o.has_source || o.has_mac || o.trials || o.quiet);
}

static void reads_every_option(void **state)
{
	static const uint8_t relay[16] = { 0x20, 0x01, 0, 2, [15] = 2 };
	struct options o;

	(void)state;
	assert_int_equal(
		parse("--invitations i --keys k --devices 9 --suite chacha20poly1305 --relay "
		      "[2001:2::2]:77 --vlan 12 --rate 1.5M --duration 2.5 --cell 1232 --burst 64 "
		      "--in-flight 100 --check 16 --drain 5 --mac 02:00:00:00:00:aa --cpu-of 1,22 "
		      "--quiet --source 10.0.0.1 -- -l 0",
			&o),
		0);
	assert_int_equal(o.devices, 9);
	assert_int_equal(o.suite, WIRE_SUITE_CHACHA20POLY1305);
	assert_memory_equal(o.relay, relay, sizeof relay);
	assert_int_equal(o.relay_port, 77);
	assert_int_equal(o.vlan, 12);
	assert_int_equal((int)o.rate, 1500000);
	assert_int_equal((int)(o.duration_s * 10), 25);
	assert_int_equal(o.cell, 1232);
	assert_int_equal(o.burst, 64);
	assert_int_equal(o.in_flight, 100);
	assert_int_equal(o.check_every, 16);
	assert_int_equal(o.drain_ms, 5);
	assert_int_equal(o.mac[5], 0xaa);
	assert_int_equal(o.cpu_count, 2);
	assert_int_equal(o.cpu_of[1], 22);
	assert_true(o.quiet && o.has_source);
	assert_int_equal(o.source[12], 10);
	assert_int_equal(o.source[10], 0xff);
}

static void refuses_what_makes_no_sense(void **state)
{
	static const char *const bad[] = { "", "-- -l 1", "--keys k", "--keys k --cell 513 -- -l 1",
		"--keys k --rate 0 -- -l 1", "--keys k --rate 10x -- -l 1",
		"--keys k --rate -5 -- -l 1", "--keys k --burst 65 -- -l 1",
		"--keys k --devices 1 -- -l 1", "--keys k --relay 1.2.3.4 -- -l 1",
		"--keys k --relay 1.2.3.4:0 -- -l 1", "--keys k --relay 2001:2::2:77 -- -l 1",
		"--keys k --relay []:77 -- -l 1", "--keys k --relay [2001:2::22:77 -- -l 1",
		"--keys k --mac 02:00 -- -l 1", "--keys k --vlan 4095 -- -l 1",
		"--keys k --suite rot13 -- -l 1", "--keys k --cpu-of 1,x -- -l 1",
		"--keys k --cpu-of 1,2,3,4,5,6,7,8,9 -- -l 1", "--keys k --duration 0 -- -l 1",
		"--keys k --nonsense -- -l 1", "--keys k word", "--invitations - --trials -- -l 1",
		"--pcap f --devices 9", "--pcap f --devices 9 --relay 1.2.3.4:5",
		"--pcap f --relay 1.2.3.4:5 --relay-mac 02:00:00:00:00:01" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct options o;
		if (parse(bad[i], &o) != -1)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void a_capture_needs_no_eal(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse("--pcap f --devices 9 --relay 1.2.3.4:5 --relay-mac "
			       "02:00:00:00:00:01 --frames 50 --seed x --workers 4",
				 &o),
		0);
	assert_string_equal(o.pcap, "f");
	assert_string_equal(o.seed, "x");
	assert_int_equal(o.frames, 50);
	assert_int_equal(o.workers, 4);
}

static void rates_have_suffixes(void **state)
{
	static const struct {
		const char *text;
		double rate; /* below 0: none */
	} rows[] = { { "1", 1 }, { "250k", 250e3 }, { "1.5M", 1.5e6 }, { "2m", 2e6 }, { "max", 0 },
		{ "", -1 }, { "k", -1 }, { "1e10", -1 }, { "5kk", -1 }, { "-1", -1 }, { "0", -1 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		double rate = -2;
		assert_int_equal(value_rate(rows[i].text, &rate), rows[i].rate >= 0);
		if (rows[i].rate >= 0)
			assert_true(rate > rows[i].rate - 0.5 && rate < rows[i].rate + 0.5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_defaults),
		cmocka_unit_test(reads_every_option),
		cmocka_unit_test(refuses_what_makes_no_sense),
		cmocka_unit_test(a_capture_needs_no_eal),
		cmocka_unit_test(rates_have_suffixes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
