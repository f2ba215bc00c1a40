#include "disclose_print.h"
#include "print.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 100 };

/* Breaks text at blanks into lines of a readable width, each behind the indentation. */
static void print_wrapped(int indent, const char *text)
{
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

static void print_value(const char *name, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	printf("  %-14s %s\n", name,
		json_is_string(value) ? json_string_value(value)
		: json_is_null(value) ? "(none)"
				      : text);
	free(text);
}

static void print_heading(const json_t *place)
{
	printf("\n%s %s%s, %s of %s\n",
		strcmp(print_text(place, "kind"), "table") == 0    ? "table"
		: strcmp(print_text(place, "kind"), "struct") == 0 ? "struct"
								   : "--",
		print_text(place, "name"),
		strcmp(print_text(place, "kind"), "table") == 0 ? " of chappe.db" : "",
		print_text(place, "medium"), print_text(place, "process"));
	print_wrapped(2, print_text(place, "about"));
}

static void explain_datum(const json_t *datum, const json_t *record)
{
	const char *name = print_text(datum, "name");
	if (record != NULL) {
		print_value(name, json_object_get(record, name));
		print_wrapped(17, print_text(datum, "what"));
		return;
	}
	char *text;
	if (asprintf(&text, "%s: %s", name, print_text(datum, "what")) < 0)
		return;
	print_wrapped(2, text);
	free(text);
}

/* Fields that are there for the program's own sake: their names on a line. */
static void print_bookkeeping(const json_t *data)
{
	bool any = false;
	size_t i;
	json_t *datum;
	json_array_foreach (data, i, datum) {
		if (!json_is_true(json_object_get(datum, "bookkeeping")))
			continue;
		printf("%s%s", any ? ", " : "  bookkeeping, says nothing about a device: ",
			print_text(datum, "name"));
		any = true;
	}
	if (any)
		putchar('\n');
}

/* What each datum of a place means and how long it is kept; its value where there is one record. */
static void explain_place(const json_t *place, const json_t *records)
{
	const json_t *data = json_object_get(place, "data");
	const json_t *only = json_array_size(records) == 1 ? json_array_get(records, 0) : NULL;
	const char *until = "";
	size_t i;
	json_t *datum;
	print_heading(place);
	if (records != NULL && json_array_size(records) == 0) {
		puts("  nothing");
		return;
	}
	json_array_foreach (data, i, datum) {
		if (json_is_true(json_object_get(datum, "bookkeeping")))
			continue;
		if (strcmp(until, print_text(datum, "until")) != 0) {
			until = print_text(datum, "until");
			printf("  kept %s:\n", until);
		}
		explain_datum(datum, only);
	}
	print_bookkeeping(data);
}

/* Whether a value says only that its datum is the program's own business, explained before. */
static bool is_bookkeeping(const json_t *value)
{
	return json_is_string(value) && strcmp(json_string_value(value), "(bookkeeping)") == 0;
}

static void print_values(const json_t *records)
{
	size_t i;
	json_t *record, *value;
	const char *name;
	json_array_foreach (records, i, record) {
		printf("  -- %zu\n", i + 1);
		json_object_foreach (record, name, value) {
			if (!is_bookkeeping(value))
				print_value(name, value);
		}
	}
}

static void print_absent(const json_t *disclosure)
{
	size_t i;
	json_t *text;
	puts("\nWhat does not exist, in this relay or anywhere with its operator:");
	json_array_foreach (json_object_get(disclosure, "not_kept"), i, text) {
		print_wrapped(2, json_string_value(text));
	}
}

static void warn_partial(const json_t *disclosure)
{
	if (strcmp(print_text(disclosure, "message_store"), "silent") == 0)
		puts("\nchappe-store did not answer: what waits is missing here.");
	if (!json_is_true(json_object_get(disclosure, "dataplane_connected")))
		puts("\nchappe-dataplane did not answer: its live sessions, with their addresses, "
		     "are "
		     "missing here.");
}

void disclose_print_one(const json_t *disclosure)
{
	const json_t *device = json_array_get(json_object_get(disclosure, "devices"), 0);
	const json_t *all = json_object_get(device, "records");
	size_t i;
	json_t *place;
	printf("Everything this relay holds about device %s, at %s.\n",
		print_text(device, "device"), print_text(disclosure, "at"));
	json_array_foreach (json_object_get(disclosure, "places"), i, place) {
		const json_t *records = json_object_get(all, print_text(place, "place"));
		explain_place(place, records);
		if (json_array_size(records) > 1)
			print_values(records);
	}
	warn_partial(disclosure);
	print_absent(disclosure);
}

void disclose_print_many(const json_t *disclosure)
{
	size_t d, i;
	json_t *device, *place;
	json_array_foreach (json_object_get(disclosure, "devices"), d, device) {
		printf("\n======== device %s ========\n", print_text(device, "device"));
		json_array_foreach (json_object_get(disclosure, "places"), i, place) {
			const json_t *records = json_object_get(
				json_object_get(device, "records"), print_text(place, "place"));
			if (json_array_size(records) == 0)
				continue;
			print_heading(place);
			print_values(records);
		}
	}
}

void disclose_print_relay(const json_t *relay)
{
	size_t i;
	json_t *place;
	printf("Everything this relay holds, at %s.\n", print_text(relay, "at"));
	json_array_foreach (json_object_get(relay, "places"), i, place) {
		explain_place(place, json_object_get(json_object_get(relay, "records"),
					     print_text(place, "place")));
	}
	print_absent(relay);
}

void disclose_explain_devices(const json_t *page)
{
	size_t i;
	json_t *place;
	puts("\nOf each device:");
	json_array_foreach (json_object_get(page, "places"), i, place) {
		explain_place(place, NULL);
	}
	warn_partial(page);
}
