/* The `punt` link (src/punt_msg.h): what workers punt goes to control in batches, what control
 * wants sent goes to inject rings. Lossy, never blocking, every loss counted. */
#ifndef CHAPPE_DATAPLANE_PUNT_LINK_H
#define CHAPPE_DATAPLANE_PUNT_LINK_H

#include "dataplane.h"
#include "link.h"
#include "src/punt_msg.h"

struct punt_link {
	struct dataplane *dataplane;
	struct link link;
	uint32_t next_worker; /* whose ring is emptied first: they take turns */
	uint32_t pending;     /* records of out that the socket had no room for */
	struct punt_record in[PUNT_RECORDS_MAX], out[PUNT_RECORDS_MAX];
};

/* Reads what control has sent; a bounded number of messages. */
void punt_link_receive(struct punt_link *punt);

/* Empties punt rings, a bounded number of frames. While control is slow they fill up, and workers
 * demand a mac2; while none is connected what they hold is dropped. Returns how many were taken. */
uint32_t punt_link_send(struct punt_link *punt);

#endif
