/* The command line of chappe-control and chappe-store. */
#ifndef CHAPPE_DAEMON_ARGUMENTS_H
#define CHAPPE_DAEMON_ARGUMENTS_H

#include <stdbool.h>

struct daemon_arguments {
	const char *config, *pid_file; /* NULL: not given */
	bool check;
};

/* Returns 0; 1 after printing help or the version; -1 after saying what is wrong. about says, for
 * the help, what the program does. */
int daemon_arguments(int argc, char **argv, const char *program, const char *about,
	struct daemon_arguments *arguments);

#endif
