/* What one process of a device leaves to the next, as people and scripts meet it: messages that the
 * relay has not accepted, and acknowledgements. */
#include "cli_world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void what_the_relay_does_not_store_is_never_lost_in_silence(void **state)
{
	struct cli_world *w = *state;
	cli_pair(w);
	w->relay->no_store = true;
	assert_int_equal(
		CLI(w, "alice", "send", "bob", "x", "--timeout", "1.5"), CHAPPE_ERR_NOT_ACCEPTED);
	assert_non_null(strstr(w->err, "bob"));
	w->relay->down = true;
	assert_int_equal(CLI(w, "alice", "send", "bob", "y", "--timeout", "1.5"), CHAPPE_ERR_KEPT);
	assert_non_null(strstr(w->err, "does not answer"));
	assert_int_equal(CLI(w, "alice", "outbox"), 0);
	assert_non_null(strstr(w->out, "480 bytes"));
	assert_int_equal(CLI(w, "alice", "outbox", "list", "--json"), 0);
	assert_non_null(strstr(w->out, "\"dropped\": false"));
	w->relay->down = w->relay->no_store = false;
	/* the next one takes them along */
	assert_int_equal(CLI(w, "alice", "send", "bob", "z"), 0);
	assert_int_equal(CLI(w, "alice", "outbox"), 0);
	assert_string_equal(w->out, "");
	assert_int_equal(CLI(w, "bob", "recv", "--count", "3", "--timeout", "20"), 0);
	assert_string_equal(w->out, "alice: x\nalice: y\nalice: z\n");
}

/* The number after the contact's name in the first line of a list. */
static void first_number(const struct cli_world *w, char number[24])
{
	assert_int_equal(sscanf(w->out, "%*s %23s", number), 1);
}

static void recv_takes_kept_messages_along_and_some_are_dropped(void **state)
{
	struct cli_world *w = *state;
	char number[24];
	cli_pair(w);
	w->relay->no_store = true;
	assert_int_equal(
		CLI(w, "alice", "send", "bob", "x", "--timeout", "1"), CHAPPE_ERR_NOT_ACCEPTED);
	assert_int_equal(
		CLI(w, "alice", "send", "bob", "y", "--timeout", "1"), CHAPPE_ERR_NOT_ACCEPTED);
	assert_int_equal(CLI(w, "alice", "outbox"), 0);
	first_number(w, number);
	assert_int_equal(CLI(w, "alice", "outbox", "drop", "bob"), CHAPPE_ERR_USAGE);
	assert_int_equal(CLI(w, "alice", "outbox", "drop", "bob", "x"), CHAPPE_ERR_USAGE);
	assert_int_equal(CLI(w, "alice", "outbox", "drop", "bob", "999"), CHAPPE_ERR_NO_MESSAGE);
	assert_int_equal(CLI(w, "alice", "outbox", "drop", "carol", "1"), CHAPPE_ERR_NO_CONTACT);
	assert_int_equal(CLI(w, "alice", "outbox", "drop", "bob", number), 0);
	assert_int_equal(CLI(w, "alice", "outbox", "drop", "bob", number), CHAPPE_ERR_NO_MESSAGE);
	assert_int_equal(CLI(w, "alice", "outbox"), 0);
	assert_non_null(strstr(w->out, "dropped"));
	w->relay->no_store = false;
	assert_int_equal(CLI(w, "alice", "recv", "--timeout", "1"), CHAPPE_ERR_TIMEOUT);
	assert_int_equal(CLI(w, "alice", "outbox"), 0);
	assert_string_equal(w->out, "");
	assert_int_equal(CLI(w, "bob", "recv", "--timeout", "20"), 0);
	assert_string_equal(w->out, "alice: y\n");
	assert_int_equal(CLI(w, "bob", "recv", "--timeout", "1"), CHAPPE_ERR_TIMEOUT);
}

/* Killed at once or a little later: what was taken is there, what was not is the person's. */
static void a_send_that_is_killed_sends_once_or_not_at_all(void **state)
{
	struct cli_world *w = *state;
	char number[24];
	cli_pair(w);
	w->relay->no_store = true;
	pid_t sender = CLI_START(w, "alice", "send", "bob", "killed");
	for (int i = 0; i < 500; i++) { /* until it lies in the outbox */
		char list[128];
		snprintf(list, sizeof list, "ls %s/alice | grep -q ^outbox-", w->dir);
		if (system(list) == 0) /* NOLINT(cert-env33-c): a test */
			break;
		cli_serve(w, 20);
	}
	kill(sender, SIGKILL);
	assert_int_equal(cli_finish(w, "alice", sender), -1);
	assert_int_equal(CLI(w, "alice", "outbox"), 0);
	first_number(w, number);
	w->relay->no_store = false;
	assert_int_equal(CLI(w, "alice", "send", "bob", "next"), 0);
	assert_int_equal(CLI(w, "bob", "recv", "--count", "2", "--timeout", "20"), 0);
	assert_string_equal(w->out, "alice: killed\nalice: next\n");
	assert_int_equal(w->relay->counts.changed, 0);
}

/* On a real disk, at whatever moment: what comes, comes once, in order and whole. */
static void sends_that_are_killed_at_random_come_once_and_in_order(void **state)
{
	enum { ROUNDS = 10 };
	struct cli_world *w = *state;
	char text[24], *line, *rest;
	int last = -1, count = 0;
	cli_pair(w);
	for (int round = 0; round < ROUNDS; round++) {
		snprintf(text, sizeof text, "%d", round);
		pid_t sender = CLI_START(w, "alice", "send", "bob", text);
		cli_serve(w, (int)randombytes_uniform(30));
		kill(sender, SIGKILL);
		(void)cli_finish(w, "alice", sender);
	}
	snprintf(text, sizeof text, "%d", ROUNDS);
	assert_int_equal(CLI(w, "alice", "send", "bob", text), 0);
	assert_int_equal(CLI(w, "alice", "outbox"), 0);
	assert_string_equal(w->out, "");
	for (int i = 0; i < 20 && last < ROUNDS; i++) { /* a busy machine takes its time */
		(void)CLI(w, "bob", "recv", "--count", "100", "--from", "alice", "--timeout", "3");
		for (line = strtok_r(w->out, "\n", &rest); line;
			line = strtok_r(NULL, "\n", &rest)) {
			assert_true(atoi(line) > last); /* NOLINT(cert-err34-c): else it is 0 */
			last = atoi(line);              /* NOLINT(cert-err34-c) */
			count++;
		}
	}
	print_message("%d of %d came\n", count, ROUNDS + 1);
	assert_int_equal(last, ROUNDS);
	assert_int_equal(w->relay->counts.changed, 0);
}

static unsigned int waits_for_alice(const struct cli_world *w)
{
	return (unsigned int)relay_peer_waiting(w->relay, 0);
}

/* A process that ends at once owes its acknowledgement to the next, whatever that does. */
static void what_one_process_owes_the_next_acknowledges(void **state)
{
	struct cli_world *w = *state;
	cli_pair(w);
	for (int next = 0; next < 2; next++) {
		assert_int_equal(CLI(w, "alice", "send", "bob", "one"), 0);
		assert_int_equal(CLI(w, "bob", "recv", "--count", "1"), 0);
		unsigned int before = waits_for_alice(w);
		if (next == 0)
			assert_int_equal(CLI(w, "bob", "send", "alice", "two"), 0);
		else
			assert_int_equal(
				CLI(w, "bob", "recv", "--timeout", "0.5"), CHAPPE_ERR_TIMEOUT);
		assert_int_equal(waits_for_alice(w), before + 2 - (unsigned)next);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, cli_setup, cli_teardown)
		T(what_the_relay_does_not_store_is_never_lost_in_silence),
		T(recv_takes_kept_messages_along_and_some_are_dropped),
		T(a_send_that_is_killed_sends_once_or_not_at_all),
		T(sends_that_are_killed_at_random_come_once_and_in_order),
		T(what_one_process_owes_the_next_acknowledges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
