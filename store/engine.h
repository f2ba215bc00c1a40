/* What keeps messages on disk: a narrow interface, so that another engine, a replicated one say,
 * can take the place of this one. It seals what it is given (record.h) and knows nothing of
 * mailboxes. Cells lie in segments (segment.h), the index that leads to them, and what was
 * delivered of late, in a table of RocksDB's (table.h).
 *
 * One thread uses an engine, but for engine_compact() and engine_copy(), which others may call
 * meanwhile. Changes gather in one batch and become durable together; until engine_commit() has
 * returned 0 nothing of them may be taken for done, and after a failure all, some or none of them
 * may be on disk. Keys of what was given stay where they are until its commit has ended. */
#ifndef CHAPPE_STORE_ENGINE_H
#define CHAPPE_STORE_ENGINE_H

#include "record.h"
#include "segment.h"

#include <stdbool.h>

enum {
	ENGINE_ERROR_BYTES = 512,
	ENGINE_BATCH_MAX = 16384, /* messages between two commits */
};

struct engine;

/* What engine_open() found wrong and went on without. */
struct engine_report {
	bool format_damaged; /* the file that names the format: written anew */
	bool index_lost;     /* it is damaged, and is made anew from the cells */
	int read_only;       /* -errno of a disk that does not write: it is only read; else 0 */
	char text[ENGINE_ERROR_BYTES];
};

/* Opens the engine in a directory, makes it where there is none. Returns 0 or -errno with a text;
 * -EPROTO for files of another format. */
int engine_open(struct engine **engine, const char *directory, struct engine_report *report,
	char error[ENGINE_ERROR_BYTES]);
void engine_close(struct engine *engine); /* what was not committed is dropped */

struct engine_message {
	uint64_t number; /* ascending, none twice under one key */
	uint32_t epoch;
	uint32_t arrived;
	const struct epoch_key *key;
	const struct wire_inner *frame;
	uint32_t len; /* 480 or 1200 */
};
/* Copies it. 0, or -ENOBUFS where the batch is full. */
int engine_add(struct engine *engine, const struct engine_message *message);
/* The commit is to take as long as that of a message, though it may have none. */
void engine_add_blank(struct engine *engine);
/* Of a message that is committed. 0 or -ENOMEM. */
int engine_erase(struct engine *engine, uint64_t number);

/* A message that was delivered. */
struct engine_delivered {
	uint32_t epoch;
	uint32_t arrived;
	const struct epoch_key *key;
	struct record_delivered frame;
};
/* 0 or -ENOMEM. */
int engine_remember(struct engine *engine, const struct engine_delivered *delivered);
/* Forgets those that arrived before a minute. */
void engine_forget(struct engine *engine, uint32_t minute);

void engine_abandon(struct engine *engine); /* forgets the batch */
bool engine_has_changes(const struct engine *engine);

/* Makes the batch durable; it is empty afterwards, whatever the result. After -ENOSPC, -EROFS or
 * -EIO the engine writes no more; it can still be read. Which changes of that batch are on disk
 * shows when the engine is opened again, in a process that starts anew. */
int engine_commit(struct engine *engine);
/* The same in two steps, so that neither the disk's time nor that of sealing is the caller's: a
 * thread of the engine's does it, while the next batch gathers. One at a time: engine_commit_end()
 * says -EINPROGRESS until it has ended, or waits for that; 0 where none was begun. took_us, which
 * may be NULL, is how long it took. */
int engine_commit_begin(struct engine *engine);
/* Adds one to an eventfd whenever such a commit has ended; said before the first. -1: none. */
void engine_tell_end(struct engine *engine, int event);
int engine_commit_end(struct engine *engine, bool wait, uint32_t *took_us);

/* Of committed messages: 0, or the length of the cell; -ENOENT, -EIO, -EBADMSG where the disk
 * returns other than was written. */
int engine_get_index(struct engine *engine, uint64_t number, struct record_index_bytes *index);
ssize_t engine_get_body(struct engine *engine, uint64_t number, struct record_body_bytes *body);

/* Reads all at start: first what was delivered, then the index in ascending order. A visit that
 * returns other than 0 ends it, with that result. -EUCLEAN where the index does not name all that
 * it should: it was set aside, and opened again the engine makes it anew. */
struct engine_visits {
	int (*delivered)(
		void *arg, uint64_t number, struct record_delivered_bytes *bytes, size_t len);
	int (*index)(void *arg, uint64_t number, const struct record_index_bytes *index);
	int (*damaged)(void *arg, uint64_t first, uint64_t end); /* numbers that can't be read */
	/* No number from `next` on was ever in the index, as far as it goes; behind: there are
	 * cells that came later, because the process ended before the index was written, or the
	 * last that was written of it is lost. Not called where all of it is lost. */
	int (*ended)(void *arg, uint64_t next, bool behind);
};
int engine_load(struct engine *engine, const struct engine_visits *visits, void *arg);

/* Looks through all cells for those with numbers from first on, below end; also erased ones come,
 * and each number once. is_one() tells whether the bytes are a cell that can be opened. */
struct engine_cell_visits {
	bool (*is_one)(
		void *arg, uint64_t number, const struct record_body_bytes *body, size_t len);
	int (*cell)(void *arg, uint64_t number, const struct record_body_bytes *body, size_t len,
		struct segment_place place);
};
int engine_scan_cells(struct engine *engine, uint64_t first, uint64_t end,
	const struct engine_cell_visits *visits, void *arg);
/* Writes the index of such a cell anew. 0 or -ENOMEM. */
int engine_restore(struct engine *engine, uint64_t number, struct segment_place place, size_t len,
	const struct record_index_bytes *index);
/* All has been read; complete: then cells that no index leads to may go. Else those that were there
 * at the start stay. */
void engine_loaded(struct engine *engine, bool complete);

/* Rewrites files without what was erased. 0 or -errno. Half-empty segments are emptied without it,
 * step by step. */
int engine_compact(struct engine *engine);

/* A consistent copy of all that is committed in a new directory on the same file system. */
int engine_copy(struct engine *engine, const char *directory, char error[ENGINE_ERROR_BYTES]);

#endif
