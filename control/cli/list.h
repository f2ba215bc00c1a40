/* Lists of the API: tables for people, JSON for programs. */
#ifndef CHAPPE_CONTROL_CLI_LIST_H
#define CHAPPE_CONTROL_CLI_LIST_H

#include "options.h"
#include "print.h"

struct list {
	const char *field;           /* of the answer, that has the rows */
	const char *const *headings; /* the last one is NULL */
	/* Adds the cells of a row, one a heading. */
	void (*cells)(struct print_table *table, const json_t *row);
	const char *empty; /* what to say besides where there are no rows, or NULL */
};

/* Gets all rows under a path and prints them; an exit status. */
int list_show(const struct options *options, const struct list *list, const char *path);
/* Those of the device that the operand names, /v1/devices/NAME/FIELD, or of all, /v1/FIELD. */
int list_show_of(const struct options *options, const struct list *list);
/* Prints rows that are there; takes their reference. */
void list_print(const struct options *options, const struct list *list, json_t *rows);

#endif
