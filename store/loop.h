/* The event loop of chappe-store: turns at ticks, administrators, signals. It sleeps while there is
 * nothing to do. */
#ifndef CHAPPE_STORE_LOOP_H
#define CHAPPE_STORE_LOOP_H

#include "admin.h"
#include "service.h"

enum { LOOP_EVENTS = 16 };

struct loop {
	struct service *service;
	struct admin *admin;
	int epoll, signals;
	bool running;
};

/* The signals are blocked by then, in all threads. 0 or -errno. */
int loop_open(struct loop *loop, struct service *service, struct admin *admin);
void loop_close(struct loop *loop);
/* Until a signal ends it. 0, -errno, or -EAGAIN where the disk, after a failure, writes again:
 * another process has to open it. */
int loop_run(struct loop *loop);

#endif
