/* Between the files that read the configuration: config.c reads lines and keys, config_address.c
 * the addresses. */
#ifndef CHAPPE_DATAPLANE_CONFIG_PARSE_H
#define CHAPPE_DATAPLANE_CONFIG_PARSE_H

#include "config.h"
#include <stdio.h>

struct config_parse {
	struct config *config;
	const char *path;
	FILE *file;
	int line;      /* of what the handler sees: it runs before the next line is read */
	uint32_t seen; /* bit n: the n-th key */
	bool failed;
	char *error;
	size_t error_len;
};

/* Says FILE:LINE and why, unless something was refused before: the first reason is the one to mend.
 * Returns false, so that setters can return it. */
bool config_refuse(struct config_parse *parse, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A decimal number from min to max. what: its name in the message. */
bool config_number(struct config_parse *parse, const char *what, const char *text, uint32_t min,
	uint32_t max, uint32_t *out);

/* The value of a line `address`. */
bool config_add_address(struct config_parse *parse, const char *value);

#endif
