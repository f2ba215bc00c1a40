/* The connection to the dataplane: `store.sock` (link_msg.h), made again whenever it ends, and the
 * memory that comes over it. A dataplane that is gone or makes no sense is tried again after 50 ms,
 * then after at most half a second; said once on the log until one has come. Nothing here blocks.
 */
#ifndef CHAPPE_STORE_ATTACH_H
#define CHAPPE_STORE_ATTACH_H

#include "link_msg.h"
#include "share.h"

enum attach_state {
	ATTACH_AWAY,    /* tried again at retry_us */
	ATTACH_HELLO,   /* connected; the hello has not come */
	ATTACH_PRESENT, /* the rings are there */
};

struct attach {
	char path[108];
	enum attach_state state;
	int socket, bell;   /* descriptors: -1 for none */
	int epoll;          /* the caller's, or -1: where both are watched, at edges */
	struct share share; /* while PRESENT */
	uint32_t devices_max;
	uint64_t retry_us;
	uint32_t wait_us;
	bool complained;
};

/* Nothing is tried before attach_turn(). -ENAMETOOLONG. */
int attach_init(struct attach *attach, const char *run_dir);
/* Connects where it is time to, or takes the hello where that has come. True where the state has
 * become PRESENT. */
bool attach_turn(struct attach *attach, uint64_t now_us);
/* Whether the peer has closed the socket, or sent what it must not. */
bool attach_broken(const struct attach *attach);
/* Lets go of the dataplane; why is for the log. */
void attach_end(struct attach *attach, uint64_t now_us, const char *why);
/* When attach_turn() is due without input; UINT64_MAX while PRESENT. */
uint64_t attach_due_us(const struct attach *attach);
/* Tells the dataplane that the down ring is not empty. */
void attach_ring(const struct attach *attach);
/* Takes what the dataplane rang. */
void attach_rung(const struct attach *attach);

#endif
