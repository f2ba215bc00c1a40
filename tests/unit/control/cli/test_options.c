#include "control/cli/cli.h"
#include "control/cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int run_nothing(const struct options *options)
{
	(void)options;
	return CLI_OK;
}

const struct command commands[] = {
	{ "plain", "", 0, 0, 0, run_nothing, "b", "h" },
	{ "thing show", "THING", 1, 1, 1u << OPTION_frames | 1u << OPTION_ttl, run_nothing, "b",
		"h" },
	{ "thing list", "[THING]", 0, 1, 1u << OPTION_watch | 1u << OPTION_stages, run_nothing, "b",
		"h" },
	{ 0 },
};

static int parse(struct options *options, int *status, const char *line)
{
	static char text[128], *argv[16]; /* options point into them */
	char *save;
	int argc = 1;
	snprintf(text, sizeof text, "%s", line);
	argv[0] = (char *)"chappectl";
	for (char *word = strtok_r(text, " ", &save); word != NULL;
		word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	optind = 0; /* glibc: begin anew */
	return options_parse(argc, argv, options, status);
}

static const struct {
	const char *line, *command;
	int operands;
} good[] = {
	{ "plain", "plain", 0 },
	{ "--json plain", "plain", 0 },
	{ "thing show 17", "thing show", 1 },
	{ "thing --frames 5 show 17", "thing show", 1 },
	{ "thing show 17 --frames=5 -j", "thing show", 1 },
	{ "thing list", "thing list", 0 },
	{ "thing list 17 --watch", "thing list", 1 },
	{ "thing list --stages=0.5", "thing list", 0 },
};

static void options_stand_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct options options;
		int status;
		if (parse(&options, &status, good[i].line) != 0)
			fail_msg("refused: %s", good[i].line);
		assert_string_equal(options.command->name, good[i].command);
		assert_int_equal(options.operands, good[i].operands);
	}
}

static void what_does_not_fit_is_a_usage_error(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "nothing", "thing", "thing burn", "plain 1",
		"thing show", "thing show 1 2", "plain --frames 5", "plain --bogus",
		"thing show 1 --frames", "thing show 1 --frames 0", "thing show 1 --frames x",
		"thing show 1 --ttl 5y", "thing show 1 --ttl -1", "thing list --watch=0",
		"thing list --stages=0", "a b c d e f g h i" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct options options;
		int status = -1;
		if (parse(&options, &status, bad[i]) == 0 || status != CLI_USAGE)
			fail_msg("%s: status %d", bad[i], status);
	}
}

static void help_and_version_end_well(void **state)
{
	(void)state;
	static const char *const lines[] = { "help", "help plain", "help thing show", "--help",
		"plain --help", "thing show --help", "--version" };
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct options options;
		int status = -1;
		assert_int_not_equal(parse(&options, &status, lines[i]), 0);
		if (status != CLI_OK)
			fail_msg("%s: status %d", lines[i], status);
	}
}

static void limits_may_be_none_or_default(void **state)
{
	(void)state;
	struct options options;
	int status;
	assert_int_equal(parse(&options, &status, "thing show 1 --frames none"), 0);
	assert_int_equal(options.frames, 0);
	assert_int_equal(parse(&options, &status, "thing show 1 --frames default"), 0);
	assert_true(options.frames == OPTIONS_LIMIT_DEFAULT);
	assert_int_equal(parse(&options, &status, "thing show 1 --frames 20k"), 0);
	assert_int_equal(options.frames, 20000);
}

static void durations_and_numbers_have_suffixes(void **state)
{
	(void)state;
	uint64_t n = 0;
	assert_int_equal(options_duration("90", &n), 0);
	assert_int_equal(n, 90);
	assert_int_equal(options_duration("30m", &n), 0);
	assert_int_equal(n, 1800);
	assert_int_equal(options_duration("7d", &n), 0);
	assert_int_equal(n, 604800);
	assert_int_equal(options_number("2M", &n), 0);
	assert_int_equal(n, 2000000);
	static const char *const bad[] = { "", "m", "-1", "+1", " 1", "1 ", "1mm", "1.5h",
		"18446744073709551616", "18446744073709551615d" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(options_duration(bad[i], &n), -EINVAL);
}

static void the_environment_names_the_socket(void **state)
{
	(void)state;
	struct options options;
	int status;
	setenv("CHAPPECTL_SOCKET", "/somewhere", 1);
	assert_int_equal(parse(&options, &status, "plain"), 0);
	assert_string_equal(options.socket, "/somewhere");
	assert_int_equal(parse(&options, &status, "plain -s /else"), 0);
	assert_string_equal(options.socket, "/else");
	unsetenv("CHAPPECTL_SOCKET");
	assert_int_equal(parse(&options, &status, "plain"), 0);
	assert_string_equal(options.socket, "/run/chappe/control.sock");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(what_does_not_fit_is_a_usage_error),
		cmocka_unit_test(help_and_version_end_well),
		cmocka_unit_test(limits_may_be_none_or_default),
		cmocka_unit_test(durations_and_numbers_have_suffixes),
		cmocka_unit_test(the_environment_names_the_socket),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
