#include "print.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 12 };

struct print_table {
	int columns, cells, room;
	char **cell;
	int width[COLUMNS_MAX];
};

void print_json(json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
	json_decref(value);
}

static void *must(void *memory)
{
	if (memory == NULL) {
		fputs("chappectl: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

struct print_table *print_table_new(int columns)
{
	struct print_table *table = must(calloc(1, sizeof *table));
	table->columns = columns < COLUMNS_MAX ? columns : COLUMNS_MAX;
	return table;
}

void print_cell(struct print_table *table, const char *format, ...)
{
	char *text;
	va_list arguments;
	va_start(arguments, format);
	const int len = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (len < 0)
		must(NULL);
	if (table->cells == table->room) {
		table->room = table->room ? table->room * 2 : 64;
		table->cell = must(realloc(table->cell, (size_t)table->room * sizeof *table->cell));
	}
	int *width = &table->width[table->cells % table->columns];
	if (len > *width)
		*width = len;
	table->cell[table->cells++] = text;
}

void print_table_end(struct print_table *table)
{
	for (int i = 0; i < table->cells; i++) {
		const int column = i % table->columns;
		if (column == table->columns - 1)
			printf("%s\n", table->cell[i]);
		else
			printf("%-*s  ", table->width[column], table->cell[i]);
		free(table->cell[i]);
	}
	free(table->cell);
	free(table);
}

const char *print_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "-";
}

int64_t print_integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

const char *print_duration(int64_t seconds, char buffer[32])
{
	static const struct {
		char unit;
		int seconds;
	} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	int used = 0;
	buffer[0] = '\0';
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		const long long n = seconds / units[i].seconds;
		if (n == 0 && !(units[i].unit == 's' && used == 0))
			continue;
		seconds %= units[i].seconds;
		used += snprintf(buffer + used, 32 - (size_t)used, "%s%lld%c", used ? " " : "", n,
			units[i].unit);
	}
	return buffer;
}

const char *print_scaled(double number, char buffer[32])
{
	static const char letters[] = "kMGT";
	int power = -1;
	while (number >= 999.5 && power < 3) {
		number /= 1000;
		power++;
	}
	if (power < 0)
		snprintf(buffer, 32, "%.0f", number);
	else
		snprintf(buffer, 32, "%.*f %c", number < 99.95 ? 1 : 0, number, letters[power]);
	return buffer;
}

const char *print_bytes(int64_t bytes, char buffer[32])
{
	print_scaled((double)bytes, buffer);
	const size_t used = strlen(buffer);
	snprintf(buffer + used, 32 - used, "%sB", bytes < 1000 ? " " : "");
	return buffer;
}

const char *print_microseconds(int64_t us, char buffer[32])
{
	if (us < 1000)
		snprintf(buffer, 32, "%lld us", (long long)us);
	else
		snprintf(buffer, 32, "%.*f ms", us < 99950 ? 1 : 0, (double)us / 1000);
	return buffer;
}

const char *print_limit(int64_t number, char buffer[32])
{
	if (number == 0)
		return strcpy(buffer, "none");
	return print_scaled((double)number, buffer);
}
