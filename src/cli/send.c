#include "src/cli/cli.h"
#include "src/cli/handover.h"

#include <errno.h>
#include <getopt.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SEND_TIMEOUT_MS = 30000, WAIT_TIMEOUT_MS = 300000, LOCK_PAUSE_MS = 50 };

enum {
	ACCEPT_WITHIN_S = 7 * 24 * 3600, /* it is for us to say when time is up */
};

struct send_command {
	const char *name;
	const char *data;
	size_t len;
	struct cli_sending sending;
	struct cli_sent sent;
	enum chappe_error failed;
};

/* ---- One message ---- */

enum chappe_error cli_queue(const struct cli *cli, const char *name, const void *data, size_t len,
	const struct cli_sending *sending, struct cli_sent *sent)
{
	const struct chappe_send_options options = {
		.size = sizeof options,
		.kind = sending->live ? CHAPPE_LIVE : CHAPPE_STORED,
		.ttl_minutes = sending->ttl_minutes,
		.accept_within_s = ACCEPT_WITHIN_S,
	};
	enum chappe_error error =
		chappe_send_with(cli->chappe, name, data, len, &options, &sent->message);

	sent->queued = error == CHAPPE_OK;
	return error;
}

void cli_sent_note(struct cli_sent *sent, const struct chappe_event *event)
{
	if (!sent->queued || event->message != sent->message)
		return;
	if (event->type == CHAPPE_EVENT_ACCEPTED)
		sent->accepted = true;
	else if (event->type == CHAPPE_EVENT_ACKNOWLEDGED)
		sent->acknowledged = true;
	else if (event->type == CHAPPE_EVENT_NOT_ACCEPTED)
		sent->refused = true;
}

bool cli_sent_done(const struct cli_sent *sent, const struct cli_sending *sending)
{
	return sent->acknowledged || (sent->accepted && !sending->wait);
}

static bool is_kept(const struct cli_sent *sent, const struct cli_sending *sending)
{
	return sent->queued && !sending->live && !sent->accepted;
}

enum chappe_error cli_sent_late(
	const struct cli *cli, const struct cli_sent *sent, const struct cli_sending *sending)
{
	bool kept = is_kept(sent, sending);

	if (kept && cli_interrupted())
		return CHAPPE_ERR_KEPT;
	if (cli->state != CHAPPE_STATE_CONNECTED) {
		if (kept && cli->state != CHAPPE_STATE_REFUSED)
			return CHAPPE_ERR_KEPT;
		return cli->state_error ? cli->state_error : CHAPPE_ERR_UNREACHABLE;
	}
	if (!sent->queued)
		return CHAPPE_ERR_CONTACT_NOT_READY;
	return kept ? CHAPPE_ERR_NOT_ACCEPTED : CHAPPE_ERR_NOT_ACKNOWLEDGED;
}

/* ---- The command ---- */

/* A contact that has not said hello yet may do so while we wait. */
static void try_to_queue(struct cli *cli)
{
	struct send_command *command = cli->command;
	enum chappe_error error = cli_queue(
		cli, command->name, command->data, command->len, &command->sending, &command->sent);

	if (error && error != CHAPPE_ERR_CONTACT_NOT_READY)
		command->failed = error;
}

static int on_event(struct cli *cli, const struct chappe_event *event)
{
	struct send_command *command = cli->command;

	if (event->contact && strcmp(event->contact, command->name) == 0) {
		cli_sent_note(&command->sent, event);
		if (command->sent.refused)
			command->failed = CHAPPE_ERR_NOT_ACCEPTED;
		if (event->type == CHAPPE_EVENT_CONTACT_READY && !command->sent.queued)
			try_to_queue(cli);
	}
	return event->type == CHAPPE_EVENT_MESSAGE;
}

static bool is_done(const struct cli *cli)
{
	const struct send_command *command = cli->command;
	return command->failed || cli_sent_done(&command->sent, &command->sending);
}

/* The contact's name where the error is about the contact; and what has become of the message. */
static enum chappe_error fail_about(
	const struct cli *cli, enum chappe_error error, const struct send_command *command)
{
	bool about = error == CHAPPE_ERR_NO_CONTACT || error == CHAPPE_ERR_CONTACT_NOT_READY ||
		     error == CHAPPE_ERR_NOT_ACKNOWLEDGED || error == CHAPPE_ERR_KEY_REFUSED ||
		     error == CHAPPE_ERR_NOT_ACCEPTED || error == CHAPPE_ERR_KEPT;

	if (error == CHAPPE_ERR_KEPT && cli->chappe && cli->state != CHAPPE_STATE_CONNECTED)
		cli_fail(cli, cli->state_error ? cli->state_error : CHAPPE_ERR_UNREACHABLE, NULL);
	cli_fail(cli, error, about ? command->name : NULL);
	if (is_kept(&command->sent, &command->sending) && error != CHAPPE_ERR_KEPT &&
		error != CHAPPE_ERR_NOT_ACCEPTED)
		cli_fail(cli, CHAPPE_ERR_KEPT, command->name);
	if (command->sent.accepted)
		fprintf(stderr, "chappe: the relay has the message and keeps it for %s\n",
			command->name);
	else if (error == CHAPPE_ERR_LOCKED || error == CHAPPE_ERR_CONTACT_NOT_READY ||
		 error == CHAPPE_ERR_STORAGE)
		fputs("chappe: the message is not sent\n", stderr);
	return error;
}

/* Either this process gets the directory, or the one that has it sends for us. */
static enum chappe_error open_or_hand_over(
	struct cli *cli, const struct send_command *command, int64_t until_ms, bool *handed)
{
	for (;;) {
		enum chappe_error error = cli_try_open(cli);
		int64_t left = until_ms - cli_now_ms();
		*handed = false;
		if (error != CHAPPE_ERR_LOCKED)
			return error;
		error = handover_send(cli, command->name, command->data, command->len,
			&command->sending, left > 0 ? (int)left : 0, handed);
		if (*handed || left <= 0 || cli_interrupted())
			return error ? fail_about(cli, error, command) : CHAPPE_OK;
		cli_poll(NULL, 0, LOCK_PAUSE_MS);
	}
}

static enum chappe_error send_message(struct cli *cli, struct send_command *command, int timeout_ms)
{
	bool handed;
	enum chappe_error error;

	if (!cli_has_directory(cli))
		return cli_fail(cli, CHAPPE_ERR_NOT_JOINED, NULL);
	error = open_or_hand_over(cli, command, cli_now_ms() + timeout_ms, &handed);
	if (error || handed)
		return error;
	if (!chappe_joined(cli->chappe))
		return cli_fail(cli, CHAPPE_ERR_NOT_JOINED, NULL);
	cli->command = command;
	cli->on_event = on_event;
	try_to_queue(cli);
	error = command->failed;
	if (!error)
		error = cli_wait(cli, is_done, timeout_ms, CHAPPE_ERR_TIMEOUT);
	if (error)
		error = command->failed ? command->failed
					: cli_sent_late(cli, &command->sent, &command->sending);
	else
		error = command->failed;
	if (!error)
		cli_settle(cli);
	return error ? fail_about(cli, error, command) : CHAPPE_OK;
}

static enum chappe_error read_file(const char *path, char **data, size_t *len)
{
	FILE *file = path ? fopen(path, "rb") : stdin;
	enum chappe_error error;

	if (!file)
		return CHAPPE_ERR_USAGE;
	error = cli_read_all(file, CHAPPE_MESSAGE_MAX_BYTES, data, len);
	if (path)
		fclose(file);
	return error;
}

static bool parse_minutes(const char *text, uint32_t *minutes)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	*minutes = (uint32_t)number;
	return *text >= '1' && *text <= '9' && !*end && number <= UINT32_C(1) << 31;
}

struct send_arguments {
	const char *path;
	int timeout_ms; /* -1: as the kind has it */
};

static enum chappe_error parse_options(struct cli *cli, int argc, char **argv,
	struct send_command *command, struct send_arguments *arguments)
{
	static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
		{ "file", required_argument, NULL, 'f' }, { "live", no_argument, NULL, 'l' },
		{ "stored", no_argument, NULL, 's' }, { "wait", no_argument, NULL, 'w' },
		{ "ttl", required_argument, NULL, 'm' }, { 0 } };
	struct cli_sending *sending = &command->sending;
	int option, kind = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'f')
			arguments->path = optarg;
		else if (option == 'l' || option == 's')
			kind = option;
		else if (option == 'w')
			sending->wait = true;
		else if (option == 't' && !cli_parse_seconds(optarg, &arguments->timeout_ms))
			return cli_usage(cli, "send", "--timeout needs seconds");
		else if (option == 'm' && !parse_minutes(optarg, &sending->ttl_minutes))
			return cli_usage(cli, "send", "--ttl needs a number of minutes");
		else if (option == '?')
			return cli_usage(cli, "send", NULL);
	}
	sending->live = kind == 'l';
	if (sending->live && (sending->ttl_minutes || sending->wait))
		return cli_usage(cli, "send",
			"--live waits for the recipient anyway, and nothing keeps the message: "
			"neither --wait nor --ttl goes with it");
	if (arguments->timeout_ms < 0)
		arguments->timeout_ms = sending->wait ? WAIT_TIMEOUT_MS : SEND_TIMEOUT_MS;
	if (optind == argc || argc - optind > 2 || (arguments->path && argc - optind > 1))
		return cli_usage(cli, "send", "send needs a contact and one message");
	return CHAPPE_OK;
}

enum chappe_error cli_send(struct cli *cli, int argc, char **argv)
{
	struct send_command command = { 0 };
	struct send_arguments arguments = { .timeout_ms = -1 };
	char *data = NULL;
	enum chappe_error error = parse_options(cli, argc, argv, &command, &arguments);

	if (error)
		return error;
	command.name = argv[optind];
	if (strlen(command.name) > CHAPPE_NAME_MAX_BYTES)
		return cli_fail(cli, CHAPPE_ERR_NO_CONTACT, command.name);
	if (argc - optind == 2 && strcmp(argv[optind + 1], "-") != 0) {
		command.data = argv[optind + 1];
		command.len = strlen(command.data);
	} else {
		const char *path = arguments.path;
		error = read_file(path, &data, &command.len);
		if (error == CHAPPE_ERR_USAGE) {
			fprintf(stderr, "chappe: %s: %s\n", path, strerror(errno));
			return error;
		}
		if (error)
			return cli_fail_reading(cli, error, path ? path : "standard input");
		command.data = data;
	}
	error = send_message(cli, &command, arguments.timeout_ms);
	if (data) {
		sodium_memzero(data, command.len);
		free(data);
	}
	return error;
}
