/* The `table` link (src/table_msg.h): control's changes go to the tables and are acknowledged; what
 * the dataplane knows of sessions goes to control. Output that the socket has no room for waits in
 * a queue of its own; reading stops while that is long. */
#ifndef CHAPPE_DATAPLANE_TABLE_LINK_H
#define CHAPPE_DATAPLANE_TABLE_LINK_H

#include "dataplane.h"
#include "link.h"
#include "store_link.h"
#include "table_queue.h"

enum {
	TABLE_LINK_QUEUE_BYTES = 4 << 20, /* above it nothing is read or dumped */
	TABLE_LINK_DUMPS_MAX = 16,
	TABLE_LINK_LEASES = 2048,     /* of each owner, on connecting; fewer in small tables */
	TABLE_LINK_LEASES_MAX = 8192, /* asked for at once */
	TABLE_LINK_ENDED_MAX = 256,
};

struct table_lease {
	uint32_t index, device; /* device: of the session installed on it */
	bool open;              /* control holds it and has not installed a session */
};

struct table_link {
	struct dataplane *dataplane;
	struct store_link *store; /* is told of devices; NULL: nobody is */
	struct link link;
	bool greeted; /* control has said hello */
	struct table_queue queue;
	uint32_t dump_count, dump_cursor;
	uint64_t dumps[TABLE_LINK_DUMPS_MAX]; /* seqs that asked; the first is being answered */
	struct table_lease *leases;           /* by slot */
	uint32_t slots;                       /* above all that were ever leased */
	struct table_ended ended[TABLE_LINK_ENDED_MAX]; /* gathered in a turn */
	uint32_t ended_count;
	uint64_t stages_until; /* TSC; 0: stages are not timed */
	void *in;              /* TABLE_MESSAGE_BYTES */
};

/* 0 or -ENOMEM. */
int table_link_init(struct table_link *table, struct dataplane *dataplane);
void table_link_free(struct table_link *table);

void table_link_accept(struct table_link *table);
/* Reads what control has sent; a bounded number of messages. */
void table_link_receive(struct table_link *table);
/* From every turn: confirmed sessions from the workers, ended ones from the tables, dumps, and what
 * waits to be sent. */
void table_link_turn(struct table_link *table);

#endif
