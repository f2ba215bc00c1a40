#include "cli.h"
#include "client.h"
#include "print.h"
#include <stdio.h>

static int get_entries(const struct options *options, json_t **entries)
{
	if (options->given[OPTION_all])
		return client_list(options, "/v1/audit?after=0", "entries", entries);
	char path[64];
	snprintf(path, sizeof path, "/v1/audit?limit=%llu", (unsigned long long)options->limit);
	json_t *reply;
	const int r = client_call(options, "GET", path, NULL, &reply);
	if (r == CLI_OK) {
		*entries = json_incref(json_object_get(reply, "entries"));
		json_decref(reply);
	}
	return r;
}

int cli_audit(const struct options *options)
{
	json_t *rows;
	const int r = get_entries(options, &rows);
	if (r != CLI_OK)
		return r;
	if (options->json) {
		print_json(json_pack("{s:o}", "entries", rows));
		return CLI_OK;
	}
	struct print_table *table = print_table_new(4);
	print_cell(table, "AT");
	print_cell(table, "WHO");
	print_cell(table, "WHAT");
	print_cell(table, "OUTCOME");
	size_t i;
	json_t *row;
	json_array_foreach (rows, i, row) {
		print_cell(table, "%s", print_text(row, "at"));
		print_cell(table, "%s", print_text(row, "who"));
		print_cell(table, "%s", print_text(row, "what"));
		print_cell(table, "%s", print_text(row, "outcome"));
	}
	print_table_end(table);
	json_decref(rows);
	return CLI_OK;
}
