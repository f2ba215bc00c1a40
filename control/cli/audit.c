#include "cli.h"
#include "client.h"
#include "list.h"
#include <stdio.h>

static void cells(struct print_table *table, const json_t *entry)
{
	print_cell(table, "%s", print_text(entry, "at"));
	print_cell(table, "%s", print_text(entry, "who"));
	print_cell(table, "%s", print_text(entry, "what"));
	print_cell(table, "%s", print_text(entry, "outcome"));
}

int cli_audit(const struct options *options)
{
	static const char *const headings[] = { "AT", "WHO", "WHAT", "OUTCOME", NULL };
	const struct list audit = { .field = "entries", .headings = headings, .cells = cells };
	char path[64];
	json_t *reply;
	if (options->given[OPTION_all])
		return list_show(options, &audit, "/v1/audit?after=0");
	snprintf(path, sizeof path, "/v1/audit?limit=%llu", (unsigned long long)options->limit);
	const int r = client_call(options, "GET", path, NULL, &reply);
	if (r != CLI_OK)
		return r;
	list_print(options, &audit, json_incref(json_object_get(reply, "entries")));
	json_decref(reply);
	return CLI_OK;
}
