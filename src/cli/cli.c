#include "src/cli/handover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OPEN_WAIT_MS = 1000, OPEN_PAUSE_MS = 20, BORROW_WAIT_MS = 5000, REOPEN_WAIT_MS = 60000 };

/* What is about the directory, and what to do. */
static void print_directory(const struct cli *cli, enum chappe_error error, int why)
{
	switch (error) {
	case CHAPPE_ERR_STORAGE:
		fprintf(stderr, ": %s: %s", cli->directory, strerror(why));
		break;
	case CHAPPE_ERR_LOCKED:
		fprintf(stderr, ", %s: try again when that has ended", cli->directory);
		break;
	case CHAPPE_ERR_DAMAGED:
		fprintf(stderr, ", %s: restore it, or join anew with another directory",
			cli->directory);
		break;
	case CHAPPE_ERR_NOT_JOINED:
		fprintf(stderr, " (its directory is %s)", cli->directory);
		break;
	default:
		break;
	}
}

enum chappe_error cli_fail(const struct cli *cli, enum chappe_error error, const char *detail)
{
	int why = cli->storage_errno ? cli->storage_errno : errno;

	fprintf(stderr, "chappe: %s", chappe_strerror(error));
	print_directory(cli, error, why);
	if (detail && *detail)
		fprintf(stderr, ": %s", detail);
	fputc('\n', stderr);
	return error;
}

enum chappe_error cli_fail_reading(const struct cli *cli, enum chappe_error error, const char *what)
{
	if (error != CHAPPE_ERR_INTERNAL)
		return cli_fail(cli, error, what);
	fprintf(stderr, "chappe: can't read %s: %s\n", what, strerror(errno));
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

/* A command that takes no messages leaves them with their sender, who repeats them. */
static int on_event(void *context, const struct chappe_event *event)
{
	struct cli *cli = context;

	if (event->type == CHAPPE_EVENT_STATE) {
		cli->state = event->state;
		cli->state_error = event->error;
		cli->connected_once |= event->state == CHAPPE_STATE_CONNECTED;
	}
	if (event->error == CHAPPE_ERR_STORAGE)
		cli->storage_errno = errno;
	if (event->type == CHAPPE_EVENT_ERROR)
		cli_fail(cli, event->error, event->contact);
	if (cli->on_event)
		return cli->on_event(cli, event);
	return event->type == CHAPPE_EVENT_MESSAGE;
}

/* ---- The directory ---- */

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

	return error && error != CHAPPE_ERR_LOCKED ? cli_fail(cli, error, NULL) : error;
}

static enum chappe_error open_within(struct cli *cli, int wait_ms, bool borrow)
{
	int64_t until = cli_now_ms() + wait_ms;
	enum chappe_error error = cli_try_open(cli);

	while (error == CHAPPE_ERR_LOCKED && cli_now_ms() < until && !cli_interrupted()) {
		int lent = borrow ? handover_borrow(cli, BORROW_WAIT_MS) : -1;
		if (lent < 0)
			cli_poll(NULL, 0, OPEN_PAUSE_MS);
		error = cli_try_open(cli);
		if (lent >= 0 && error)
			close(lent);
		else if (lent >= 0)
			cli->borrowed = lent;
	}
	return error == CHAPPE_ERR_LOCKED ? cli_fail(cli, error, NULL) : error;
}

enum chappe_error cli_open_new(struct cli *cli)
{
	return open_within(cli, OPEN_WAIT_MS, true);
}

bool cli_has_directory(const struct cli *cli)
{
	return access(cli->directory, F_OK) == 0 || errno != ENOENT;
}

static enum chappe_error open_joined(struct cli *cli, bool borrow)
{
	enum chappe_error error;

	if (!cli_has_directory(cli))
		return cli_fail(cli, CHAPPE_ERR_NOT_JOINED, NULL);
	error = open_within(cli, OPEN_WAIT_MS, borrow);
	if (!error && !chappe_joined(cli->chappe))
		error = cli_fail(cli, CHAPPE_ERR_NOT_JOINED, NULL);
	return error;
}

enum chappe_error cli_open(struct cli *cli)
{
	return open_joined(cli, true);
}

enum chappe_error cli_open_to_stay(struct cli *cli)
{
	return open_joined(cli, false);
}

void cli_close(struct cli *cli)
{
	chappe_close(cli->chappe);
	cli->chappe = NULL;
	cli->state = CHAPPE_STATE_OFFLINE;
	cli->state_error = CHAPPE_OK;
	if (cli->borrowed)
		close(cli->borrowed);
	cli->borrowed = 0;
}

void cli_reopen(struct cli *cli)
{
	enum chappe_error error;

	if (cli_interrupted())
		return;
	error = open_within(cli, REOPEN_WAIT_MS, false);
	if (!error && chappe_connect(cli->chappe))
		cli_close(cli);
}
