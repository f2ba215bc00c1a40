/* Client of the `punt` link (src/punt_msg.h): frames for control, frames from control. Lossy: what
 * the socket does not take is counted and gone. */
#ifndef CHAPPE_CONTROL_PUNT_LINK_H
#define CHAPPE_CONTROL_PUNT_LINK_H

#include "src/punt_msg.h"

struct punt_link;
struct event_base;

struct punt_link_calls {
	void (*record)(void *arg, const struct punt_record *record);
	void (*turn)(void *arg); /* all records that were there have been given */
};

/* lost: counter of records the socket did not take. Returns 0 or -errno. */
int punt_link_create(struct punt_link **link, struct event_base *base, const char *path,
	const struct punt_link_calls *calls, void *arg, uint64_t *lost);
void punt_link_destroy(struct punt_link *link);

/* A record to fill in, zeros at first; sent with others at the end of this turn of the event loop.
 * NULL, and counted, when there is no room. */
struct punt_record *punt_link_add(struct punt_link *link);

#endif
