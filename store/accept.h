/* From the dataplane's up rings into the depot, and `accepted` back.
 *
 * What accept_take() took is acknowledged only after a commit made it durable, and after a tick has
 * begun between the two, at the next accept_release(). A frame that is known is acknowledged like a
 * new one, one that is refused is not: its sender repeats it. */
#ifndef CHAPPE_STORE_ACCEPT_H
#define CHAPPE_STORE_ACCEPT_H

#include "deliver.h"
#include "depot.h"
#include "share.h"

enum {
	ACCEPT_WAITING_MAX = 32768, /* frames whose `accepted` has not gone out */
	ACCEPT_AT_ONCE = 32,        /* records that are looked up together */
	ACCEPT_TAKE_MAX = 1024,     /* records in one accept_take() */
};

struct accept_entry {
	uint32_t index;  /* session that gets `accepted` */
	uint32_t device; /* that gets the frame; MAILBOX_NO_DEVICE for one that was known */
	uint64_t frame_id;
	uint8_t route[WIRE_ROUTE_BYTES];
};

struct accept_counts {
	uint64_t accepted, repeated, received;
	uint64_t refused[DEPOT_VERDICTS]; /* by verdict */
};

/* Positions grow without bound: first <= committed <= sealed <= next; entry n is at
 * n % ACCEPT_WAITING_MAX. Those below `sealed` are being written, those below `due` came before the
 * last tick. */
struct accept {
	struct depot *depot;
	struct deliver *deliver;
	struct accept_counts counts;
	uint64_t first, committed, sealed, next, due;
	uint32_t ring; /* that is asked first in the next round */
	struct share_up records[ACCEPT_AT_ONCE];
	struct accept_entry entries[ACCEPT_WAITING_MAX];
};

void accept_init(struct accept *accept, struct depot *depot, struct deliver *deliver);
/* The dataplane is gone, and with it the sessions. Frames that were taken stay. */
void accept_forget(struct accept *accept);

/* Takes ACCEPT_TAKE_MAX records, a few of each ring in turn. Returns how many, or -EPROTO where the
 * dataplane wrote what must not be there. */
int accept_take(struct accept *accept, struct share *share, uint32_t devices_max);
/* Begins to commit what was taken, where nothing is being committed. */
void accept_commit_begin(struct accept *accept);
/* What depot_commit_end() says; after a failure all that was taken is forgotten. */
int accept_commit_end(struct accept *accept, bool wait, uint32_t *took_us);
/* A tick: what was taken up to now may be acknowledged from the next one on. */
void accept_tick(struct accept *accept);
/* Frames that wait for a commit to begin. */
uint64_t accept_gathered(const struct accept *accept);
/* Sends `accepted` for what is durable and came before the last tick. Returns how many. */
uint32_t accept_release(struct accept *accept, struct ring *down);
/* Whether anything waits for a commit or a release. */
bool accept_has_work(const struct accept *accept);

#endif
