#include "dataplane/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int read_text(const char *text, struct config *config, char *error)
{
	char path[] = "/tmp/chappe-config-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	char full[CONFIG_ERROR_BYTES] = "";
	int result = config_read(config, path, full, sizeof full);
	unlink(path);
	if (result < 0) {
		assert_memory_equal(full, path, strlen(path));
		strcpy(error, full + strlen(path));
	}
	return result;
}

#define ADDRESS "[relay]\naddress = 198.18.0.2/24\n"

static const struct bad_file {
	const char *text, *error;
} bad_files[] = {
	{ "", ": [relay] names no address" },
	{ "[relay]\n", ": [relay] names no address" },
	{ "udp_port = 1\n", ":1: 'udp_port' stands before any [section]" },
	{ "\n[rely]\n", ":2: unknown section [rely]" },
	{ "[relay]\nadress = 1\n", ":2: unknown key 'adress' in [relay]" },
	{ "[relay]\n; fine\ndevices = 1\n", ":3: unknown key 'devices' in [relay]" },
	{ "[relay]\naddress\n", ":2: neither a [section] nor 'key = value'" },
	{ "[relay]\naddress = 198.18.0.2\n",
		":2: address: '198.18.0.2' must be ADDRESS/PREFIX, as in 198.18.0.2/24" },
	{ "[relay]\naddress =\n", ":2: address: '' must be ADDRESS/PREFIX, as in 198.18.0.2/24" },
	{ "[relay]\naddress = 198.18.0/24\n",
		":2: address: '198.18.0' is no IPv4 or IPv6 address" },
	{ "[relay]\naddress = 198.18.0.2/33\n",
		":2: address: prefix: 33 is out of range, 1 to 32 are possible" },
	{ "[relay]\naddress = 198.18.0.2/x\n", ":2: address: prefix: 'x' is not a number" },
	{ "[relay]\naddress = 198.18.0.0/24\n", ":2: address: no host can have 198.18.0.0/24" },
	{ "[relay]\naddress = 198.18.0.255/24\n", ":2: address: no host can have 198.18.0.255/24" },
	{ "[relay]\naddress = 224.0.0.1/24\n", ":2: address: no host can have 224.0.0.1/24" },
	{ "[relay]\naddress = 127.0.0.1/8\n", ":2: address: no host can have 127.0.0.1/8" },
	{ "[relay]\naddress = ff02::1/64\n", ":2: address: no host can have ff02::1/64" },
	{ "[relay]\naddress = ::/64\n", ":2: address: no host can have ::/64" },
	{ "[relay]\naddress = ::ffff:1.2.3.4/96\n",
		":2: address: no host can have ::ffff:1.2.3.4/96" },
	{ "[relay]\naddress = 2001:2::2/129\n",
		":2: address: prefix: 129 is out of range, 1 to 128 are possible" },
	{ "[relay]\naddress = 198.18.0.2/24 vlan\n", ":2: address: a number must follow 'vlan'" },
	{ "[relay]\naddress = 198.18.0.2/24 vlan 4095\n",
		":2: address: vlan: 4095 is out of range, 1 to 4094 are possible" },
	{ "[relay]\naddress = 198.18.0.2/24 port 32\n",
		":2: address: port: 32 is out of range, 0 to 31 are possible" },
	{ "[relay]\naddress = 198.18.0.2/24 mtu 5\n",
		":2: address: 'mtu' is neither 'vlan N' nor 'port N'" },
	{ "[relay]\naddress = 198.18.0.2/24 port 1 port 2\n", ":2: address: port is given twice" },
	{ ADDRESS "address = 198.18.0.2/16\n", ":3: address: 198.18.0.2 is given twice" },
	{ ADDRESS "address = 198.18.0.2/24 port 3\n", ":3: address: 198.18.0.2 is given twice" },
	{ ADDRESS "udp_port = 0\n", ":3: udp_port: 0 is out of range, 1 to 65535 are possible" },
	{ ADDRESS "udp_port = 65536\n",
		":3: udp_port: 65536 is out of range, 1 to 65535 are possible" },
	{ ADDRESS "udp_port = -1\n", ":3: udp_port: '-1' is not a number" },
	{ ADDRESS "udp_port = 4460x\n", ":3: udp_port: '4460x' is not a number" },
	{ ADDRESS "udp_port = 4460\nudp_port = 4460\n", ":4: udp_port: 4460 is given twice" },
	{ ADDRESS "udp_checksum = 0\n", ":3: udp_checksum: '0' must be yes or no" },
	{ ADDRESS "udp_checksum = no\nudp_checksum = no\n", ":4: udp_checksum is given twice" },
	{ ADDRESS "[tables]\ndevices = 0\n",
		":4: devices: 0 is out of range, 1 to 1864135 are possible" },
	{ ADDRESS "[tables]\ndevices = 1864136\n",
		":4: devices: 1864136 is out of range, 1 to 1864135 are possible" },
	{ ADDRESS "[tables]\ndevices = 99999999999999999999999\n",
		":4: devices: '99999999999999999999999' is not a number" },
	{ ADDRESS "[tables]\ndevices = 5\ndevices = 5\n", ":5: devices is given twice" },
	{ ADDRESS "[tables]\nroutes_per_device = 1025\n",
		":4: routes_per_device: 1025 is out of range, 1 to 1024 are possible" },
	{ ADDRESS "[worker]\nidle_sleep_us = 10001\n",
		":4: idle_sleep_us: 10001 is out of range, 0 to 10000 are possible" },
	{ ADDRESS "[process]\nrun_dir = run\n", ":4: run_dir: 'run' is not an absolute path" },
	{ ADDRESS "[process]\nuser =\n",
		":4: user: name an account of this machine, or none to keep privileges" },
};

static void refuses_bad_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
		struct config config;
		char error[CONFIG_ERROR_BYTES] = "accepted";
		assert_int_equal(read_text(bad_files[i].text, &config, error), -EINVAL);
		assert_string_equal(error, bad_files[i].error);
	}
}

static void refuses_long_lines(void **state)
{
	(void)state;
	char text[600] = ADDRESS "[process]\nrun_dir = /", error[CONFIG_ERROR_BYTES];
	struct config config;
	size_t len = strlen(text);
	memset(text + len, 'x', 96);
	assert_int_equal(read_text(text, &config, error), -EINVAL);
	assert_string_equal(error,
		":4: run_dir: longer than the 95 characters that leave room for a socket's name");
	memset(text + len, 'x', 500);
	assert_int_equal(read_text(text, &config, error), -EINVAL);
	assert_string_equal(error, ":4: line longer than 197 characters");
}

static void refuses_too_many(void **state)
{
	(void)state;
	char text[8192] = "[relay]\n", error[CONFIG_ERROR_BYTES];
	struct config config;
	for (int i = 1; i <= CONFIG_ADDRESSES_MAX; i++)
		sprintf(text + strlen(text), "address = 198.18.0.%d/24\n", i);
	assert_int_equal(read_text(text, &config, error), 0);
	assert_int_equal(config.address_count, CONFIG_ADDRESSES_MAX);
	strcat(text, "address = 198.18.1.1/24\n");
	assert_int_equal(read_text(text, &config, error), -EINVAL);
	assert_string_equal(error, ":34: address: more than 32 are given");
}

static void says_why_a_file_cannot_be_read(void **state)
{
	(void)state;
	struct config config;
	char error[CONFIG_ERROR_BYTES];
	assert_int_equal(config_read(&config, "/nonexistent/c.ini", error, sizeof error), -ENOENT);
	assert_string_equal(error, "/nonexistent/c.ini: No such file or directory");
}

static void reads_a_full_file(void **state)
{
	(void)state;
	struct config config;
	char error[CONFIG_ERROR_BYTES] = "";
	assert_int_equal(read_text("# a comment\n[relay]\n"
				   "address = 198.18.0.2/24 vlan 5 port 1 ; and why\n"
				   "address = 198.18.0.2/24\n"
				   "address = 2001:2::2/64 port 0\n"
				   "address = 2001:2::2/64 port 1\n"
				   "udp_port = 4460\nudp_port = 443\nudp_checksum = no\n"
				   "[tables]\ndevices = 1000\nroutes_per_device = 8\n"
				   "[worker]\nidle_sleep_us = 100\n"
				   "[process]\nrun_dir = /tmp/x\nuser = none\n",
				 &config, error),
		0);
	assert_int_equal(config.address_count, 4);
	static const uint8_t v4[16] = { [10] = 0xff, 0xff, 198, 18, 0, 2 };
	static const uint8_t v6[16] = { 0x20, 0x01, 0, 2, [15] = 2 };
	assert_memory_equal(config.addresses[0].address, v4, 16);
	assert_int_equal(config.addresses[0].family, 4);
	assert_int_equal(config.addresses[0].prefix, 24);
	assert_int_equal(config.addresses[0].vlan, 5);
	assert_int_equal(config.addresses[0].port, 1);
	assert_int_equal(config.addresses[1].vlan, 0);
	assert_int_equal(config.addresses[1].port, CONFIG_EVERY_PORT);
	assert_memory_equal(config.addresses[3].address, v6, 16);
	assert_int_equal(config.addresses[3].family, 6);
	assert_int_equal(config.addresses[3].port, 1);
	assert_int_equal(config.udp_port_count, 2);
	assert_int_equal(config.udp_ports[0], 4460);
	assert_int_equal(config.udp_ports[1], 443);
	assert_true(config.udp_unsummed);
	assert_int_equal(config.devices, 1000);
	assert_int_equal(config.routes_per_device, 8);
	assert_int_equal(config.idle_sleep_us, 100);
	assert_string_equal(config.run_dir, "/tmp/x");
	assert_string_equal(config.user, "none");
}

static void has_defaults(void **state)
{
	(void)state;
	struct config config;
	char error[CONFIG_ERROR_BYTES] = "";
	assert_int_equal(read_text(ADDRESS, &config, error), 0);
	assert_int_equal(config.udp_port_count, 1);
	assert_int_equal(config.udp_ports[0], 4460);
	assert_false(config.udp_unsummed);
	assert_int_equal(config.devices, 65536);
	assert_int_equal(config.routes_per_device, 32);
	assert_int_equal(config.idle_sleep_us, 0);
	assert_string_equal(config.run_dir, "/run/chappe");
	assert_string_equal(config.user, "chappe");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_files),
		cmocka_unit_test(refuses_long_lines),
		cmocka_unit_test(refuses_too_many),
		cmocka_unit_test(says_why_a_file_cannot_be_read),
		cmocka_unit_test(reads_a_full_file),
		cmocka_unit_test(has_defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
