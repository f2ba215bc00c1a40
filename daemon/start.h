/* How chappe-control and chappe-store begin, before they have anything to lose. */
#ifndef CHAPPE_DAEMON_START_H
#define CHAPPE_DAEMON_START_H

#include "daemon/arguments.h"

enum { DAEMON_ERROR_BYTES = 1024 };

struct daemon_program {
	const char *name;
	const char *about; /* for the help: what it does */
	/* Fills config with what the file at path says, over the defaults. Returns 0 or -errno with
	 * error set. */
	int (*configure)(const char *path, void *config, char error[DAEMON_ERROR_BYTES]);
};

/* Reads the command line and the configuration it names, makes the files of the process its own
 * account's alone (umask) and starts libsodium. Returns DAEMON_GOES_ON; or, after help or saying
 * what is wrong, the status to exit with. --check is the caller's. */
enum { DAEMON_GOES_ON = -1 };
int daemon_start(const struct daemon_program *program, int argc, char **argv,
	struct daemon_arguments *arguments, void *config);

#endif
