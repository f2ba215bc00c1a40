/* A chappe-store under test, with its files in DIRECTORY/store, its sockets, configuration and log
 * in DIRECTORY. */
#ifndef CHAPPE_TEST_SOAK_STORE_H
#define CHAPPE_TEST_SOAK_STORE_H

#include "soak_play.h"

#include <sys/types.h>

enum { SOAK_PATH_BYTES = 256 };

struct soak_store {
	const char *program, *directory;
	const char *preload; /* a library for LD_PRELOAD, or NULL */
	pid_t pid;
};

void soak_configure(const struct soak_store *store);
void soak_path(const struct soak_store *store, const char *name, char path[SOAK_PATH_BYTES]);
void soak_start(struct soak_store *store);
/* Waits until it has connected; fails where it does not, or ends. */
void soak_attach(struct soak_store *store, struct play *play);
/* SIGKILL; fails where it has ended by itself. */
void soak_kill(struct soak_store *store);

#endif
