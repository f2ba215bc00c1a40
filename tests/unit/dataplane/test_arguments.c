#include "dataplane/arguments.h"
#include "tests/unit/command_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *line, struct arguments *arguments)
{
	static char *argv[COMMAND_LINE_WORDS];
	return arguments_parse(command_line(line, argv), argv, arguments);
}

/* What EAL gets, joined by spaces. */
static const char *eal(const struct arguments *arguments)
{
	static char text[8192];
	text[0] = '\0';
	for (int i = 0; i < arguments->eal_count; i++) {
		strcat(text, i ? " " : "");
		strcat(text, arguments->eal[i]);
	}
	assert_null(arguments->eal[arguments->eal_count]);
	return text;
}

static const struct {
	const char *line, *eal;
} lines[] = {
	{ "d --config f", "d --no-telemetry --in-memory" },
	{ "d --config f --", "d --no-telemetry --in-memory" },
	{ "d --config f -- -l 0,1 -a 01:00.0", "d -l 0,1 -a 01:00.0 --no-telemetry --in-memory" },
	{ "d --config f -- --no-huge -m 512", "d --no-huge -m 512 --no-telemetry --no-shconf" },
	{ "d --config f -- --no-huge --no-shconf", "d --no-huge --no-shconf --no-telemetry" },
	{ "d --config f -- --telemetry", "d --telemetry --in-memory" },
	{ "d --config f -- --no-telemetry", "d --no-telemetry --in-memory" },
	{ "d --config f -- --in-memory", "d --in-memory --no-telemetry" },
	{ "d --config f -- --legacy-mem", "d --legacy-mem --no-telemetry" },
	/* not what they begin with */
	{ "d --config f -- --no-huge-unlink", "d --no-huge-unlink --no-telemetry --in-memory" },
};

static void adds_what_the_operator_left_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct arguments arguments;
		assert_int_equal(parse(lines[i].line, &arguments), 0);
		assert_string_equal(arguments.config, "f");
		assert_string_equal(eal(&arguments), lines[i].eal);
	}
}

static void takes_its_own_options(void **state)
{
	(void)state;
	struct arguments arguments;
	assert_int_equal(parse("d --pid-file p --check --config=f -- -l 0", &arguments), 0);
	assert_string_equal(arguments.pid_file, "p");
	assert_string_equal(arguments.config, "f");
	assert_true(arguments.check);
	assert_int_equal(parse("d --config f", &arguments), 0);
	assert_null(arguments.pid_file);
	assert_false(arguments.check);
}

static void refuses_the_rest(void **state)
{
	(void)state;
	struct arguments arguments;
	assert_int_equal(parse("d", &arguments), -1);
	assert_int_equal(parse("d -- -l 0", &arguments), -1);
	assert_int_equal(parse("d --config", &arguments), -1);
	assert_int_equal(parse("d --config f -l 0", &arguments), -1);
	assert_int_equal(parse("d --config f word", &arguments), -1);
	assert_int_equal(parse("d --config f word -- -l 0", &arguments), -1);
	char many[4096] = "d --config f --";
	for (int i = 0; i < ARGUMENTS_EAL_MAX; i++)
		strcat(many, " -v");
	assert_int_equal(parse(many, &arguments), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_what_the_operator_left_open),
		cmocka_unit_test(takes_its_own_options),
		cmocka_unit_test(refuses_the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
