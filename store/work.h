/* What administrators ask for and what takes long: a look at all that waits, in steps of the
 * loop's; compaction and backup, on a thread. And, after a commit failed, whether the disk writes
 * again. */
#ifndef CHAPPE_STORE_WORK_H
#define CHAPPE_STORE_WORK_H

#include "depot.h"
#include "job.h"

enum {
	WORK_VERIFY_A_TURN = 64, /* messages: 12,800 a second, in about a tenth of the time */
	WORK_PROBE_US = 5000000, /* between looks at a disk that does not write */
};

enum work_kind { WORK_NONE, WORK_COMPACT, WORK_BACKUP, WORK_BACKUP_END, WORK_PROBE };

struct work {
	struct depot *depot;
	const char *directory;
	struct job job;
	enum work_kind kind;
	enum admin_job verify, compact;
	uint64_t verified, bad; /* by the last VERIFY */
	uint32_t place;         /* of the mailbox that is looked at */
	uint64_t number;        /* in it, from which on */
	uint64_t probe_us;
	bool writes_again;
};

int work_init(struct work *work, struct depot *depot, const char *directory);
void work_free(struct work *work);

/* 0 or -EBUSY. */
int work_verify(struct work *work);
/* 0, -EBUSY while another of them is under way, or -errno. */
int work_start(struct work *work, enum work_kind kind);
/* A step of what is under way. Returns what has ended, its result in work->job. */
enum work_kind work_turn(struct work *work, uint64_t now_us);
/* When work_turn() has something to do without an event: 0 at the next tick. */
uint64_t work_due_us(const struct work *work);

#endif
