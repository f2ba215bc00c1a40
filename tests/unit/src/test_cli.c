/* The device's command line as people and scripts meet it: output, exit statuses, two processes at
 * one directory. */
#include "cli_world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void wrong_usage_is_told_apart(void **state)
{
	static const struct {
		const char *arguments[6];
		int status;
	} rows[] = {
		{ { NULL }, CHAPPE_ERR_USAGE },
		{ { "frobnicate" }, CHAPPE_ERR_USAGE },
		{ { "--frobnicate" }, CHAPPE_ERR_USAGE },
		{ { "help" }, 0 },
		{ { "--help" }, 0 },
		{ { "--version" }, 0 },
		{ { "help", "send" }, 0 },
		{ { "send", "--help" }, 0 },
		{ { "help", "frobnicate" }, CHAPPE_ERR_USAGE },
		{ { "join" }, CHAPPE_ERR_USAGE },
		{ { "join", "chappe:invite/AAAA" }, CHAPPE_ERR_BAD_LINK },
		{ { "join", "--timeout", "soon", "x" }, CHAPPE_ERR_USAGE },
		{ { "contact" }, CHAPPE_ERR_USAGE },
		{ { "contact", "new" }, CHAPPE_ERR_USAGE },
		{ { "contact", "list" }, CHAPPE_ERR_NOT_JOINED },
		{ { "send" }, CHAPPE_ERR_USAGE },
		{ { "send", "bob", "--file", "/nonexistent" }, CHAPPE_ERR_USAGE },
		{ { "send", "bob", "x" }, CHAPPE_ERR_NOT_JOINED },
		{ { "send", "bob", "x", "--live", "--wait" }, CHAPPE_ERR_USAGE },
		{ { "send", "bob", "x", "--ttl", "0" }, CHAPPE_ERR_USAGE },
		{ { "recv", "--count", "0" }, CHAPPE_ERR_USAGE },
		{ { "recv", "--ack-within", "0" }, CHAPPE_ERR_USAGE },
		{ { "recv", "bob" }, CHAPPE_ERR_USAGE },
		{ { "recv" }, CHAPPE_ERR_NOT_JOINED },
		{ { "outbox" }, CHAPPE_ERR_NOT_JOINED },
		{ { "outbox", "frobnicate" }, CHAPPE_ERR_USAGE },
		{ { "outbox", "list", "x" }, CHAPPE_ERR_USAGE },
		{ { "outbox", "drop" }, CHAPPE_ERR_USAGE },
		{ { "outbox", "drop", "bob", "1" }, CHAPPE_ERR_NOT_JOINED },
		{ { "status" }, CHAPPE_ERR_NOT_JOINED },
	};
	struct cli_world *w = *state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(cli_run(w, "alice", rows[i].arguments), rows[i].status);
		if (rows[i].status)
			assert_true(strlen(w->err) > 0);
		else
			assert_true(strlen(w->out) > 0);
	}
}

static void help_lists_every_exit_status(void **state)
{
	struct cli_world *w = *state;
	assert_int_equal(CLI(w, "alice", "help"), 0);
#define X(name, number, text) assert_non_null(strstr(w->out, text));
	CHAPPE_ERRORS(X)
#undef X
}

static void each_refusal_has_its_exit_status(void **state)
{
	static const struct {
		enum wire_status status;
		int exit;
	} rows[] = {
		{ WIRE_STATUS_REVOKED, CHAPPE_ERR_REVOKED },
		{ WIRE_STATUS_FULL, CHAPPE_ERR_FULL },
		{ WIRE_STATUS_STALE_ATTEMPT, CHAPPE_ERR_STALE_ATTEMPT },
		{ WIRE_STATUS_DRAINING, CHAPPE_ERR_DRAINING },
		{ WIRE_STATUS_INVITATION_USED, CHAPPE_ERR_INVITATION_USED },
	};
	struct cli_world *w = *state;
	char text[2048];
	cli_invitation(w, text);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		w->relay->status = rows[i].status;
		assert_int_equal(CLI(w, "alice", "join", text, "--timeout", "0.3"), rows[i].exit);
		assert_int_equal(CLI(w, "alice", "status", "--timeout", "0.3"), rows[i].exit);
	}
}

static void a_relay_that_is_not_there_is_unreachable_and_joined_later(void **state)
{
	struct cli_world *w = *state;
	char text[2048];
	cli_invitation(w, text);
	w->relay->down = true;
	assert_int_equal(CLI(w, "alice", "join", text, "--timeout", "0.3"), CHAPPE_ERR_UNREACHABLE);
	w->relay->down = false;
	assert_int_equal(CLI(w, "alice", "status"), 0);
	assert_non_null(strstr(w->out, "connected"));
	assert_int_equal(CLI(w, "alice", "join", text), CHAPPE_ERR_ALREADY_JOINED);
}

static void both_see_the_same_digits(void **state)
{
	struct cli_world *w = *state;
	char digits[CLI_OUTPUT_BYTES];
	cli_pair(w);
	assert_int_equal(CLI(w, "alice", "contact", "verify", "bob"), 0);
	strcpy(digits, w->out);
	assert_int_equal(CLI(w, "bob", "contact", "verify", "alice", "--yes"), 0);
	assert_string_equal(w->out, digits);
	assert_int_equal(CLI(w, "bob", "contact", "list", "--json"), 0);
	assert_non_null(strstr(w->out, "\"verified\": true"));
	assert_int_equal(CLI(w, "alice", "contact", "list"), 0);
	assert_non_null(strstr(w->out, "not verified"));
}

static void one_message_comes_out_byte_for_byte(void **state)
{
	struct cli_world *w = *state;
	static uint8_t data[70000];
	char path[128];
	FILE *file;
	pid_t receiver;
	cli_pair(w);
	randombytes_buf(data, sizeof data);
	snprintf(path, sizeof path, "%s/data", w->dir);
	file = fopen(path, "wb");
	assert_int_equal(fwrite(data, 1, sizeof data, file), sizeof data);
	fclose(file);
	receiver = CLI_START(w, "bob", "recv", "--count", "1", "--from", "alice");
	assert_int_equal(CLI(w, "alice", "send", "bob", "--file", path), 0);
	assert_int_equal(cli_finish(w, "bob", receiver), 0);
	assert_int_equal(w->out_len, sizeof data);
	assert_memory_equal(w->out, data, sizeof data);
}

static void messages_come_as_lines_as_json_and_as_files(void **state)
{
	struct cli_world *w = *state;
	char dir[128];
	struct stat st;
	pid_t receiver;
	cli_pair(w);
	receiver = CLI_START(w, "bob", "recv", "--count", "2");
	assert_int_equal(CLI(w, "alice", "send", "bob", "one"), 0);
	assert_int_equal(CLI(w, "alice", "send", "bob", "two"), 0);
	assert_int_equal(cli_finish(w, "bob", receiver), 0);
	assert_string_equal(w->out, "alice: one\nalice: two\n");
	/* nobody writes a line in another's name */
	receiver = CLI_START(w, "bob", "recv", "--count", "2");
	assert_int_equal(CLI(w, "alice", "send", "bob", "one\ncarol: two\n"), 0);
	assert_int_equal(CLI(w, "alice", "send", "bob", "\n\nthree"), 0);
	assert_int_equal(cli_finish(w, "bob", receiver), 0);
	assert_string_equal(
		w->out, "alice: one\nalice: carol: two\n\nalice: \nalice: \nalice: three\n");
	receiver = CLI_START(w, "bob", "recv", "--count", "1", "--json");
	assert_int_equal(CLI(w, "alice", "send", "bob", "three"), 0);
	assert_int_equal(cli_finish(w, "bob", receiver), 0);
	assert_non_null(strstr(w->out, "\"data\":\"dGhyZWU=\""));
	assert_non_null(strstr(w->out, "\"text\":\"three\""));
	snprintf(dir, sizeof dir, "%s/inbox", w->dir);
	receiver = CLI_START(w, "bob", "recv", "--count", "1", "--out", dir);
	assert_int_equal(CLI(w, "alice", "send", "bob", "four"), 0);
	assert_int_equal(cli_finish(w, "bob", receiver), 0);
	w->out[strcspn(w->out, "\n")] = '\0';
	assert_memory_equal(w->out, dir, strlen(dir));
	assert_int_equal(stat(w->out, &st), 0);
	assert_int_equal(st.st_size, 4);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* Stored: nobody need be there, and what the relay does not take is never lost in silence. */
static void stored_messages_wait_for_the_recipient(void **state)
{
	struct cli_world *w = *state;
	cli_pair(w);
	assert_int_equal(CLI(w, "alice", "send", "bob", "one"), 0);
	assert_int_equal(CLI(w, "alice", "send", "bob", "two", "--ttl", "60"), 0);
	assert_int_equal(w->relay->stored[w->relay->stored_count - 1].ttl, 6); /* 64 minutes */
	assert_int_equal(CLI(w, "bob", "recv", "--count", "2"), 0);
	assert_string_equal(w->out, "alice: one\nalice: two\n");
	assert_int_equal(CLI(w, "bob", "recv", "--timeout", "1.5"), CHAPPE_ERR_TIMEOUT);
	assert_int_equal(w->relay->counts.received_wrong, 0);
	assert_int_equal(w->relay->counts.changed, 0);
}

static void send_waits_for_the_recipient_where_it_is_told_to(void **state)
{
	struct cli_world *w = *state;
	pid_t receiver;
	cli_pair(w);
	assert_int_equal(CLI(w, "alice", "send", "bob", "four", "--wait", "--timeout", "1.5"),
		CHAPPE_ERR_NOT_ACKNOWLEDGED);
	assert_non_null(strstr(w->err, "keeps it"));
	receiver = CLI_START(w, "bob", "recv", "--follow", "--ack-within", "1");
	assert_int_equal(CLI(w, "alice", "send", "bob", "five", "--wait"), 0);
	kill(receiver, SIGTERM);
	assert_int_equal(cli_finish(w, "bob", receiver), -1);
	assert_string_equal(w->out, "alice: four\nalice: five\n");
}

static void a_receiver_sends_stored_messages_for_others(void **state)
{
	struct cli_world *w = *state;
	pid_t alice;
	cli_pair(w);
	alice = CLI_START(w, "alice", "recv", "--follow");
	cli_serve(w, 200);
	assert_int_equal(CLI(w, "alice", "recv"), CHAPPE_ERR_LOCKED);
	assert_int_equal(CLI(w, "alice", "send", "bob", "handed over"), 0);
	w->relay->no_store = true;
	assert_int_equal(
		CLI(w, "alice", "send", "bob", "x", "--timeout", "1.5"), CHAPPE_ERR_NOT_ACCEPTED);
	w->relay->no_store = false;
	kill(alice, SIGTERM);
	(void)cli_finish(w, "alice", alice);
	assert_int_equal(CLI(w, "bob", "recv", "--count", "1"), 0);
	assert_string_equal(w->out, "handed over");
	assert_int_equal(CLI(w, "alice", "send", "bob", "y"), 0); /* and x, which was kept */
	assert_int_equal(CLI(w, "bob", "recv", "--count", "2"), 0);
	assert_string_equal(w->out, "alice: x\nalice: y\n");
}

static void a_contact_is_made_while_the_other_is_away(void **state)
{
	struct cli_world *w = *state;
	char text[2048], link[2048];
	cli_invitation(w, text);
	assert_int_equal(CLI(w, "alice", "join", text), 0);
	cli_invitation(w, text);
	assert_int_equal(CLI(w, "bob", "join", text), 0);
	assert_int_equal(CLI(w, "alice", "contact", "new", "bob"), 0);
	snprintf(link, sizeof link, "%.*s", (int)strcspn(w->out, "\n"), w->out);
	assert_int_equal(CLI(w, "bob", "contact", "add", "alice", link, "--wait", "1"), 0);
	assert_non_null(strstr(w->err, "You can send already"));
	assert_int_equal(CLI(w, "bob", "send", "alice", "hello"), 0);
	assert_int_equal(CLI(w, "alice", "recv", "--count", "1"), 0);
	assert_string_equal(w->out, "hello");
	assert_int_equal(CLI(w, "alice", "contact", "list"), 0);
	assert_non_null(strstr(w->out, "ready"));
	assert_int_equal(CLI(w, "alice", "send", "bob", "you too"), 0);
	assert_int_equal(CLI(w, "bob", "recv", "--count", "1"), 0);
	assert_string_equal(w->out, "you too");
	assert_int_equal(CLI(w, "bob", "contact", "list"), 0);
	assert_non_null(strstr(w->out, "ready"));
}

/* The program of docs/api.md. */
static void the_example_of_the_documentation_works(void **state)
{
	struct cli_world *w = *state;
	cli_pair(w);
	w->program = CHAPPE_EXAMPLE;
	assert_int_equal(CLI(w, "alice", "bob"), CHAPPE_ERR_USAGE);
	assert_int_equal(CLI(w, "alice", "carol", "x"), CHAPPE_ERR_NO_CONTACT);
	assert_int_equal(CLI(w, "nobody", "bob", "x"), CHAPPE_ERR_NOT_JOINED);
	assert_int_equal(CLI(w, "alice", "bob", "from an application"), 0);
	w->relay->lose_accepted = 3; /* it waits, and prints what comes meanwhile */
	assert_int_equal(CLI(w, "bob", "alice", "to an application"), 0);
	assert_string_equal(w->out, "alice: from an application\n");
	w->program = NULL;
	assert_int_equal(CLI(w, "alice", "recv", "--timeout", "20"), 0);
	assert_string_equal(w->out, "bob: to an application\n");
}

static void send_tells_why_it_did_not_get_through(void **state)
{
	struct cli_world *w = *state;
	cli_pair(w);
	assert_int_equal(CLI(w, "alice", "send", "bob", "hello?", "--live", "--timeout", "1.5"),
		CHAPPE_ERR_NOT_ACKNOWLEDGED);
	assert_int_equal(CLI(w, "alice", "send", "carol", "x"), CHAPPE_ERR_NO_CONTACT);
	assert_int_equal(CLI(w, "alice", "contact", "new", "carol"), 0);
	assert_int_equal(CLI(w, "alice", "send", "carol", "x", "--timeout", "1.5"),
		CHAPPE_ERR_CONTACT_NOT_READY);
	assert_int_equal(CLI(w, "bob", "recv", "--timeout", "1.5"), CHAPPE_ERR_TIMEOUT);
	w->relay->down = true;
	assert_int_equal(CLI(w, "alice", "send", "bob", "x", "--live", "--timeout", "1.5"),
		CHAPPE_ERR_UNREACHABLE);
}

/* What could not be written is not acknowledged: the sender hears about it. */
static void a_message_that_could_not_be_written_is_not_acknowledged(void **state)
{
	struct cli_world *w = *state;
	pid_t receiver;
	cli_pair(w);
	receiver = cli_start(
		w, "bob", "/dev/full", (const char *const[]){ "recv", "--count", "1", NULL });
	/* long enough for the receiver to come up on a busy machine */
	assert_int_equal(CLI(w, "alice", "send", "bob", "lost?", "--live", "--timeout", "5"),
		CHAPPE_ERR_NOT_ACKNOWLEDGED);
	assert_int_equal(cli_finish(w, "bob", receiver), CHAPPE_ERR_INTERNAL);
	assert_non_null(strstr(w->err, "can't write"));
}

static void a_process_that_receives_sends_for_others(void **state)
{
	struct cli_world *w = *state;
	static char large[100001];
	pid_t alice, bob;
	cli_pair(w);
	memset(large, 'x', sizeof large - 1);
	alice = CLI_START(w, "alice", "recv", "--follow");
	bob = CLI_START(w, "bob", "recv", "--count", "2", "--from", "alice");
	cli_serve(w, 200);
	/* alice's directory is taken: her second process is served by the first */
	assert_int_equal(CLI(w, "alice", "recv"), CHAPPE_ERR_LOCKED);
	pid_t sender = cli_start(w, "alice", NULL,
		(const char *const[]){ "send", "bob", "by the other process", "--live", NULL });
	assert_int_equal(cli_finish(w, "alice", sender), 0);
	assert_int_equal(CLI(w, "alice", "send", "nobody", "x"), CHAPPE_ERR_NO_CONTACT);
	assert_int_equal(CLI(w, "alice", "send", "bob", large, "--live"), 0);
	assert_int_equal(cli_finish(w, "bob", bob), 0);
	assert_memory_equal(w->out, "by the other process\nxxx", 24);
	assert_int_equal(w->out_len, 21 + sizeof large);
	assert_int_equal(CLI(w, "alice", "send", "bob", "x", "--live", "--timeout", "1.5"),
		CHAPPE_ERR_NOT_ACKNOWLEDGED);
	/* one that hangs does not make the others hang */
	kill(alice, SIGSTOP);
	assert_int_equal(CLI(w, "alice", "send", "bob", "x", "--live", "--timeout", "1.5"),
		CHAPPE_ERR_LOCKED);
	kill(alice, SIGKILL);
	assert_int_equal(cli_finish(w, "alice", alice), -1);
	/* what it left behind is in nobody's way */
	assert_int_equal(CLI(w, "alice", "send", "bob", "x", "--live", "--timeout", "1.5"),
		CHAPPE_ERR_NOT_ACKNOWLEDGED);
}

static void a_revoked_contact_does_not_get_through(void **state)
{
	struct cli_world *w = *state;
	unsigned int routes = 0;
	pid_t receiver;
	cli_pair(w);
	assert_int_equal(CLI(w, "bob", "contact", "revoke", "alice"), 0);
	for (int i = 0; i < PEER_ROUTES; i++)
		routes += w->relay->routes[i].used;
	assert_int_equal(routes, 1); /* alice's own */
	receiver = CLI_START(w, "bob", "recv", "--timeout", "1");
	assert_int_equal(CLI(w, "alice", "send", "bob", "x", "--live", "--timeout", "1.5"),
		CHAPPE_ERR_NOT_ACKNOWLEDGED);
	assert_int_equal(cli_finish(w, "bob", receiver), CHAPPE_ERR_TIMEOUT);
	assert_int_equal(
		CLI(w, "alice", "send", "bob", "x", "--timeout", "1.5"), CHAPPE_ERR_NOT_ACCEPTED);
	assert_int_equal(CLI(w, "bob", "contact", "list"), 0);
	assert_string_equal(w->out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, cli_setup, cli_teardown)
		T(wrong_usage_is_told_apart),
		T(help_lists_every_exit_status),
		T(each_refusal_has_its_exit_status),
		T(a_relay_that_is_not_there_is_unreachable_and_joined_later),
		T(both_see_the_same_digits),
		T(one_message_comes_out_byte_for_byte),
		T(messages_come_as_lines_as_json_and_as_files),
		T(stored_messages_wait_for_the_recipient),
		T(send_waits_for_the_recipient_where_it_is_told_to),
		T(a_receiver_sends_stored_messages_for_others),
		T(a_contact_is_made_while_the_other_is_away),
		T(the_example_of_the_documentation_works),
		T(send_tells_why_it_did_not_get_through),
		T(a_message_that_could_not_be_written_is_not_acknowledged),
		T(a_process_that_receives_sends_for_others),
		T(a_revoked_contact_does_not_get_through),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
