/* What a person at a terminal meets: other commands beside one that receives, ^C, output that goes
 * nowhere, directories that are not what they should be. */
#include "cli_world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static bool has_file(const struct cli_world *w, const char *pattern)
{
	char command[128];

	snprintf(command, sizeof command, "ls -A %s/alice | grep -q '^%s'", w->dir, pattern);
	return system(command) == 0; /* NOLINT(cert-env33-c): a test */
}

static pid_t start_receiver(struct cli_world *w)
{
	pid_t receiver = CLI_START(w, "alice", "recv", "--follow");

	for (int i = 0; i < 3000 && !has_file(w, "\\.socket"); i++)
		cli_serve(w, 10);
	assert_true(has_file(w, "\\.socket"));
	return receiver;
}

/* Each of them has the directory for a moment; the receiver goes on with it, and loses nothing. */
static void one_that_receives_lends_the_directory(void **state)
{
	struct cli_world *w = *state;
	pid_t receiver;
	cli_pair(w);
	receiver = start_receiver(w);
	assert_int_equal(CLI(w, "bob", "send", "alice", "before"), 0);
	/* its output is the receiver's too: another device's name for the same directory */
	static const char *const commands[][5] = {
		{ "status" },
		{ "outbox" },
		{ "contact", "list" },
		{ "contact", "new", "carol" },
		{ "contact", "revoke", "carol" },
		{ "send", "bob", "from the receiver" },
	};
	char link[128], target[128];
	snprintf(link, sizeof link, "%s/other", w->dir);
	snprintf(target, sizeof target, "%s/alice", w->dir);
	assert_int_equal(symlink(target, link), 0);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		assert_int_equal(cli_run(w, "other", commands[i]), 0);
	assert_int_equal(CLI(w, "bob", "send", "alice", "after"), 0);
	assert_int_equal(CLI(w, "other", "recv"), CHAPPE_ERR_LOCKED);
	assert_non_null(strstr(w->err, "other"));
	assert_non_null(strstr(w->err, "try again"));
	cli_serve(w, 3000);
	kill(receiver, SIGTERM);
	assert_int_equal(cli_finish(w, "alice", receiver), -1);
	assert_string_equal(w->out, "bob: before\nbob: after\n");
	assert_false(has_file(w, "\\.socket"));
	assert_int_equal(CLI(w, "bob", "recv", "--count", "1", "--timeout", "20"), 0);
	assert_string_equal(w->out, "from the receiver");
}

/* It ends by the signal, as whoever started it expects, and says what has become of the message. */
static void who_interrupts_send_hears_that_the_message_is_kept(void **state)
{
	struct cli_world *w = *state;
	pid_t sender;
	cli_pair(w);
	w->relay->down = true;
	sender = CLI_START(w, "alice", "send", "bob", "interrupted");
	for (int i = 0; i < 3000 && !has_file(w, "outbox-"); i++)
		cli_serve(w, 10);
	cli_serve(w, 300);
	kill(sender, SIGINT);
	assert_int_equal(cli_finish(w, "alice", sender), -1);
	assert_non_null(strstr(w->err, "it is kept here"));
	w->relay->down = false;
	assert_int_equal(CLI(w, "alice", "send", "bob", "next"), 0);
	assert_int_equal(CLI(w, "bob", "recv", "--count", "2", "--timeout", "20"), 0);
	assert_string_equal(w->out, "alice: interrupted\nalice: next\n");
}

static int run_with_output(struct cli_world *w, const char *output, const char *const *arguments)
{
	return cli_finish(w, "alice", cli_start(w, "alice", output, arguments));
}

/* Also where standard output is closed: no other file takes its place. */
static void output_that_goes_nowhere_is_said(void **state)
{
	static const char *const commands[][4] = {
		{ "help" },
		{ "contact", "list" },
		{ "contact", "new", "carol" },
	};
	struct cli_world *w = *state;
	cli_pair(w);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		assert_int_equal(run_with_output(w, "/dev/full", commands[i]), CHAPPE_ERR_INTERNAL);
		assert_non_null(strstr(w->err, "No space left on device"));
	}
	/* the link is not lost with it */
	assert_int_equal(CLI(w, "alice", "contact", "new", "carol"), CHAPPE_ERR_CONTACT_EXISTS);
	assert_int_equal(CLI(w, "alice", "contact", "link", "carol"), 0);
	assert_memory_equal(w->out, "chappe:contact/", 15);
	assert_int_equal(CLI(w, "alice", "contact", "link", "bob"), CHAPPE_ERR_CONTACT_EXISTS);
	assert_int_equal(CLI(w, "bob", "send", "alice", "kept"), 0);
	assert_int_equal(run_with_output(w, CLI_CLOSED, (const char *const[]){ "recv", NULL }),
		CHAPPE_ERR_INTERNAL);
	assert_non_null(strstr(w->err, "Bad file descriptor"));
	assert_int_equal(CLI(w, "alice", "recv", "--timeout", "20"), 0);
	assert_string_equal(w->out, "bob: kept\n");
}

static void a_directory_that_is_none_is_named_with_the_reason(void **state)
{
	struct cli_world *w = *state;
	char path[128];
	struct stat st;
	FILE *file;

	assert_int_equal(CLI(w, "mistyped", "status"), CHAPPE_ERR_NOT_JOINED);
	assert_non_null(strstr(w->err, "/mistyped"));
	assert_int_equal(CLI(w, "mistyped", "send", "bob", "x"), CHAPPE_ERR_NOT_JOINED);
	snprintf(path, sizeof path, "%s/mistyped", w->dir);
	assert_int_equal(stat(path, &st), -1); /* and none is made */
	snprintf(path, sizeof path, "%s/file", w->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(CLI(w, "file", "outbox"), CHAPPE_ERR_STORAGE);
	assert_non_null(strstr(w->err, "/file: Not a directory"));
	cli_pair(w);
	snprintf(path, sizeof path, "%s/alice/contact-bob", w->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(CLI(w, "alice", "status"), CHAPPE_ERR_DAMAGED);
	assert_non_null(strstr(w->err, "bob"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, cli_setup, cli_teardown)
		T(one_that_receives_lends_the_directory),
		T(who_interrupts_send_hears_that_the_message_is_kept),
		T(output_that_goes_nowhere_is_said),
		T(a_directory_that_is_none_is_named_with_the_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
