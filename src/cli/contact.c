#include "src/cli/contact.h"
#include "src/qr.h"

#include <getopt.h>
#include <langinfo.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { CONTACT_TIMEOUT_MS = 20000, CONTACT_WAIT_MS = 2000 };

static int on_event(struct cli *cli, const struct chappe_event *event)
{
	struct contact_command *command = cli->command;
	bool ours = event->contact && command->name && strcmp(event->contact, command->name) == 0;

	if (ours && event->type == CHAPPE_EVENT_CONTACT_LINK) {
		snprintf(command->link, sizeof command->link, "%s", event->link);
		command->made = true;
	}
	if (ours && event->type == CHAPPE_EVENT_CONTACT_READY)
		command->ready = true;
	if (ours && event->type == CHAPPE_EVENT_CONTACT_GREETED)
		command->greeted = true;
	if (ours && event->type == CHAPPE_EVENT_CONTACT_REVOKED)
		command->revoked = true;
	if (ours && event->type == CHAPPE_EVENT_ERROR)
		command->failed = event->error;
	return event->type == CHAPPE_EVENT_MESSAGE;
}

static bool is_made(const struct cli *cli)
{
	const struct contact_command *command = cli->command;
	return command->made || command->failed;
}

static bool is_ready(const struct cli *cli)
{
	const struct contact_command *command = cli->command;
	return command->ready || command->failed;
}

static bool is_revoked(const struct cli *cli)
{
	const struct contact_command *command = cli->command;
	return command->revoked || command->failed;
}

/* The route that contact_add needs is there once the contact is past creating. */
static bool is_greeting(const struct cli *cli)
{
	const struct contact_command *command = cli->command;
	struct chappe_contact contact;

	if (command->failed || chappe_contact_get(cli->chappe, command->name, &contact))
		return true;
	return contact.state != CHAPPE_CONTACT_CREATING;
}

static enum chappe_error wait_for(
	struct cli *cli, bool (*done)(const struct cli *), int timeout_ms, enum chappe_error late)
{
	const struct contact_command *command = cli->command;
	enum chappe_error error = cli_wait(cli, done, timeout_ms, late);

	return error ? error : command->failed;
}

/* Of what the relay has refused, the event has told. */
static enum chappe_error late(const struct cli *cli, enum chappe_error error, const char *detail)
{
	const struct contact_command *command = cli->command;

	return command->failed ? command->failed : cli_fail(cli, error, detail);
}

/* ---- Links ---- */

static void print_qr(const char *link)
{
	char *code;

	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
		fprintf(stderr,
			"chappe: no QR code: this terminal's characters are %s, not UTF-8\n",
			nl_langinfo(CODESET));
		return;
	}
	code = qr_text(link);
	if (!code)
		return;
	fputs(code, stdout);
	sodium_memzero(code, strlen(code));
	free(code);
}

static enum chappe_error print_link(const struct contact_command *command)
{
	puts(command->link);
	if (command->qr)
		print_qr(command->link);
	if (fflush(stdout) || ferror(stdout))
		return CHAPPE_OK; /* main() says so */
	fprintf(stderr,
		"Give this link to the one person it is for, by a way nobody else can read.\n"
		"They run: chappe contact add YOUR_NAME LINK\n");
	return CHAPPE_OK;
}

static enum chappe_error contact_new(struct cli *cli, struct contact_command *command)
{
	enum chappe_error error = chappe_contact_new(cli->chappe, command->name);
	struct chappe_contact contact;

	if (error == CHAPPE_ERR_CONTACT_EXISTS &&
		chappe_contact_get(cli->chappe, command->name, &contact) == CHAPPE_OK) {
		if (contact.state == CHAPPE_CONTACT_INVITED)
			return cli_fail(cli, error,
				"nobody has used its link yet; contact link shows it again, for "
				"the same person; revoke it to make another");
		if (contact.state == CHAPPE_CONTACT_CREATING)
			error = CHAPPE_OK; /* asked for before, and not answered then */
	}
	if (error)
		return cli_fail(cli, error, command->name);
	error = wait_for(cli, is_made, command->timeout_ms, CHAPPE_ERR_UNREACHABLE);
	if (error)
		return late(cli, error, "the contact is kept; the same command goes on with it");
	return print_link(command);
}

/* What contact_new has shown, for one who has lost it. */
static enum chappe_error contact_link(struct cli *cli, struct contact_command *command)
{
	struct chappe_contact contact;
	enum chappe_error error = chappe_contact_get(cli->chappe, command->name, &contact);

	if (error)
		return cli_fail(cli, error, command->name);
	if (!*contact.link) {
		fprintf(stderr, "chappe: %s has no link to hand over: it is %s\n", command->name,
			cli_contact_state(contact.state));
		return contact.state == CHAPPE_CONTACT_CREATING ? CHAPPE_ERR_CONTACT_NOT_READY
								: CHAPPE_ERR_CONTACT_EXISTS;
	}
	memcpy(command->link, contact.link, sizeof command->link);
	sodium_memzero(&contact, sizeof contact);
	return print_link(command);
}

/* Of the other person, from the command line or standard input. */
static enum chappe_error read_link(
	struct cli *cli, struct contact_command *command, const char *argument)
{
	char *text = NULL;
	size_t len = 0;
	enum chappe_error error;

	if (strcmp(argument, "-") != 0) {
		command->given = argument;
		return CHAPPE_OK;
	}
	error = cli_read_all(stdin, sizeof command->link - 1, &text, &len);
	if (error == CHAPPE_ERR_TOO_LARGE)
		return cli_fail(cli, CHAPPE_ERR_BAD_LINK, "standard input holds more than one");
	if (error)
		return cli_fail_reading(cli, error, "standard input");
	memcpy(command->link, text, len);
	sodium_memzero(text, len);
	free(text);
	command->given = command->link;
	return CHAPPE_OK;
}

static enum chappe_error contact_add(struct cli *cli, struct contact_command *command)
{
	enum chappe_error error;

	error = chappe_contact_add(cli->chappe, command->name, command->given);
	if (error)
		return cli_fail(cli, error, chappe_link_problem(cli->chappe));
	error = wait_for(cli, is_greeting, command->timeout_ms, CHAPPE_ERR_UNREACHABLE);
	if (error == CHAPPE_ERR_UNREACHABLE)
		return late(cli, error, "the contact is kept, and the next command goes on");
	if (error)
		return late(cli, error, NULL);
	error = wait_for(cli, is_ready, command->wait_ms, CHAPPE_ERR_NOT_ACKNOWLEDGED);
	if (error == CHAPPE_OK)
		fprintf(stderr, "%s has answered. Compare the digits: chappe contact verify %s\n",
			command->name, command->name);
	else if (error == CHAPPE_ERR_NOT_ACKNOWLEDGED && command->greeted)
		fprintf(stderr,
			"%s is added; their device is not there now, and the relay keeps your "
			"greeting for it. You can send already.\n",
			command->name);
	else if (error == CHAPPE_ERR_NOT_ACKNOWLEDGED)
		fprintf(stderr,
			"%s is added; their device is not there now and will be greeted by your "
			"next commands.\n",
			command->name);
	else
		return late(cli, error, NULL);
	return CHAPPE_OK;
}

static enum chappe_error contact_revoke(struct cli *cli, struct contact_command *command)
{
	enum chappe_error error = chappe_contact_revoke(cli->chappe, command->name);

	if (error)
		return cli_fail(cli, error, command->name);
	error = wait_for(cli, is_revoked, command->timeout_ms, CHAPPE_ERR_UNREACHABLE);
	if (error)
		return late(cli, error,
			"this device takes nothing from the contact any more; its route at the "
			"relay ends with the next command");
	fprintf(stderr, "%s is revoked.\n", command->name);
	return CHAPPE_OK;
}

/* ---- The command ---- */

static const struct form {
	const char *name;
	int arguments; /* with its own name */
	enum chappe_error (*run)(struct cli *cli, struct contact_command *command);
} forms[] = {
	{ "new", 2, contact_new },
	{ "link", 2, contact_link },
	{ "add", 3, contact_add },
	{ "list", 1, contact_list },
	{ "verify", 2, contact_verify },
	{ "revoke", 2, contact_revoke },
};

static enum chappe_error dispatch(
	struct cli *cli, struct contact_command *command, int count, char **arguments)
{
	size_t form = 0, form_count = sizeof forms / sizeof forms[0];
	enum chappe_error error;

	if (count == 0)
		return cli_usage(
			cli, "contact", "contact needs new, link, add, list, verify or revoke");
	while (form < form_count && strcmp(forms[form].name, arguments[0]) != 0)
		form++;
	if (form == form_count || forms[form].arguments != count)
		return cli_usage(cli, "contact", "wrong arguments");
	command->name = count > 1 ? arguments[1] : NULL;
	error = count > 2 ? read_link(cli, command, arguments[2]) : CHAPPE_OK;
	if (error)
		return error;
	cli->command = command;
	cli->on_event = on_event;
	error = cli_open(cli);
	return error ? error : forms[form].run(cli, command);
}

enum chappe_error cli_contact(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
		{ "wait", required_argument, NULL, 'w' }, { "qr", no_argument, NULL, 'q' },
		{ "yes", no_argument, NULL, 'y' }, { "json", no_argument, NULL, 'j' }, { 0 } };
	struct contact_command command = { .timeout_ms = CONTACT_TIMEOUT_MS,
		.wait_ms = CONTACT_WAIT_MS };
	enum chappe_error error;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'q')
			command.qr = true;
		else if (option == 'y')
			command.yes = true;
		else if (option == 'j')
			cli->json = true;
		else if (option == '?' ||
			 !cli_parse_seconds(
				 optarg, option == 't' ? &command.timeout_ms : &command.wait_ms))
			return cli_usage(cli, "contact", option == '?' ? NULL : "needs seconds");
	}
	error = dispatch(cli, &command, argc - optind, argv + optind);
	sodium_memzero(command.link, sizeof command.link);
	return error;
}
