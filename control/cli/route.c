#include "cli.h"
#include "client.h"
#include "list.h"
#include <stdio.h>

static void cells(struct print_table *table, const json_t *route)
{
	print_cell(table, "%s", print_text(route, "route"));
	print_cell(table, "%s", print_text(route, "device"));
	print_cell(table, json_is_true(json_object_get(route, "live")) ? "yes" : "no");
	print_cell(table, "%s", print_text(route, "created_at"));
}

int cli_route_list(const struct options *options)
{
	static const char *const headings[] = { "ROUTE", "DEVICE", "LIVE", "CREATED", NULL };
	const struct list routes = { .field = "routes", .headings = headings, .cells = cells };
	return list_show_of(options, &routes);
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
	const int r = client_show(options, "DELETE", path, NULL, &reply);
	if (r != CLI_OK || reply == NULL)
		return r;
	printf("Route %s of device %s revoked.\n", print_text(reply, "route"),
		print_text(reply, "device"));
	json_decref(reply);
	return CLI_OK;
}
