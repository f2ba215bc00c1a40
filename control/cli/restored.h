/* Control's state from a backup, before it is put in place. */
#ifndef CHAPPE_CONTROL_CLI_RESTORED_H
#define CHAPPE_CONTROL_CLI_RESTORED_H

#include "control/store.h"

#include <jansson.h>

/* Leaves the mark that says to control that sessions of before are other devices' now. Both return
 * 0 or -errno with a text. */
int restored_mark(const char *state_dir, char error[STORE_ERROR_BYTES]);

/* Deletes the invitations that were open when the backup was made: whoever used one since would let
 * another device in with it. Notes it in the audit log, and in cancelled the beginnings of
 * their ids. */
int restored_cancel_invitations(
	const char *state_dir, json_t *cancelled, char error[STORE_ERROR_BYTES]);

#endif
