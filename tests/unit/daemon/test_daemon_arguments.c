#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/arguments.h"
#include "tests/unit/command_line.h"

enum { GO_ON = 0, HELPED = 1, WRONG = -1 };

static const struct line {
	const char *line;
	int result;
	const char *config, *pid_file;
	bool check;
} lines[] = {
	{ "d --config f", GO_ON, "f", NULL, false },
	{ "d --config=f --pid-file p", GO_ON, "f", "p", false },
	{ "d --check --config f", GO_ON, "f", NULL, true },
	{ "d --help", HELPED, NULL, NULL, false },
	{ "d --version", HELPED, NULL, NULL, false },
	{ "d", WRONG, NULL, NULL, false },
	{ "d --check", WRONG, NULL, NULL, true },
	{ "d --config f g", WRONG, "f", NULL, false },
	{ "d --config", WRONG, NULL, NULL, false },
	{ "d --colour", WRONG, NULL, NULL, false },
};

static int parse(const char *line, struct daemon_arguments *arguments)
{
	static char *argv[COMMAND_LINE_WORDS];

	return daemon_arguments(
		command_line(line, argv), argv, "chappe-test", "Does nothing.", arguments);
}

static void assert_text(const char *is, const char *expected)
{
	if (expected)
		assert_string_equal(is, expected);
	else
		assert_null(is);
}

static void takes_what_is_given(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		const struct line *line = &lines[i];
		struct daemon_arguments arguments;
		print_message("%s\n", line->line);
		assert_int_equal(parse(line->line, &arguments), line->result);
		assert_text(arguments.config, line->config);
		assert_text(arguments.pid_file, line->pid_file);
		assert_int_equal(arguments.check, line->check);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(takes_what_is_given) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
