#include "cli.h"
#include "client.h"
#include "print.h"
#include <stdio.h>

int cli_route_list(const struct options *options)
{
	char path[160] = "/v1/routes";
	if (options->operands == 1 && client_path(options, path, sizeof path,
					      "/v1/devices/%s/routes", options->operand[0]) != 0)
		return CLI_USAGE;
	json_t *rows;
	const int r = client_list(options, path, "routes", &rows);
	if (r != CLI_OK)
		return r;
	if (options->json) {
		print_json(json_pack("{s:o}", "routes", rows));
		return CLI_OK;
	}
	struct print_table *table = print_table_new(4);
	print_cell(table, "ROUTE");
	print_cell(table, "DEVICE");
	print_cell(table, "LIVE");
	print_cell(table, "CREATED");
	size_t i;
	json_t *row;
	json_array_foreach (rows, i, row) {
		print_cell(table, "%s", print_text(row, "route"));
		print_cell(table, "%s", print_text(row, "device"));
		print_cell(table, json_is_true(json_object_get(row, "live")) ? "yes" : "no");
		print_cell(table, "%s", print_text(row, "created_at"));
	}
	print_table_end(table);
	json_decref(rows);
	return CLI_OK;
}

int cli_route_revoke(const struct options *options)
{
	char of_device[160] = "/v1", path[160], format[192];
	if (options->operands == 2 && client_path(options, of_device, sizeof of_device,
					      "/v1/devices/%s", options->operand[1]) != 0)
		return CLI_USAGE;
	snprintf(format, sizeof format, "%s/routes/%%s", of_device);
	if (client_path(options, path, sizeof path, format, options->operand[0]) != 0)
		return CLI_USAGE;
	json_t *reply;
	const int r = client_call(options, "DELETE", path, NULL, &reply);
	if (r != CLI_OK)
		return r;
	if (options->json) {
		print_json(reply);
		return CLI_OK;
	}
	printf("Route %s of device %s revoked.\n", print_text(reply, "route"),
		print_text(reply, "device"));
	json_decref(reply);
	return CLI_OK;
}
