#include "list.h"
#include "cli.h"
#include "client.h"
#include <stdio.h>

void list_print(const struct options *options, const struct list *list, json_t *rows)
{
	int columns = 0;
	size_t i;
	json_t *row;
	if (options->json) {
		print_json(json_pack("{s:o}", list->field, rows));
		return;
	}
	while (list->headings[columns] != NULL)
		columns++;
	struct print_table *table = print_table_new(columns);
	for (int column = 0; column < columns; column++)
		print_cell(table, "%s", list->headings[column]);
	json_array_foreach (rows, i, row) {
		list->cells(table, row);
	}
	print_table_end(table);
	if (json_array_size(rows) == 0 && list->empty != NULL)
		fprintf(stderr, "%s\n", list->empty);
	json_decref(rows);
}

int list_show(const struct options *options, const struct list *list, const char *path)
{
	json_t *rows;
	const int r = client_list(options, path, list->field, &rows);
	if (r == CLI_OK)
		list_print(options, list, rows);
	return r;
}

int list_show_of(const struct options *options, const struct list *list)
{
	char path[160], format[64];
	snprintf(path, sizeof path, "/v1/%s", list->field);
	snprintf(format, sizeof format, "/v1/devices/%%s/%s", list->field);
	if (options->operands == 1 &&
		client_path(options, path, sizeof path, format, options->operand[0]) != 0)
		return CLI_USAGE;
	return list_show(options, list, path);
}
