#include "src/cli/cli.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TIME_BYTES = 32 };

/* ---- list ---- */

static void format_time(uint64_t seconds, char text[TIME_BYTES])
{
	time_t at = (time_t)seconds;
	struct tm utc;

	if (!gmtime_r(&at, &utc) || !strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc))
		text[0] = '\0';
}

static void print_line(void *context, const struct chappe_outbox_message *message)
{
	char at[TIME_BYTES];

	(void)context;
	format_time(message->kept_s, at);
	printf("%-16s %8" PRIu64 "  %s  %8zu bytes%s\n", message->contact, message->message, at,
		message->bytes, message->dropped ? "  dropped; the contact is to be told" : "");
}

static void add_object(void *context, const struct chappe_outbox_message *message)
{
	char at[TIME_BYTES];

	format_time(message->kept_s, at);
	json_array_append_new(
		context, json_pack("{s:s, s:I, s:s, s:I, s:b}", "contact", message->contact,
				 "message", (json_int_t)message->message, "kept_since", at, "bytes",
				 (json_int_t)message->bytes, "dropped", message->dropped));
}

static enum chappe_error list(struct cli *cli)
{
	json_t *array;

	if (!cli->json) {
		chappe_outbox_each(cli->chappe, print_line, NULL);
		return CHAPPE_OK;
	}
	array = json_array();
	chappe_outbox_each(cli->chappe, add_object, array);
	json_dumpf(array, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(array);
	return CHAPPE_OK;
}

/* ---- drop ---- */

static bool parse_number(const char *text, uint64_t *number)
{
	char *end;

	*number = strtoull(text, &end, 10);
	return *text >= '1' && *text <= '9' && !*end;
}

static enum chappe_error drop(struct cli *cli, const char *name, char **numbers, int count)
{
	enum chappe_error error = CHAPPE_OK;
	uint64_t number;

	for (int i = 0; i < count; i++)
		if (!parse_number(numbers[i], &number))
			return cli_usage(cli, "outbox", "drop needs a contact and numbers");
	for (int i = 0; i < count && !error; i++) {
		(void)parse_number(numbers[i], &number);
		error = chappe_outbox_drop(cli->chappe, name, number);
		if (error)
			cli_fail(cli, error, error == CHAPPE_ERR_NO_CONTACT ? name : numbers[i]);
	}
	return error;
}

enum chappe_error cli_outbox(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	const char *action;
	enum chappe_error error;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j')
			return cli_usage(cli, "outbox", NULL);
		cli->json = true;
	}
	action = optind < argc ? argv[optind++] : "list";
	if (strcmp(action, "list") == 0 ? optind != argc
					: strcmp(action, "drop") != 0 || argc - optind < 2)
		return cli_usage(cli, "outbox", "outbox list, or outbox drop NAME NUMBER …");
	error = cli_open(cli);
	if (error)
		return error;
	if (strcmp(action, "list") == 0)
		return list(cli);
	return drop(cli, argv[optind], argv + optind + 1, argc - optind - 1);
}
