#include "cli.h"
#include "client.h"
#include "print.h"
#include <stdio.h>
#include <string.h>

/* Breaks text at blanks into lines of a readable width, each behind the indentation. */
static void print_wrapped(int indent, const char *text)
{
	enum { WIDTH = 100 };
	const int room = WIDTH - indent;
	while (*text != '\0') {
		int len = (int)strlen(text);
		if (len > room) {
			len = room;
			while (len > 0 && text[len] != ' ')
				len--;
			if (len == 0)
				len = (int)strcspn(text, " ");
		}
		printf("%*s%.*s\n", indent, "", len, text);
		text += len;
		text += strspn(text, " ");
	}
}

/* One store or table: what it is, its data's meanings once, then the values record by record. */
static void print_place(const json_t *place)
{
	printf("\n%s -- %s of %s, %s\n", print_text(place, "name"), print_text(place, "medium"),
		print_text(place, "process"), print_text(place, "until"));
	const json_t *data = json_object_get(place, "data");
	size_t i, r;
	json_t *datum, *record;
	json_array_foreach (data, i, datum) {
		printf("  %s: kept %s\n", print_text(datum, "name"), print_text(datum, "until"));
		print_wrapped(6, print_text(datum, "what"));
	}
	const json_t *records = json_object_get(place, "records");
	if (json_array_size(records) == 0)
		puts("  nothing there");
	json_array_foreach (records, r, record) {
		puts("  --");
		const char *name;
		json_t *value;
		json_object_foreach (record, name, value) {
			char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
			printf("  %-22s %s\n", name,
				json_is_string(value) ? json_string_value(value) : text);
			free(text);
		}
	}
}

static void print_disclosure(const json_t *disclosure)
{
	size_t i;
	json_t *item;
	json_array_foreach (json_object_get(disclosure, "places"), i, item) {
		print_place(item);
	}
	const json_t *absent = json_object_get(disclosure, "not_kept");
	if (json_array_size(absent) > 0)
		puts("\nWhat does not exist, here or anywhere in this relay:");
	json_array_foreach (absent, i, item) {
		print_wrapped(2, json_string_value(item));
	}
}

static int disclose_device(const struct options *options, const char *device, json_t **disclosure)
{
	char path[160];
	if (client_path(options, path, sizeof path, "/v1/devices/%s/disclosure", device) != 0)
		return CLI_USAGE;
	return client_call(options, "GET", path, NULL, disclosure);
}

/* The relay's part, then device by device, so that a large relay is never in memory whole. */
static int disclose_all(const struct options *options)
{
	json_t *relay, *devices;
	int r = client_call(options, "GET", "/v1/disclosure", NULL, &relay);
	if (r != CLI_OK)
		return r;
	r = client_list(options, "/v1/devices?state=all", "devices", &devices);
	if (r != CLI_OK) {
		json_decref(relay);
		return r;
	}
	if (options->json) {
		fputs("{\"relay\":", stdout);
		json_dumpf(relay, stdout, JSON_COMPACT);
		fputs(",\"devices\":[", stdout);
	} else {
		print_disclosure(relay);
	}
	size_t i, shown = 0;
	json_t *row;
	json_array_foreach (devices, i, row) {
		json_t *one;
		r = disclose_device(options, print_text(row, "device"), &one);
		if (r == CLI_NOT_FOUND) /* erased meanwhile */
			continue;
		if (r != CLI_OK)
			break;
		if (options->json) {
			fputs(shown++ > 0 ? ",\n" : "\n", stdout);
			json_dumpf(one, stdout, JSON_COMPACT);
		} else {
			printf("\n==== device %s ====\n", print_text(row, "device"));
			print_disclosure(one);
		}
		json_decref(one);
	}
	if (options->json)
		fputs("\n]}\n", stdout);
	json_decref(relay);
	json_decref(devices);
	return r;
}

int cli_disclose(const struct options *options)
{
	const bool all = options->given[OPTION_all];
	if (all == (options->operands == 1))
		return client_error(
			options, CLI_USAGE, "bad_request", "name one device, or give --all");
	if (all)
		return disclose_all(options);
	json_t *disclosure;
	const int r = disclose_device(options, options->operand[0], &disclosure);
	if (r != CLI_OK)
		return r;
	if (options->json) {
		print_json(disclosure);
		return CLI_OK;
	}
	printf("Everything this relay holds about device %s, at %s.\n",
		print_text(disclosure, "device"), print_text(disclosure, "at"));
	print_disclosure(disclosure);
	json_decref(disclosure);
	return CLI_OK;
}
