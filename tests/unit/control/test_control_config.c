/* Configuration of chappe-control: what is read, and what is refused with which reason. */
#include "control/config.h"
#include "tests/unit/src/testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/chappe-test-config-XXXXXX";
static struct config config;
static char error[CONFIG_ERROR_BYTES];

static int load(const char *text)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
	config_defaults(&config);
	error[0] = '\0';
	return config_load(path, &config, error);
}

static void reads_everything(void **state)
{
	(void)state;
	assert_int_equal(load("; all of it\n"
			      "[store]\nstate_dir = /a\n"
			      "[dataplane]\nrun_dir = /b\n"
			      "[api]\nsocket = /c\ngroup = staff\n"
			      "[relay]\nname = relay.example:4460\nname = [2001:2::2]:1\n"
			      "keepalive_s = 40\nkeepalive_min_s = 5\nroutes_per_device = 7\n"
			      "frames_per_s = 8\nbytes_per_s = 9000000000\n"
			      "[process]\nuser = nobody\nthreads = 3\n"),
		0);
	assert_string_equal(config.state_dir, "/a");
	assert_string_equal(config.run_dir, "/b");
	assert_string_equal(config.api_socket, "/c");
	assert_string_equal(config.api_group, "staff");
	assert_int_equal(config.names_count, 2);
	assert_string_equal(config.names[1], "[2001:2::2]:1");
	assert_int_equal(config.keepalive_s, 40);
	assert_int_equal(config.keepalive_min_s, 5);
	assert_int_equal(config.limits.routes_max, 7);
	assert_int_equal(config.limits.frames_per_s, 8);
	assert_int_equal(config.limits.bytes_per_s, 9000000000);
	assert_string_equal(config.user, "nobody");
	assert_int_equal(config.threads, 3);
}

static void empty_file_is_the_defaults(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
	assert_string_equal(config.state_dir, "/var/lib/chappe");
	assert_string_equal(config.user, "chappe");
	assert_int_equal(config.limits.routes_max, 32);
	assert_int_equal(config.keepalive_s, 25);
}

static void refuses_what_it_cannot_read(void **state)
{
	(void)state;
	assert_int_equal(config_load("/tmp", &config, error), -EISDIR);
	assert_string_equal(error, "/tmp: Is a directory");
	assert_int_equal(config_load("/nowhere", &config, error), -ENOENT);
}

static void refuses_with_line_and_reason(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *reason;
	} cases[] = {
		{ "[store]\nnonsense = 1\n", 2, "[store] nonsense is no setting" },
		{ "[nowhere]\n\nx = 1\n", 3, "[nowhere] x is no setting" },
		{ "[store]\nstate_dir = /a\nstate_dir = /b\n", 3, "state_dir is set twice" },
		{ "[store]\nstate_dir =\n", 2, "state_dir is empty" },
		{ "[store]\nthis is no setting\n", 2, "neither [section] nor name = value" },
		{ "[process]\nthreads = 65\n", 2, "a number from 0 to 64" },
		{ "[process]\nthreads = many\n", 2, "threads is many" },
		{ "[process]\nthreads = 3x\n", 2, "threads is 3x" },
		{ "[process]\nthreads = -1\n", 2, "threads is -1" },
		{ "[relay]\nbytes_per_s = 99999999999999999999\n", 2, "bytes_per_s" },
		{ "[relay]\nname = relay\n", 2, "host:port" },
		{ "[relay]\nname = :5\n", 2, "host:port" },
		{ "[relay]\nname = relay:0\n", 2, "host:port" },
		{ "[relay]\nname = relay:65536\n", 2, "host:port" },
		{ "[relay]\nname = 2001:2::2:4460\n", 2, "host:port" },
		{ "[relay]\nname = []:4460\n", 2, "host:port" },
		{ "[relay]\nkeepalive_s = 0\n", 2, "keepalive_s" },
		{ "[relay]\nname = a:1\nname = a:1\nname = a:1\nname = a:1\nname = a:1\n"
		  "name = a:1\nname = a:1\nname = a:1\nname = a:1\n",
			10, "more than 8 names" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char prefix[64];
		assert_int_equal(load(cases[i].text), -EINVAL);
		snprintf(prefix, sizeof prefix, "%s:%d: ", path, cases[i].line);
		if (strncmp(error, prefix, strlen(prefix)) != 0 || !strstr(error, cases[i].reason))
			fail_msg("%s gives: %s", cases[i].text, error);
	}
	assert_int_equal(load("[relay]\nkeepalive_s = 5\n"), -EINVAL);
	assert_non_null(strstr(error, "keepalive_min_s"));
	assert_int_equal(config_load("/nonexistent/file", &config, error), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_everything),
		cmocka_unit_test(empty_file_is_the_defaults),
		cmocka_unit_test(refuses_what_it_cannot_read),
		cmocka_unit_test(refuses_with_line_and_reason),
	};
	int fd = mkstemp(path);
	int failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
