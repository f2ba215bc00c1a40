#include "cli.h"
#include "client.h"
#include "list.h"
#include <stdio.h>
#include <string.h>

static const char *limit_text(const json_t *device, const char *key, char text[64])
{
	const json_t *own = json_object_get(json_object_get(device, "own_limits"), key);
	print_limit(print_integer(json_object_get(device, "limits"), key), text);
	if (json_is_null(own))
		strcat(text, " (default)");
	return text;
}

static void cells(struct print_table *table, const json_t *device)
{
	char text[32];
	const json_t *limits = json_object_get(device, "limits");
	print_cell(table, "%s", print_text(device, "device"));
	print_cell(table, "%s", print_text(device, "state"));
	print_cell(table, "%s", print_text(device, "session"));
	print_cell(table, "%lld", (long long)print_integer(device, "routes"));
	print_cell(table, "%s", print_limit(print_integer(limits, "frames_per_s"), text));
	print_cell(table, "%s", print_limit(print_integer(limits, "bytes_per_s"), text));
	print_cell(table, "%s", print_text(device, "created_at"));
}

int cli_device_list(const struct options *options)
{
	static const char *const headings[] = { "DEVICE", "STATE", "SESSION", "ROUTES", "FRAMES/S",
		"BYTES/S", "ENROLLED", NULL };
	const struct list devices = {
		.field = "devices",
		.headings = headings,
		.cells = cells,
		.empty = "No device is enrolled yet: `chappectl invite` makes an invitation.",
	};
	return list_show(options, &devices,
		options->given[OPTION_all] ? "/v1/devices?state=all" : "/v1/devices");
}

static void print_device(const json_t *device)
{
	char text[64];
	printf("device       %s, %s\n", print_text(device, "device"), print_text(device, "state"));
	printf("key          %s\n", print_text(device, "key"));
	printf("enrolled     %s\n", print_text(device, "created_at"));
	if (json_is_string(json_object_get(device, "revoked_at")))
		printf("revoked      %s; key and psk are erased 30 days later\n",
			print_text(device, "revoked_at"));
	printf("session      %s\n", print_text(device, "session"));
	if (json_is_string(json_object_get(device, "earlier_session")))
		printf("             %s, ending\n", print_text(device, "earlier_session"));
	printf("routes       %lld\n", (long long)print_integer(device, "routes"));
	printf("frames/s     %s\n", limit_text(device, "frames_per_s", text));
	printf("bytes/s      %s\n", limit_text(device, "bytes_per_s", text));
	printf("routes max   %s\n", limit_text(device, "routes_max", text));
}

/* One call whose answer is a device; says in front what has been done. */
static int device_call(
	const struct options *options, const char *method, json_t *body, const char *done)
{
	char path[160];
	if (client_path(options, path, sizeof path, "/v1/devices/%s", options->operand[0]) != 0) {
		json_decref(body);
		return CLI_USAGE;
	}
	json_t *device;
	const int r = client_show(options, method, path, body, &device);
	if (r != CLI_OK || device == NULL)
		return r;
	if (done != NULL)
		printf("%s\n", done);
	print_device(device);
	json_decref(device);
	return CLI_OK;
}

int cli_device_show(const struct options *options)
{
	return device_call(options, "GET", NULL, NULL);
}

static void set_limit(json_t *body, const char *key, uint64_t limit)
{
	json_object_set_new(body, key,
		limit == OPTIONS_LIMIT_DEFAULT ? json_null() : json_integer((json_int_t)limit));
}

int cli_device_limit(const struct options *options)
{
	json_t *body = json_object();
	if (options->given[OPTION_frames])
		set_limit(body, "frames_per_s", options->frames);
	if (options->given[OPTION_bytes])
		set_limit(body, "bytes_per_s", options->bytes);
	if (options->given[OPTION_routes])
		set_limit(body, "routes_max", options->routes);
	if (json_object_size(body) == 0) {
		json_decref(body);
		return client_error(options, CLI_USAGE, "bad_request",
			"nothing to change: give --frames, --bytes or --routes");
	}
	return device_call(options, "PATCH", body, NULL);
}

int cli_device_revoke(const struct options *options)
{
	return device_call(
		options, "DELETE", NULL, "Revoked: its sessions end and its routes are gone.");
}
