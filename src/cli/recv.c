#include "src/cli/cli.h"
#include "src/cli/handover.h"
#include "src/cli/output.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct recv_command {
	const char *from;
	struct output output;
	uint64_t count, wanted; /* wanted 0: no limit */
	bool follow;
	bool failed; /* the output is gone */
	int noted;   /* enum chappe_error: what was last said of the connection */
	struct handover *handover;
};

/* ---- Events ---- */

/* Says what is new; that the directory was lent in between is nobody's matter. */
static void note_state(struct recv_command *command, const struct chappe_event *event)
{
	bool connected = event->state == CHAPPE_STATE_CONNECTED && event->error == CHAPPE_OK;

	if ((!connected && event->error == CHAPPE_OK) || (int)event->error == command->noted)
		return;
	command->noted = (int)event->error;
	fprintf(stderr, "chappe: %s\n", connected ? "connected" : chappe_strerror(event->error));
}

static int on_event(struct cli *cli, const struct chappe_event *event)
{
	struct recv_command *command = cli->command;
	int err;

	handover_event(command->handover, event);
	if (event->type == CHAPPE_EVENT_STATE && command->follow)
		note_state(command, event);
	if (event->type == CHAPPE_EVENT_NOT_ACCEPTED) /* one of an earlier process */
		fprintf(stderr, "chappe: %s: %s\n", event->contact, chappe_strerror(event->error));
	if (event->type == CHAPPE_EVENT_CONTACT_READY)
		fprintf(stderr, "chappe: %s is now a contact; compare: chappe contact verify %s\n",
			event->contact, event->contact);
	if (event->type != CHAPPE_EVENT_MESSAGE)
		return 0;
	if (command->failed || (command->wanted && command->count >= command->wanted) ||
		(command->from && strcmp(command->from, event->contact) != 0))
		return -EAGAIN;
	err = output_message(&command->output, event);
	if (err) {
		fprintf(stderr,
			"chappe: can't write the message: %s; it is not acknowledged and comes "
			"again\n",
			strerror(-err));
		command->failed = true;
		return err;
	}
	command->count++;
	return 0;
}

static bool is_done(const struct cli *cli)
{
	const struct recv_command *command = cli->command;

	if (command->failed)
		return true;
	if (command->wanted)
		return command->count >= command->wanted;
	return !command->follow && command->count > 0;
}

static enum chappe_error receive(struct cli *cli, struct recv_command *command, int timeout_ms)
{
	struct chappe_contact contact;
	enum chappe_error error = cli_open_to_stay(cli);

	if (error)
		return error;
	if (command->from && chappe_contact_get(cli->chappe, command->from, &contact))
		return cli_fail(cli, CHAPPE_ERR_NO_CONTACT, command->from);
	cli->command = command;
	cli->on_event = on_event;
	command->handover = handover_start(cli);
	error = cli_wait(cli, is_done, timeout_ms, CHAPPE_ERR_TIMEOUT);
	if (command->failed)
		error = CHAPPE_ERR_INTERNAL;
	else if (command->count > 0)
		cli_linger(cli);
	if (!command->failed)
		cli_settle(cli);
	handover_finish(command->handover);
	command->handover = NULL;
	if (error == CHAPPE_ERR_TIMEOUT && command->count > 0 && !command->wanted)
		return CHAPPE_OK;
	/* of the last two it was said already */
	if (error && !cli_interrupted() && !command->failed && cli->chappe)
		cli_fail(cli, error, NULL);
	return error;
}

static bool parse_count(const char *text, uint64_t *count)
{
	char *end;

	*count = strtoull(text, &end, 10);
	return *text >= '1' && *text <= '9' && !*end;
}

static bool parse_ack_within(const char *text, uint32_t *seconds)
{
	uint64_t number;
	bool ok = parse_count(text, &number) && number <= 3600;

	*seconds = ok ? (uint32_t)number : 0;
	return ok;
}

static bool make_directory(const char *path)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return true;
	fprintf(stderr, "chappe: --out %s: %s\n", path, strerror(errno));
	return false;
}

enum chappe_error cli_recv(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
		{ "count", required_argument, NULL, 'c' }, { "from", required_argument, NULL, 'n' },
		{ "out", required_argument, NULL, 'o' }, { "follow", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' }, { "ack-within", required_argument, NULL, 'a' },
		{ 0 } };
	struct recv_command command = { .noted = -1 };
	int option, timeout_ms = -1;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'f')
			command.follow = true;
		else if (option == 'j')
			command.output.json = true;
		else if (option == 'n')
			command.from = optarg;
		else if (option == 'o')
			command.output.directory = optarg;
		else if (option == 'c' && !parse_count(optarg, &command.wanted))
			return cli_usage(cli, "recv", "--count needs a number from 1");
		else if (option == 't' && !cli_parse_seconds(optarg, &timeout_ms))
			return cli_usage(cli, "recv", "--timeout needs seconds");
		else if (option == 'a' && !parse_ack_within(optarg, &cli->acknowledge_within_s))
			return cli_usage(cli, "recv", "--ack-within needs 1 to 3600 seconds");
		else if (option == '?')
			return cli_usage(cli, "recv", NULL);
	}
	if (optind != argc)
		return cli_usage(
			cli, "recv", "recv takes options only; --from NAME names a contact");
	if (command.output.directory && !make_directory(command.output.directory))
		return CHAPPE_ERR_USAGE;
	command.output.terminal = isatty(STDOUT_FILENO);
	command.output.exact = command.wanted == 1;
	command.output.names = !command.from && !command.output.exact;
	return receive(cli, &command, timeout_ms);
}
