/* The dataplane's end of the link to chappe-store (store/link_msg.h, store/share.h), as far as a
 * message store needs one: benchmarks and the kill test play dataplane and devices by it. One
 * thread uses it. Functions return 0 or -errno. */
#ifndef CHAPPE_PERF_STORE_END_H
#define CHAPPE_PERF_STORE_END_H

#include "store/link_msg.h"
#include "store/share.h"

struct store_end {
	struct share share;
	char path[108]; /* store.sock */
	int memory;
	int bell, handed;     /* a pair, of which the store gets the second */
	int listener, socket; /* socket: -1 while no store is there */
	uint32_t workers, devices_max;
	uint64_t boot;
};

/* Listens in run_dir; the rings are there from then on. */
int store_end_open(
	struct store_end *end, const char *run_dir, uint32_t workers, uint32_t devices_max);
void store_end_close(struct store_end *end);

/* Waits for a store, greets it, and says that all has to be resolved anew. -ETIMEDOUT, -EPROTO. */
int store_end_accept(struct store_end *end, int timeout_ms);
/* Whether the store has closed its end, which then is closed here too. */
bool store_end_lost(struct store_end *end);
/* Rings with new memory, under another boot, as of a dataplane that started anew; what was in the
 * old ones is gone, and so is the connection. */
int store_end_renew(struct store_end *end);

/* What a worker does: a frame, 480 or 1200 bytes with its inner header, 32 of a `received`, for the
 * slot its route leads to. False: the ring is full. */
bool store_end_put(struct store_end *end, uint32_t worker, enum share_up_kind kind, uint32_t device,
	uint32_t index, const void *frame, uint16_t len);
/* What main does. False: no room. */
bool store_end_tell(
	struct store_end *end, enum share_event_kind kind, uint32_t device, const uint8_t *route);
/* Tells the store that something came. */
void store_end_ring(const struct store_end *end);

/* The next record from the store that is one; false: there is none. */
bool store_end_take(struct store_end *end, struct share_down *record);
/* Sleeps until the store rings, at most so long. */
void store_end_wait(const struct store_end *end, int timeout_ms);

#endif
