#include "src/cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINGER_QUIET_MS = 250, LINGER_MAX_MS = 3000, OPEN_WAIT_MS = 1000, OPEN_PAUSE_MS = 20 };
enum { SETTLE_OWED_MS = 5000, SETTLE_MAX_MS = 60000 };

enum chappe_error cli_fail(const struct cli *cli, enum chappe_error error, const char *detail)
{
	(void)cli;
	fprintf(stderr, "chappe: %s", chappe_strerror(error));
	if (detail && *detail)
		fprintf(stderr, ": %s", detail);
	fputc('\n', stderr);
	return error;
}

enum chappe_error cli_usage(const struct cli *cli, const char *command, const char *detail)
{
	(void)cli;
	if (detail)
		fprintf(stderr, "chappe: %s\n", detail);
	fprintf(stderr, "Try: chappe help%s%s\n", command ? " " : "", command ? command : "");
	return CHAPPE_ERR_USAGE;
}

int64_t cli_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool cli_parse_seconds(const char *text, int *ms)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0) || seconds > 1e6)
		return false;
	*ms = (int)(seconds * 1000);
	return true;
}

enum chappe_error cli_read_all(FILE *file, size_t max, char **data, size_t *len)
{
	char *bytes = malloc(max + 1);

	if (!bytes)
		return CHAPPE_ERR_NO_MEMORY;
	*len = fread(bytes, 1, max + 1, file);
	if (ferror(file) || *len > max) {
		free(bytes);
		return ferror(file) ? CHAPPE_ERR_INTERNAL : CHAPPE_ERR_TOO_LARGE;
	}
	*data = bytes;
	return CHAPPE_OK;
}

const char *cli_contact_state(enum chappe_contact_state state)
{
	switch (state) {
	case CHAPPE_CONTACT_CREATING:
		return "creating";
	case CHAPPE_CONTACT_INVITED:
		return "invited";
	case CHAPPE_CONTACT_GREETING:
		return "greeting";
	case CHAPPE_CONTACT_READY:
		return "ready";
	case CHAPPE_CONTACT_REVOKING:
		return "revoking";
	case CHAPPE_CONTACT_GREETED:
		return "greeted";
	}
	return "unknown";
}

/* ---- Events ---- */

static void report(const struct cli *cli, const struct chappe_event *event)
{
	if (cli->quiet)
		return;
	if (event->contact)
		fprintf(stderr, "chappe: %s: %s\n", event->contact, chappe_strerror(event->error));
	else
		fprintf(stderr, "chappe: %s\n", chappe_strerror(event->error));
}

/* A command that takes no messages leaves them with their sender, who repeats them. */
static int on_event(void *context, const struct chappe_event *event)
{
	struct cli *cli = context;

	if (event->type == CHAPPE_EVENT_STATE) {
		cli->state = event->state;
		cli->state_error = event->error;
		cli->connected_once |= event->state == CHAPPE_STATE_CONNECTED;
	}
	if (event->type == CHAPPE_EVENT_ERROR)
		report(cli, event);
	if (cli->on_event)
		return cli->on_event(cli, event);
	return event->type == CHAPPE_EVENT_MESSAGE;
}

enum chappe_error cli_try_open(struct cli *cli)
{
	const struct chappe_options options = {
		.size = sizeof options,
		.directory = cli->directory,
		.on_event = on_event,
		.context = cli,
		.acknowledge_within_s = cli->acknowledge_within_s,
	};
	enum chappe_error error = chappe_open(&options, &cli->chappe);

	return error && error != CHAPPE_ERR_LOCKED ? cli_fail(cli, error, cli->directory) : error;
}

enum chappe_error cli_open(struct cli *cli)
{
	int64_t until = cli_now_ms() + OPEN_WAIT_MS;
	enum chappe_error error = cli_try_open(cli);

	while (error == CHAPPE_ERR_LOCKED && cli_now_ms() < until) {
		poll(NULL, 0, OPEN_PAUSE_MS);
		error = cli_try_open(cli);
	}
	return error == CHAPPE_ERR_LOCKED ? cli_fail(cli, error, cli->directory) : error;
}

/* ---- Waiting ---- */

static int shorter(int a, int b)
{
	if (a < 0)
		return b;
	return b < 0 || a < b ? a : b;
}

static void turn(struct cli *cli, int timeout_ms)
{
	struct pollfd fds[1 + CLI_WATCH_MAX] = { { .fd = chappe_fd(cli->chappe),
		.events = POLLIN } };
	int count = 0;

	if (cli->watch) {
		int64_t left = cli->watch->deadline_ms(cli->watch->context) - cli_now_ms();
		count = cli->watch->fill(cli->watch->context, fds + 1);
		if (left < INT_MAX)
			timeout_ms = shorter(timeout_ms, left > 0 ? (int)left : 0);
	}
	poll(fds, (nfds_t)(1 + count), shorter(timeout_ms, chappe_timeout_ms(cli->chappe)));
	chappe_process(cli->chappe);
	if (cli->watch)
		cli->watch->ready(cli->watch->context, fds + 1, count);
}

static enum chappe_error why_late(const struct cli *cli, enum chappe_error late)
{
	if (cli->state == CHAPPE_STATE_CONNECTED)
		return late;
	return cli->state_error ? cli->state_error : CHAPPE_ERR_UNREACHABLE;
}

enum chappe_error cli_wait(struct cli *cli, bool (*done)(const struct cli *cli), int timeout_ms,
	enum chappe_error late)
{
	int64_t until = cli_now_ms() + timeout_ms;
	enum chappe_error error = chappe_connect(cli->chappe);

	if (error)
		return error;
	while (!done(cli)) {
		int64_t left = until - cli_now_ms();
		if (cli->state == CHAPPE_STATE_REFUSED)
			return cli->state_error;
		if (timeout_ms >= 0 && left <= 0)
			return why_late(cli, late);
		turn(cli, timeout_ms < 0 ? -1 : (int)left);
	}
	return CHAPPE_OK;
}

void cli_linger(struct cli *cli)
{
	int64_t end = cli_now_ms() + LINGER_MAX_MS, quiet = cli_now_ms() + LINGER_QUIET_MS;
	uint64_t received = 0;
	struct chappe_status status;

	while (cli_now_ms() < end && cli_now_ms() < quiet) {
		turn(cli, (int)(quiet - cli_now_ms()));
		chappe_get_status(cli->chappe, &status);
		if (status.counters.datagrams_received != received)
			quiet = cli_now_ms() + LINGER_QUIET_MS;
		received = status.counters.datagrams_received;
	}
}

static void count(void *context, const struct chappe_outbox_message *message)
{
	(void)message;
	++*(size_t *)context;
}

/* One that the relay does not take holds nobody up: an outbox that has not become shorter for a
 * moment is left to the next process. */
void cli_settle(struct cli *cli)
{
	int64_t owed_until = cli_now_ms() + SETTLE_OWED_MS, end = cli_now_ms() + SETTLE_MAX_MS;
	int64_t quiet = cli_now_ms() + LINGER_QUIET_MS;
	size_t before = SIZE_MAX;

	while (cli->state == CHAPPE_STATE_CONNECTED) {
		struct chappe_status status;
		size_t waiting = 0;
		int64_t now = cli_now_ms(), until;
		chappe_get_status(cli->chappe, &status);
		chappe_outbox_each(cli->chappe, count, &waiting);
		if (waiting < before)
			quiet = now + LINGER_QUIET_MS;
		before = waiting;
		until = waiting ? quiet < end ? quiet : end : now;
		if (status.acknowledgements_owed && owed_until > until)
			until = owed_until;
		if (until <= now)
			return;
		turn(cli, (int)(until - now));
	}
}
