/* A restoration: what restore_read.c, which reads what a backup says it is, shares with restore.c.
 */
#ifndef CHAPPE_CONTROL_CLI_RESTORE_H
#define CHAPPE_CONTROL_CLI_RESTORE_H

#include "files.h"
#include "options.h"
#include "owner.h"

#include <jansson.h>

struct restore {
	const struct options *options;
	struct owner owner;
	struct files files;
	const char *from;
	bool messages;          /* the backup has them, and they are wanted */
	json_t *about, *listed; /* listed: file -> sum */
	json_t *cancelled;      /* beginnings of ids of invitations */
	/* Where it is put together; "" before they are made. */
	char state[FILES_PATH_BYTES], store[FILES_PATH_BYTES];
};

/* Both say what is the matter and return the status to end with. */
int restore_damaged(const struct restore *restore, const char *what, const char *why);
int restore_failed(const struct restore *restore, int error);

/* Fills about, listed and messages. Returns CLI_OK or the status to end with. */
int restore_read(struct restore *restore);

#endif
