#include "src/cli/contact.h"

#include <jansson.h>

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

enum chappe_error contact_list(struct cli *cli, struct contact_command *command)
{
	json_t *list;

	(void)command;
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

enum chappe_error contact_verify(struct cli *cli, struct contact_command *command)
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
