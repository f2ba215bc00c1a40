/* The command line: our options, then EAL's after "--". */
#ifndef CHAPPE_DATAPLANE_ARGUMENTS_H
#define CHAPPE_DATAPLANE_ARGUMENTS_H

#include <stdbool.h>

enum { ARGUMENTS_EAL_MAX = 128 };

struct arguments {
	const char *config, *pid_file;
	bool check;
	char *eal[ARGUMENTS_EAL_MAX]; /* argv of rte_eal_init(), NULL at its end */
	int eal_count;
};

/* Returns 0; 1 after printing help or the version; -1 after saying what is wrong. Adds to EAL's
 * arguments what Chappe needs where the operator has not decided: no telemetry, no files shared
 * with other DPDK processes, memory that does not grow. */
int arguments_parse(int argc, char **argv, struct arguments *arguments);

#endif
