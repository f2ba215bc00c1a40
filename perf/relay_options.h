/* Options of the benchmarks of the relay's real processes; each reads those that it has a use for.
 */
#ifndef CHAPPE_PERF_RELAY_OPTIONS_H
#define CHAPPE_PERF_RELAY_OPTIONS_H

#include <stdint.h>

enum { RELAY_RUNS_MAX = 31 };

struct relay_options {
	uint32_t devices, routes; /* routes of each */
	uint32_t runs;
	const char *store; /* NULL: none is kept */
};

/* options: the defaults, and what is read. Ends the process with `usage` where it is wrong. */
void relay_options_parse(struct relay_options *options, int argc, char **argv, const char *usage);

#endif
