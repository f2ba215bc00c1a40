#include "src/cli/cli.h"
#include "src/qr.h"

#include <getopt.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { CONTACT_TIMEOUT_MS = 20000, CONTACT_WAIT_MS = 2000 };

struct contact_command {
	int timeout_ms, wait_ms;
	bool qr, yes;
	const char *name;
	char link[CHAPPE_LINK_MAX_BYTES];
	bool made, greeted, ready, revoked;
	enum chappe_error failed;
};

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

/* ---- The five subcommands ---- */

static enum chappe_error contact_new(struct cli *cli, struct contact_command *command)
{
	enum chappe_error error = chappe_contact_new(cli->chappe, command->name);

	if (error == CHAPPE_ERR_CONTACT_EXISTS) {
		/* asked before, and not answered then: show the link that is there by now */
		struct chappe_contact contact;
		if (chappe_contact_get(cli->chappe, command->name, &contact) == CHAPPE_OK &&
			contact.state == CHAPPE_CONTACT_CREATING)
			error = CHAPPE_OK;
		else if (*contact.link)
			return cli_fail(cli, error,
				"nobody has used its link yet; revoke it to make another");
	}
	if (!error)
		error = wait_for(cli, is_made, command->timeout_ms, CHAPPE_ERR_UNREACHABLE);
	if (error)
		return cli_fail(cli, error, NULL);
	puts(command->link);
	fflush(stdout);
	if (command->qr) {
		char *code = qr_text(command->link);
		if (code)
			fputs(code, stdout);
		free(code);
	}
	fprintf(stderr,
		"Give this link to the one person it is for, by a way nobody else can read.\n"
		"They run: chappe contact add YOUR_NAME LINK\n");
	return CHAPPE_OK;
}

static enum chappe_error contact_add(
	struct cli *cli, struct contact_command *command, const char *link)
{
	char *text = NULL;
	size_t len = 0;
	enum chappe_error error;

	if (strcmp(link, "-") == 0) {
		error = cli_read_all(stdin, CHAPPE_LINK_MAX_BYTES, &text, &len);
		if (error)
			return cli_fail(cli, error, "standard input");
		text[len] = '\0';
		link = text;
	}
	error = chappe_contact_add(cli->chappe, command->name, link);
	free(text);
	if (error)
		return cli_fail(cli, error, chappe_link_problem(cli->chappe));
	error = wait_for(cli, is_greeting, command->timeout_ms, CHAPPE_ERR_UNREACHABLE);
	if (error == CHAPPE_ERR_UNREACHABLE)
		return cli_fail(cli, error, "the contact is kept, and the next command goes on");
	if (error)
		return cli_fail(cli, error, NULL);
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
		return cli_fail(cli, error, NULL);
	return CHAPPE_OK;
}

static void list_json(void *context, const struct chappe_contact *contact)
{
	json_array_append_new(
		context, json_pack("{s:s, s:s, s:b, s:s}", "name", contact->name, "state",
				 cli_contact_state(contact->state), "verified", contact->verified,
				 "safety", contact->safety));
}

static void list_text(void *context, const struct chappe_contact *contact)
{
	(void)context;
	printf("%-24s %-9s %s\n", contact->name, cli_contact_state(contact->state),
		contact->verified ? "verified" : "not verified");
}

static enum chappe_error contact_list(struct cli *cli)
{
	json_t *list;

	if (!cli->json) {
		chappe_contact_each(cli->chappe, list_text, NULL);
		return CHAPPE_OK;
	}
	list = json_array();
	chappe_contact_each(cli->chappe, list_json, list);
	json_dumpf(list, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(list);
	return CHAPPE_OK;
}

static enum chappe_error contact_verify(struct cli *cli, const struct contact_command *command)
{
	struct chappe_contact contact;
	enum chappe_error error = chappe_contact_get(cli->chappe, command->name, &contact);

	if (!error && !*contact.safety)
		error = CHAPPE_ERR_CONTACT_NOT_READY;
	if (!error && command->yes)
		error = chappe_contact_set_verified(cli->chappe, command->name, true);
	if (error)
		return cli_fail(cli, error, command->name);
	puts(contact.safety);
	if (command->yes)
		fprintf(stderr, "%s is verified.\n", command->name);
	else
		fprintf(stderr,
			"%s sees the same digits, or somebody is in between. When you have "
			"compared "
			"them:\nchappe contact verify %s --yes\n",
			command->name, command->name);
	return CHAPPE_OK;
}

static enum chappe_error contact_revoke(struct cli *cli, const struct contact_command *command)
{
	enum chappe_error error = chappe_contact_revoke(cli->chappe, command->name);

	if (error)
		return cli_fail(cli, error, command->name);
	error = wait_for(cli, is_revoked, command->timeout_ms, CHAPPE_ERR_UNREACHABLE);
	if (error)
		return cli_fail(cli, error,
			"this device takes nothing from the contact any more; its route at the "
			"relay ends with the next command");
	fprintf(stderr, "%s is revoked.\n", command->name);
	return CHAPPE_OK;
}

static enum chappe_error dispatch(
	struct cli *cli, struct contact_command *command, int count, char **arguments)
{
	static const struct {
		const char *name;
		int arguments;
	} forms[] = { { "new", 2 }, { "add", 3 }, { "list", 1 }, { "verify", 2 }, { "revoke", 2 } };
	size_t form = 0, form_count = sizeof forms / sizeof forms[0];
	enum chappe_error error;

	if (count == 0)
		return cli_usage(cli, "contact", "contact needs new, add, list, verify or revoke");
	while (form < form_count && strcmp(forms[form].name, arguments[0]) != 0)
		form++;
	if (form == form_count || forms[form].arguments != count)
		return cli_usage(cli, "contact", "wrong arguments");
	cli->command = command;
	cli->on_event = on_event;
	error = cli_open(cli);
	if (error)
		return error;
	if (!chappe_joined(cli->chappe))
		return cli_fail(cli, CHAPPE_ERR_NOT_JOINED, NULL);
	command->name = count > 1 ? arguments[1] : NULL;
	switch (form) {
	case 0:
		return contact_new(cli, command);
	case 1:
		return contact_add(cli, command, arguments[2]);
	case 2:
		return contact_list(cli);
	case 3:
		return contact_verify(cli, command);
	default:
		return contact_revoke(cli, command);
	}
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
