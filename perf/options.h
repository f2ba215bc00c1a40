/* Options of the benchmarks; each reads those that it has a use for. */
#ifndef CHAPPE_PERF_OPTIONS_H
#define CHAPPE_PERF_OPTIONS_H

#include "src/wire.h"
#include <stdbool.h>
#include <stdint.h>

enum { OPTIONS_LIST_MAX = 8 };

struct options_list {
	uint32_t n, values[OPTIONS_LIST_MAX];
};

struct options {
	uint32_t sessions, family, pairs, frames;
	enum wire_suite suite;
	struct options_list cells, bursts, offload;
	bool stages; /* say where the cycles go */
};

/* Ends the process with a message where they are wrong. */
void options_parse(struct options *options, int argc, char **argv);

#endif
