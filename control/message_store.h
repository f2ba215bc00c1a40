/* Control's side of the message store: sends it the limits, asks how it does, and has it erase what
 * waits under routes that are gone. */
#ifndef CHAPPE_CONTROL_MESSAGE_STORE_H
#define CHAPPE_CONTROL_MESSAGE_STORE_H

#include "message_link.h"
#include "store.h"

struct control;

enum {
	MESSAGE_ERASE_BATCH = 64,
	/* A frame that was on its way when its route was revoked may reach the message store after
	 * the erasure: a route is erased at once, and again so long after the dataplane has
	 * forgotten it. */
	MESSAGE_SETTLE_TURNS = 3, /* of a second */
};

struct message_erasures {
	uint64_t asked; /* row up to which all were erased a first time over this connection */
	/* Highest row that there was 0, 1, 2 ... turns ago; 0 where the dataplane was not in step.
	 */
	uint64_t settled[MESSAGE_SETTLE_TURNS];
	bool running, final, complained;
	uint32_t count, next;
	struct store_erasure batch[MESSAGE_ERASE_BATCH];
};

struct message_store {
	struct message_link *link;
	int64_t connected_s; /* 0 = it is not */
	bool asking;         /* a STATUS is on its way */
	bool complained;     /* that its disk fails */
	struct admin_status status;
	int64_t status_s; /* when it came; 0 = none over this connection */
	struct message_erasures erasures;
};

int message_store_start(struct control *control);
void message_store_stop(struct control *control);
void message_store_second(struct control *control);
/* message_erase.c: looks for what is to be erased; to be called again and again. */
void message_erase(struct control *control, bool second);

#endif
