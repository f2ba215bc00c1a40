/* What keeps records on disk: a narrow interface, so that another engine, a replicated one say, can
 * take RocksDB's place. Records lie in two spaces under 64-bit numbers. One thread uses an engine,
 * but for engine_compact() and engine_copy(), which others may call meanwhile.
 *
 * Changes gather in one batch and become durable together; until engine_commit() has returned 0
 * nothing of them may be taken for done, and after a failure all, some or none of them may be on
 * disk. */
#ifndef CHAPPE_STORE_ENGINE_H
#define CHAPPE_STORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum engine_space {
	ENGINE_INDEX, /* small records, read whole at start */
	ENGINE_BODY,  /* cells, kept apart: a scan of the index does not read them */
	ENGINE_SPACES,
};

enum { ENGINE_ERROR_BYTES = 512 };

struct engine;

/* What engine_open() found wrong and went on without. */
struct engine_report {
	bool log_damaged;    /* records in the write-ahead log: skipped */
	bool tables_damaged; /* tables that don't open: what lies in them is not served */
	int read_only;       /* -errno of a disk that does not write: it is only read; else 0 */
	char text[ENGINE_ERROR_BYTES];
};

/* Opens the engine in a directory, makes it where there is none. Returns 0 or -errno with a text.
 */
int engine_open(struct engine **engine, const char *directory, struct engine_report *report,
	char error[ENGINE_ERROR_BYTES]);
void engine_close(struct engine *engine); /* what was not committed is dropped */

void engine_put(struct engine *engine, enum engine_space space, uint64_t number, const void *value,
	size_t bytes);
void engine_erase(struct engine *engine, enum engine_space space, uint64_t number);
/* All numbers from first on, below end, in both spaces. */
void engine_erase_range(struct engine *engine, uint64_t first, uint64_t end);
void engine_abandon(struct engine *engine); /* forgets the batch */
bool engine_has_changes(const struct engine *engine);

/* Makes the batch durable; it is empty afterwards, whatever the result. After -ENOSPC, -EROFS or
 * -EIO the engine writes no more; it can still be read. Which records of that batch are on disk
 * shows when the engine is opened again, in a process that starts anew. */
int engine_commit(struct engine *engine);
/* The same in two steps, so that the disk's time is not the caller's: a thread of the engine's
 * writes what was gathered, while the next batch gathers. One at a time: engine_commit_end() says
 * -EINPROGRESS until it has ended, or waits for that; 0 where none was begun. took_us, which may be
 * NULL, is how long the disk took. */
int engine_commit_begin(struct engine *engine);
int engine_commit_end(struct engine *engine, bool wait, uint32_t *took_us);

/* Committed records only. Returns the length, -ENOENT, -EMSGSIZE where it is above max, -EBADMSG
 * where the disk returns other than was written, -EIO. */
ssize_t engine_get(
	struct engine *engine, enum engine_space space, uint64_t number, void *value, size_t max);

/* Calls visit() for each committed record from first on, below end, in order; damaged() for each
 * range in which records may lie that can't be read, and goes on behind it. Either stops the scan
 * by a result other than 0, which is returned. */
typedef int engine_visit(void *arg, uint64_t number, const void *value, size_t bytes);
typedef int engine_damaged(void *arg, uint64_t first, uint64_t end);
int engine_scan(struct engine *engine, enum engine_space space, uint64_t first, uint64_t end,
	engine_visit *visit, engine_damaged *damaged, void *arg);

/* Rewrites tables without what was erased. 0 or -errno. */
int engine_compact(struct engine *engine);

/* A consistent copy of all that is committed in a new directory on the same file system. */
int engine_copy(struct engine *engine, const char *directory, char error[ENGINE_ERROR_BYTES]);

#endif
