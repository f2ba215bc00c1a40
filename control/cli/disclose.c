#include "cli.h"
#include "client.h"
#include "disclose_print.h"
#include "print.h"
#include <stdio.h>
#include <string.h>

/* What is missing: the dataplane's part, or the message store's. */
static int completeness(const json_t *disclosure)
{
	if (!json_is_true(json_object_get(disclosure, "dataplane_connected")))
		return CLI_DATAPLANE;
	return strcmp(print_text(disclosure, "message_store"), "silent") == 0 ? CLI_STORE : CLI_OK;
}

/* Prints page by page, so that a large relay is never in memory whole. */
static int disclose_devices(const struct options *options)
{
	struct options quiet = *options; /* an error must not end up amidst the JSON */
	quiet.json = false;
	char path[64] = "/v1/disclosure/devices";
	bool first = true;
	int complete = CLI_OK;
	for (;;) {
		json_t *page;
		const int r = client_call(&quiet, "GET", path, NULL, &page);
		if (r != CLI_OK) {
			if (first && options->json)
				fputs(",\n\"devices\":[", stdout);
			return r;
		}
		if (complete == CLI_OK)
			complete = completeness(page);
		if (options->json) {
			size_t i;
			json_t *device;
			if (first) {
				fputs(",\n\"device_places\":", stdout);
				json_dumpf(json_object_get(page, "places"), stdout, JSON_COMPACT);
				fputs(",\n\"devices\":[", stdout);
			}
			json_array_foreach (json_object_get(page, "devices"), i, device) {
				fputs(first && i == 0 ? "\n" : ",\n", stdout);
				json_dumpf(device, stdout, JSON_COMPACT);
			}
		} else {
			if (first)
				disclose_explain_devices(page);
			disclose_print_many(page);
		}
		first = false;
		const char *next = json_string_value(json_object_get(page, "next"));
		if (next != NULL)
			snprintf(path, sizeof path, "/v1/disclosure/devices?after=%s", next);
		json_decref(page);
		if (next == NULL)
			return complete;
	}
}

static int disclose_all(const struct options *options)
{
	json_t *relay;
	int r = client_call(options, "GET", "/v1/disclosure", NULL, &relay);
	if (r != CLI_OK)
		return r;
	if (options->json) {
		fputs("{\"relay\":", stdout);
		json_dumpf(relay, stdout, JSON_COMPACT);
	} else {
		disclose_print_relay(relay);
	}
	json_decref(relay);
	r = disclose_devices(options);
	if (options->json) {
		printf("\n],\n\"complete\":%s}\n", r == CLI_OK ? "true" : "false");
	}
	return r;
}

int cli_disclose(const struct options *options)
{
	const bool all = options->given[OPTION_all];
	char path[160];
	json_t *disclosure;
	if (all == (options->operands == 1))
		return client_error(
			options, CLI_USAGE, "bad_request", "name one device, or give --all");
	if (all)
		return disclose_all(options);
	if (client_path(options, path, sizeof path, "/v1/devices/%s/disclosure",
		    options->operand[0]) != 0)
		return CLI_USAGE;
	int r = client_call(options, "GET", path, NULL, &disclosure);
	if (r != CLI_OK)
		return r;
	r = completeness(disclosure);
	if (options->json) {
		print_json(disclosure);
		return r;
	}
	disclose_print_one(disclosure);
	json_decref(disclosure);
	return r;
}
