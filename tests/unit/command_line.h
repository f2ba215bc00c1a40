/* Command lines for tests of what reads them. */
#ifndef CHAPPE_TESTS_COMMAND_LINE_H
#define CHAPPE_TESTS_COMMAND_LINE_H

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { COMMAND_LINE_WORDS = 512 };

/* Splits a line at spaces, for a getopt_long() that begins anew. Returns argc; the words live until
 * the next call. */
static inline int command_line(const char *line, char *argv[COMMAND_LINE_WORDS])
{
	static char text[8192];
	int argc = 0;

	snprintf(text, sizeof text, "%s", line);
	for (char *rest = text, *word; (word = strsep(&rest, " ")) != NULL;)
		argv[argc++] = word;
	argv[argc] = NULL;
	optind = 0; /* glibc: from the start again */
	return argc;
}

#endif
