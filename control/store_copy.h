/* A copy of control's store, made while it is in use: some pages at a time, so that nothing waits.
 * What is written meanwhile is in it too, up to the last step. */
#ifndef CHAPPE_CONTROL_STORE_COPY_H
#define CHAPPE_CONTROL_STORE_COPY_H

#include "store.h"

struct store_copy;

/* path must not exist. Returns 0 or -errno with a text. */
int store_copy_begin(struct store *store, const char *path, struct store_copy **copy,
	char error[STORE_ERROR_BYTES]);
/* Copies a little. 1: go on, in another turn. 0: all is there and durable. Or -errno with a text.
 */
int store_copy_step(struct store_copy *copy, char error[STORE_ERROR_BYTES]);
/* Lets go of it; the file stays. NULL is allowed. */
void store_copy_end(struct store_copy *copy);

/* Looks through a store's file, every page of it. 0, or -EBADMSG with what is wrong. */
int store_check(const char *state_dir, char error[STORE_ERROR_BYTES]);

#endif
