/* One process at a time has a device's directory. While `recv` has it, `send` hands its message to
 * that process and waits for the outcome, and other commands borrow the directory. */
#ifndef CHAPPE_CLI_HANDOVER_H
#define CHAPPE_CLI_HANDOVER_H

#include "src/cli/cli.h"

/* ---- handover_ask.c: those who come to the process that receives ---- */

/* *handed is false where nobody listens; otherwise the message may have been sent, and the error
 * tells how it ended. */
enum chappe_error handover_send(const struct cli *cli, const char *name, const void *data,
	size_t len, const struct cli_sending *sending, int timeout_ms, bool *handed);

/* A descriptor that stands for the directory, which is free until it is closed; -1 where nobody
 * listens, or what is being sent takes too long. */
int handover_borrow(const struct cli *cli, int timeout_ms);

/* ---- handover.c: the process that receives ---- */

struct handover;

/* Listens, and serves from cli's loop from now on. NULL where that can't be: recv works without. */
struct handover *handover_start(struct cli *cli);
/* To be given every event. */
void handover_event(struct handover *handover, const struct chappe_event *event);
/* Takes no more; goes on until those already taken have their outcome. handover may be NULL. */
void handover_finish(struct handover *handover);

#endif
