#include "src/cli.h"
#include "src/cli_handover.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SEND_TIMEOUT_MS = 30000, LOCK_PAUSE_MS = 50 };

struct send_command {
	const char *name;
	const char *data;
	size_t len;
	bool queued, acknowledged;
	uint64_t message;
	enum chappe_error failed;
};

/* A contact that has not said hello yet may do so while we wait. */
static void try_to_queue(struct cli *cli)
{
	struct send_command *command = cli->command;
	enum chappe_error error = chappe_send(
		cli->chappe, command->name, command->data, command->len, &command->message);

	if (!error)
		command->queued = true;
	else if (error != CHAPPE_ERR_CONTACT_NOT_READY)
		command->failed = error;
}

static int on_event(struct cli *cli, const struct chappe_event *event)
{
	struct send_command *command = cli->command;
	bool ours = event->contact && strcmp(event->contact, command->name) == 0;

	if (ours && event->type == CHAPPE_EVENT_ACKNOWLEDGED && command->queued &&
		event->message == command->message)
		command->acknowledged = true;
	if (ours && event->type == CHAPPE_EVENT_CONTACT_READY && !command->queued)
		try_to_queue(cli);
	return event->type == CHAPPE_EVENT_MESSAGE;
}

static bool is_done(const struct cli *cli)
{
	const struct send_command *command = cli->command;
	return command->acknowledged || command->failed;
}

/* The contact's name where the error is about the contact. */
static enum chappe_error fail_about(
	const struct cli *cli, enum chappe_error error, const char *name)
{
	bool about = error == CHAPPE_ERR_NO_CONTACT || error == CHAPPE_ERR_CONTACT_NOT_READY ||
		     error == CHAPPE_ERR_NOT_ACKNOWLEDGED || error == CHAPPE_ERR_KEY_REFUSED;

	return cli_fail(cli, error, about ? name : NULL);
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
			left > 0 ? (int)left : 0, handed);
		if (*handed || left <= 0)
			return error ? fail_about(cli, error, command->name) : CHAPPE_OK;
		poll(NULL, 0, LOCK_PAUSE_MS);
	}
}

static enum chappe_error send_message(struct cli *cli, struct send_command *command, int timeout_ms)
{
	bool handed;
	enum chappe_error error =
		open_or_hand_over(cli, command, cli_now_ms() + timeout_ms, &handed);

	if (error || handed)
		return error;
	cli->command = command;
	cli->on_event = on_event;
	try_to_queue(cli);
	error = command->failed;
	if (!error)
		error = cli_wait(cli, is_done, timeout_ms,
			command->queued ? CHAPPE_ERR_NOT_ACKNOWLEDGED
					: CHAPPE_ERR_CONTACT_NOT_READY);
	if (!error)
		error = command->failed;
	return error ? fail_about(cli, error, command->name) : CHAPPE_OK;
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

enum chappe_error cli_send(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
		{ "file", required_argument, NULL, 'f' }, { 0 } };
	struct send_command command = { 0 };
	const char *path = NULL;
	char *data = NULL;
	int option, timeout_ms = SEND_TIMEOUT_MS;
	enum chappe_error error;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'f')
			path = optarg;
		else if (option != 't' || !cli_parse_seconds(optarg, &timeout_ms))
			return cli_usage(
				cli, "send", option == 't' ? "--timeout needs seconds" : NULL);
	}
	if (optind == argc || argc - optind > 2 || (path && argc - optind > 1))
		return cli_usage(cli, "send", "send needs a contact and one message");
	command.name = argv[optind];
	if (strlen(command.name) > CHAPPE_NAME_MAX_BYTES)
		return cli_fail(cli, CHAPPE_ERR_NO_CONTACT, command.name);
	if (argc - optind == 2 && strcmp(argv[optind + 1], "-") != 0) {
		command.data = argv[optind + 1];
		command.len = strlen(command.data);
	} else {
		error = read_file(path, &data, &command.len);
		if (error == CHAPPE_ERR_USAGE) {
			fprintf(stderr, "chappe: %s: %s\n", path, strerror(errno));
			return error;
		}
		if (error)
			return cli_fail(cli, error, path ? path : "standard input");
		command.data = data;
	}
	error = send_message(cli, &command, timeout_ms);
	if (data) {
		sodium_memzero(data, command.len);
		free(data);
	}
	return error;
}
