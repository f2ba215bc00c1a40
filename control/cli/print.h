/* How chappectl shows things to people. */
#ifndef CHAPPE_CONTROL_CLI_PRINT_H
#define CHAPPE_CONTROL_CLI_PRINT_H

#include <jansson.h>
#include <stdint.h>

/* A JSON value as indented text and a newline. Takes the reference. */
void print_json(json_t *value);

/* A table: rows of columns cells, the first row the headings. Cells are copied. */
struct print_table;
struct print_table *print_table_new(int columns);
void print_cell(struct print_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void print_table_end(struct print_table *table); /* prints and frees */

/* Members of an object; "-" and 0 where they are missing or null. */
const char *print_text(const json_t *object, const char *key);
int64_t print_integer(const json_t *object, const char *key);

/* 93784 as "1d 2h 3m 4s"; 0 units are left out. buffer has 32 bytes and is returned. */
const char *print_duration(int64_t seconds, char buffer[32]);
/* 12500000 as "12.5 M"; below 1,000 as it is. */
const char *print_scaled(double number, char buffer[32]);
/* Bytes as "12.5 MB"; microseconds as "1.2 ms". */
const char *print_bytes(int64_t bytes, char buffer[32]);
const char *print_microseconds(int64_t us, char buffer[32]);
/* 0 as "none", else as print_scaled. */
const char *print_limit(int64_t number, char buffer[32]);

#endif
