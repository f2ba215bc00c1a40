/* The depot: all that waits, on disk and in the index, without the links that bring and fetch it.
 * One thread uses it.
 *
 * What depot_take() and depot_received() say holds from the next depot_commit() on that returns 0;
 * before that nothing is acknowledged to anybody. */
#ifndef CHAPPE_STORE_DEPOT_H
#define CHAPPE_STORE_DEPOT_H

#include "engine.h"
#include "mailbox.h"

enum {
	DEPOT_BATCH_MAX = ENGINE_BATCH_MAX, /* frames between two commits */
	DEPOT_ERROR_BYTES = 1024,
	DEPOT_TTL_MINUTES = 21 * 24 * 60,
	DEPOT_LATE_MINUTES = 24 * 60, /* a start does not erase what is over for longer */
	DEPOT_SWEEP_WORK = 32768,     /* entries that a step of the sweep looks at, */
	DEPOT_SWEEP_ERASED = 2048,    /* and erases, at most */
};

struct depot_limits {
	uint32_t route_frames, device_frames;
	uint64_t route_bytes, device_bytes; /* of cells: 512 and 1232 */
	uint64_t total_bytes;
	uint64_t disk_free_bytes; /* no frame is taken while the disk has less room than this */
	uint32_t ttl_minutes;     /* for frames that name none, and the most any gets */
};

/* What was found at start. */
struct depot_report {
	struct engine_report engine;
	uint64_t messages, delivered; /* that wait; that are kept to know a repetition */
	uint64_t damaged;             /* ranges of the index that can't be read */
	uint64_t rebuilt;             /* messages in them, found again by their cells */
	uint64_t unindexed;  /* of these, behind the end of the index: the process ended before it
			      * was written, or its last writes are lost */
	uint64_t unreadable; /* records, or ranges of cells, that are lost */
	uint64_t late; /* messages whose time was over DEPOT_LATE_MINUTES ago: they still wait */
};

enum depot_verdict {
	DEPOT_TAKEN,
	DEPOT_KNOWN,      /* the same route and frame_id: it is there, or was delivered of late */
	DEPOT_OVER_ROUTE, /* quotas */
	DEPOT_OVER_DEVICE,
	DEPOT_OVER_TOTAL, /* the bound of the store, or of the disk */
	DEPOT_FAILED,     /* the disk does not write, memory is short, or a commit is due first */
	DEPOT_VERDICTS,
};

struct depot;

/* now: minutes since 1970. Returns 0 or -errno with a text. */
int depot_open(struct depot **depot, const char *directory, const struct depot_limits *limits,
	uint32_t devices_max, uint32_t now, struct depot_report *report,
	char error[DEPOT_ERROR_BYTES]);
void depot_close(struct depot *depot);

void depot_set_time(struct depot *depot, uint32_t now);
/* How much room the disk has: each commit asks, but while it is short there is none. */
void depot_look_at_disk(struct depot *depot);
/* What waits stays, also above them. */
void depot_set_limits(struct depot *depot, const struct depot_limits *limits);

/* A stored frame for a route that leads to a device; len is 480 or 1200. */
enum depot_verdict depot_take(
	struct depot *depot, uint32_t device, const struct wire_inner *frame, uint32_t len);

/* The recipient has it: erased. -ENOENT where nothing waits by that name (any more); another -errno
 * where it can't be kept that it was received, so that it stays. */
int depot_received(struct depot *depot, const uint8_t *route, uint64_t frame_id);

/* Everything since the last commit becomes durable together. After a failure nothing of it is, no
 * frame is taken any more, and what waits can still be read. */
int depot_commit(struct depot *depot);
/* The same in two steps: what comes between them belongs to the next commit. depot_commit_end()
 * says -EINPROGRESS until the disk has it all, or waits for that; 0 where none was begun. took_us,
 * which may be NULL, is how long the disk took. */
int depot_commit_begin(struct depot *depot);
int depot_commit_end(struct depot *depot, bool wait, uint32_t *took_us);
/* Adds one to an eventfd whenever a commit has ended; said before the first. */
void depot_tell_end(struct depot *depot, int event);
bool depot_is_committing(const struct depot *depot);
bool depot_has_changes(const struct depot *depot);

/* How many of the first messages of a mailbox are committed, and so can be read. */
uint32_t depot_committed(const struct depot *depot, const struct mailbox *box);
/* In which minute the message at a position came. */
uint32_t depot_arrived(const struct depot *depot, const struct mailbox *box, uint32_t at);
/* Reads the message at a position of a mailbox. -EBADMSG where it is damaged, -ENOENT where it is
 * not committed yet, -EIO. */
int depot_read(struct depot *depot, const struct mailbox *box, uint32_t at,
	struct record_frame *frame) __attribute__((warn_unused_result));
/* Gives up a message that can't be read. False where the mailbox is gone with it. */
bool depot_give_up(struct depot *depot, struct mailbox *box, uint32_t at);

/* A bounded step through all mailboxes, also through a large one: what is too old is erased.
 * Returns true once it has been through all of them. Follow with depot_commit(). */
bool depot_sweep(struct depot *depot);

struct mailboxes *depot_mailboxes(const struct depot *depot);
uint32_t depot_epochs(const struct depot *depot);
uint64_t depot_expired(const struct depot *depot);   /* frames, since start */
uint64_t depot_disk_free(const struct depot *depot); /* bytes */
bool depot_is_short(const struct depot *depot);      /* the disk has less room than the limit */
bool depot_failed(const struct depot *depot);        /* a commit did: nothing is taken any more */

/* Destroys the keys of epochs of which no message is left, and begins new epochs in the place of
 * those that end, so that no frame has to wait for that: every few seconds. */
void depot_turn_keys(struct depot *depot);

/* Looks whether a committed message and its index can be read and belong together. 0, -EBADMSG,
 * -ENOENT, -EIO. */
int depot_check(struct depot *depot, const struct mailbox *box, uint32_t at);

/* Rewrites the tables without what was erased. depot_compact_tables() is the part of it that takes
 * long: another thread may call it meanwhile. */
int depot_compact(struct depot *depot);
int depot_compact_tables(const struct depot *depot);
/* A consistent copy of the messages in a new directory on the same file system, also from another
 * thread. Held keys are not destroyed before they are let go. */
int depot_copy(const struct depot *depot, const char *directory, char error[ENGINE_ERROR_BYTES]);
void depot_hold_keys(struct depot *depot, bool held);

#endif
