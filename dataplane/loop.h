/* The main lcore's loop: signals, the links, events and punts of the workers, the tables'
 * grace periods. */
#ifndef CHAPPE_DATAPLANE_LOOP_H
#define CHAPPE_DATAPLANE_LOOP_H

#include "punt_link.h"
#include "store_link.h"
#include "table_link.h"

struct loop {
	int epoll, signals;
	bool opened, running;
	struct dataplane *dataplane;
	struct table_link table;
	struct punt_link punt;
	struct store_link store;
};

/* Makes the run directory and the sockets in it. Returns 0, or -errno and a text. */
int loop_open(struct loop *loop, struct dataplane *dataplane, char *error, size_t error_len);

/* Until SIGTERM or SIGINT. */
void loop_run(struct loop *loop);

void loop_close(struct loop *loop);

#endif
