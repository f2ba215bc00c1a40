#include "cli.h"
#include "client.h"
#include "print.h"
#include <stdio.h>
#include <string.h>

static void print_endpoint(struct print_table *table, const json_t *endpoint)
{
	const char *address = print_text(endpoint, "address");
	const bool six = strchr(address, ':') != NULL;
	if (json_is_object(endpoint))
		print_cell(table, "%s%s%s:%lld", six ? "[" : "", address, six ? "]" : "",
			(long long)print_integer(endpoint, "udp_port"));
	else
		print_cell(table, "-");
}

int cli_session_list(const struct options *options)
{
	char path[160] = "/v1/sessions";
	if (options->operands == 1 && client_path(options, path, sizeof path,
					      "/v1/devices/%s/sessions", options->operand[0]) != 0)
		return CLI_USAGE;
	json_t *rows;
	const int r = client_list(options, path, "sessions", &rows);
	if (r != CLI_OK)
		return r;
	if (options->json) {
		print_json(json_pack("{s:o}", "sessions", rows));
		return CLI_OK;
	}
	static const char *const headings[] = { "SESSION", "DEVICE", "STATE", "SUITE", "OWNER",
		"EXPIRES IN", "RECEIVED", "SENT", "ENDPOINT", "CANDIDATE" };
	struct print_table *table = print_table_new(10);
	for (size_t i = 0; i < 10; i++)
		print_cell(table, "%s", headings[i]);
	size_t i;
	json_t *row;
	json_array_foreach (rows, i, row) {
		char text[32];
		print_cell(table, "%s", print_text(row, "session"));
		print_cell(table, "%s", print_text(row, "device"));
		print_cell(table, "%s", print_text(row, "state"));
		print_cell(table, "%s", print_text(row, "suite"));
		print_cell(table, "%lld", (long long)print_integer(row, "owner"));
		print_cell(table, "%s", print_duration(print_integer(row, "expires_in_s"), text));
		print_cell(table, "%lld", (long long)print_integer(row, "highest_received"));
		print_cell(table, "%lld", (long long)print_integer(row, "next_to_send"));
		print_endpoint(table, json_object_get(row, "endpoint"));
		print_endpoint(table, json_object_get(row, "candidate"));
	}
	print_table_end(table);
	json_decref(rows);
	return CLI_OK;
}
