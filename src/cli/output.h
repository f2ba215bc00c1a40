/* What chappe recv does with a message: writes it where it is wanted. */
#ifndef CHAPPE_CLI_OUTPUT_H
#define CHAPPE_CLI_OUTPUT_H

#include "src/chappe.h"

struct output {
	const char *directory; /* a file for each message; NULL: standard output */
	bool json;
	bool terminal; /* standard output is one */
	bool exact;    /* the bytes as they came, without a newline */
	bool names;    /* lines begin with the contact's name */
};

/* 0 once the message is safe there, else -errno. */
int output_message(const struct output *output, const struct chappe_event *event);

#endif
