#include "work.h"

#include "backup.h"
#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PROBE_BYTES = 1 << 20, PATH_BYTES = 1024 };

int work_init(struct work *work, struct depot *depot, const char *directory)
{
	memset(work, 0, sizeof *work);
	work->depot = depot;
	work->directory = directory;
	return job_init(&work->job);
}

void work_free(struct work *work)
{
	if (work->depot)
		job_free(&work->job);
}

int work_verify(struct work *work)
{
	if (work->verify == ADMIN_JOB_RUNNING)
		return -EBUSY;
	work->verify = ADMIN_JOB_RUNNING;
	work->verified = work->bad = 0;
	work->place = 0;
	work->number = 0;
	return 0;
}

/* Looks at the next message of a mailbox; false behind its last one. */
static bool verify_next(struct work *work, const struct mailbox *box)
{
	const uint32_t at = mailbox_from(box, work->number);

	if (at >= depot_committed(work->depot, box))
		return false;
	work->verified++;
	work->number = mailbox_number(box->entries[at]) + 1;
	if (depot_check(work->depot, box, at) < 0)
		work->bad++;
	return true;
}

static void verify_some(struct work *work)
{
	const struct mailboxes *boxes = depot_mailboxes(work->depot);
	uint32_t read = 0, places = 0;

	while (read < WORK_VERIFY_A_TURN && places < 64 * WORK_VERIFY_A_TURN) {
		if (work->place >= mailboxes_places(boxes)) {
			work->verify = ADMIN_JOB_DONE;
			return;
		}
		const struct mailbox *box = mailbox_at(boxes, work->place);
		if (box && verify_next(work, box)) {
			read++;
			continue;
		}
		work->place++;
		work->number = 0;
		places++;
	}
}

static int do_compact(void *arg, char text[ADMIN_TEXT_BYTES])
{
	const struct work *work = arg;
	const int result = depot_compact_tables(work->depot);

	if (result < 0)
		snprintf(text, ADMIN_TEXT_BYTES, "compaction: %s", strerror(-result));
	return result;
}

static int do_backup(void *arg, char text[ADMIN_TEXT_BYTES])
{
	const struct work *work = arg;

	return backup_make(work->depot, work->directory, text);
}

static int do_backup_end(void *arg, char text[ADMIN_TEXT_BYTES])
{
	const struct work *work = arg;
	const int result = backup_remove(work->directory);

	if (result < 0)
		snprintf(text, ADMIN_TEXT_BYTES, "the copy could not be removed: %s",
			strerror(-result));
	return result;
}

/* Whether as much as a memory table's log takes at once can be written. */
static int do_probe(void *arg, char text[ADMIN_TEXT_BYTES])
{
	static const uint8_t zeros[PROBE_BYTES / 16];
	const struct work *work = arg;
	char path[PATH_BYTES];
	int result = 0;

	(void)text;
	snprintf(path, sizeof path, "%.800s/probe", work->directory);
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	for (int i = 0; i < 16 && result == 0; i++) {
		errno = ENOSPC; /* of a short write */
		result = write(fd, zeros, sizeof zeros) != sizeof zeros ? -errno : 0;
	}
	if (result == 0 && fsync(fd) != 0)
		result = -errno;
	close(fd);
	(void)unlink(path);
	return result;
}

int work_start(struct work *work, enum work_kind kind)
{
	static job_work *const works[] = { [WORK_COMPACT] = do_compact,
		[WORK_BACKUP] = do_backup,
		[WORK_BACKUP_END] = do_backup_end,
		[WORK_PROBE] = do_probe };

	if (work->kind != WORK_NONE)
		return -EBUSY;
	depot_hold_keys(work->depot, kind == WORK_BACKUP);
	const int result = job_start(&work->job, works[kind], work);
	if (result < 0) {
		depot_hold_keys(work->depot, false);
		return result;
	}
	work->kind = kind;
	if (kind == WORK_COMPACT)
		work->compact = ADMIN_JOB_RUNNING;
	return 0;
}

static enum work_kind take_end(struct work *work)
{
	const enum work_kind kind = work->kind;

	if (kind == WORK_NONE || !job_take_end(&work->job))
		return WORK_NONE;
	work->kind = WORK_NONE;
	depot_hold_keys(work->depot, false);
	if (kind == WORK_COMPACT)
		work->compact = work->job.result < 0 ? ADMIN_JOB_FAILED : ADMIN_JOB_DONE;
	if (kind == WORK_PROBE)
		work->writes_again = work->job.result == 0;
	return kind;
}

enum work_kind work_turn(struct work *work, uint64_t now_us)
{
	const enum work_kind ended = take_end(work);

	if (work->verify == ADMIN_JOB_RUNNING)
		verify_some(work);
	if (!depot_failed(work->depot))
		return ended;
	if (work->probe_us == 0 || ended == WORK_PROBE)
		work->probe_us = now_us + WORK_PROBE_US;
	else if (now_us >= work->probe_us && !depot_is_short(work->depot))
		(void)work_start(work, WORK_PROBE);
	return ended;
}

uint64_t work_due_us(const struct work *work)
{
	return work->verify == ADMIN_JOB_RUNNING ? 0 : UINT64_MAX;
}
