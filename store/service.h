/* What chappe-store is made of. One thread, that of loop.h, uses all of it.
 *
 * A turn begins at a tick: multiples of TICK_US of the monotonic clock. In each, in this order:
 *   release  `accepted` goes out for every frame that came before the last tick and whose commit
 *            has ended by now
 *   take     frames and `received` that have come, a bounded batch
 *   commit   of what was taken begins, where the one before has ended: a thread of its own
 *   deliver  what waits for devices that are online, until GUARD_US before the next tick
 *
 * Where much comes there are steps between ticks: what has come is taken, and a commit begins once
 * the one before has ended and enough has gathered. Frames then wait in no ring and the disk for no
 * tick, and `accepted` leaves as it would without.
 *
 * So `accepted` leaves at ticks only, decided by when the frame came and how long the disk took, in
 * a ring from which deliveries have been taken by then: they stop early enough, and there are never
 * more in it than the dataplane takes in that time. Whether a recipient is online shows in nothing
 * that its senders see. A frame waits for the next tick, then for its commit and the tick after
 * that: 5 to 10 ms where the disk takes less than 5.
 *
 * Ticks are that long to hide a commit: on a quiet store there is one because a recipient said
 * `received`, or none. In a crowd, where SERVICE_CROWD frames a tick come for a while, there is
 * one in any case, of many frames, and one of them more or less does not show. Then there are
 * short ticks, too, in steps at multiples of SHORT_TICK_US: only for `accepted`, and deliveries
 * stop SHORT_GUARD_US before, in which the dataplane takes twice what may be in the ring. Frames
 * that get `accepted` make a crowd; nothing does that a recipient sends. */
#ifndef CHAPPE_STORE_SERVICE_H
#define CHAPPE_STORE_SERVICE_H

#include "accept.h"
#include "attach.h"
#include "deliver.h"
#include "depot.h"
#include "latency.h"
#include "resolve.h"
#include "work.h"

enum {
	TICK_US = 5000,
	GUARD_US = 1000,
	SHORT_TICK_US = 1000,
	SHORT_GUARD_US = 300,
	STEP_US = 500,
	SERVICE_BUSY = 256,    /* records in a tick: 51,200 a second */
	SERVICE_CROWD = 256,   /* frames to be stored in a tick, on the average of */
	CROWD_TICKS = 16,      /* so many */
	SERVICE_GATHER = 1024, /* frames for which a commit begins between ticks */
	SERVICE_ERROR_BYTES = DEPOT_ERROR_BYTES,
};

struct service {
	const char *directory;
	struct depot *depot;
	int commit_ended; /* eventfd: another one may begin */
	struct depot_limits limits;
	struct depot_report report; /* of the start */
	struct attach attach;
	struct accept accept;
	struct deliver deliver;
	struct resolve resolve;
	struct latency commits;
	uint32_t committed; /* commits, since start */
	struct work work;
	enum work_kind work_ended; /* in this turn; its result is in work.job */
	uint64_t now_us;           /* of this turn */
	uint64_t keep_house_us;    /* when time and disk are looked at next */
	uint64_t sweep_us;         /* when the sweep goes on; UINT64_MAX: it is through */
	uint64_t turn_keys_us;     /* when keys are */
	uint64_t unreadable;       /* of those that deliveries found, on the log by now */
	uint64_t hold_us;          /* no sweep begins before: the clock may be wrong */
	uint32_t house_minute;     /* by the clock, a second ago */
	uint32_t swept_minute;     /* in which the last sweep began */
	bool input;                /* the dataplane rang, or there was more than a batch */
	bool commit_owed;          /* since the last tick, as another was under way */
	uint32_t came;             /* records taken since the last tick */
	bool busy;                 /* so many that steps are worth the while */
	uint32_t stored;           /* frames that get `accepted`, taken since the last tick */
	uint32_t crowd;            /* the same of CROWD_TICKS ticks, older ones count for less */
	bool crowded;              /* so many that there are short ticks */
	uint64_t short_tick_us;    /* when the next one is due */
	bool more;                 /* than a step takes have come */
};

/* Opens what is in the directory, which is reported on the log. Returns 0 or -errno with a text. */
int service_open(struct service *service, const char *directory, const char *run_dir,
	char error[SERVICE_ERROR_BYTES]);
void service_close(struct service *service);

/* A turn up to deliver; at a tick. */
void service_turn(struct service *service, uint64_t now_us);
/* What can be done between ticks while `busy`. */
void service_step(struct service *service, uint64_t now_us);
/* Delivers until then, or until the ring has enough; true where the ring is why it ended. */
bool service_deliver(struct service *service, uint64_t until_us);
/* Commits all that was taken, now. 0 or -errno. */
int service_commit(struct service *service);
/* When the next turn is due: 0 at the next tick. */
uint64_t service_due_us(const struct service *service);
/* At the end of the process: what was taken is committed and acknowledged. */
void service_finish(struct service *service);

#endif
