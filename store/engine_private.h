/* What the files of the engine share. */
#ifndef CHAPPE_STORE_ENGINE_PRIVATE_H
#define CHAPPE_STORE_ENGINE_PRIVATE_H

#include "engine.h"
#include "group.h"
#include "table.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	ENGINE_CELLS_BYTES = ENGINE_BATCH_MAX * RECORD_LARGE_BYTES,
	ENGINE_STEP_BYTES = 256 << 10, /* of a segment that is emptied, at once */
};
_Static_assert((int)ENGINE_CELLS_BYTES <= (int)SEGMENT_BYTES, "a batch is one write");

/* An entry that gets another place, or was lost. */
struct engine_entry {
	uint64_t number;
	struct segment_place place;
	size_t len;
	struct record_index_bytes index; /* of a lost one */
};

/* A list that grows, of elements of one size. */
struct engine_list {
	void *items;
	size_t count, room;
};

/* The index knows all cells with numbers up to this one, and none that begins behind the place has
 * one of them; zeros: nothing is known. */
struct engine_mark {
	uint64_t number;
	uint64_t entries; /* messages that the index names */
	struct segment_place place;
};

struct engine_batch {
	uint8_t *cells; /* as they will lie on disk, plain until the writer seals them */
	size_t bytes;
	const struct epoch_key *keys[ENGINE_BATCH_MAX]; /* of each cell */
	uint32_t count;
	struct engine_list erased;    /* uint64_t */
	struct engine_list delivered; /* struct engine_delivered */
	struct engine_list restored;  /* struct engine_entry */
	uint32_t forget;              /* minute; 0: nothing */
	bool blank;                   /* takes as long as one with a message */
};

/* A file beside the index while that is made anew. */
#define ENGINE_REBUILDING "rebuilding"

struct engine {
	char directory[ENGINE_ERROR_BYTES];
	bool rebuilding; /* the index is empty: all is in the cells */
	struct engine_batch batches[2];
	uint32_t gathering;           /* which of them; the other one is the writer's */
	struct engine_writer *writer; /* engine_commit.c; NULL before the first commit */
	int event;                    /* of engine_tell_end() */
	_Atomic int failed; /* why the first commit that failed did: nothing is written any more */
	struct engine_list kept; /* struct engine_entry, ascending: restored at start, on a disk
				  * that does not write */

	pthread_mutex_t work; /* what follows is used under it */
	struct table *table;  /* its batch; it may be read without. NULL: damaged, and the disk
			       * does not write */
	struct segments *segments;
	struct engine_mark mark;
	uint64_t next;              /* at start: behind all numbers in the index, ... */
	struct segment_place ended; /* ... whose cells lie behind this */
	struct group tail;          /* the last one, of this process's numbers */
	bool tail_changed;
	struct group open; /* that is being changed */
	bool is_open, open_changed;
	uint32_t delivered_count;      /* of records of what was delivered, since start */
	bool is_loaded;                /* it is known which cells are live */
	bool copying;                  /* no segment goes */
	struct segment_place emptying; /* engine_compact.c */
	uint8_t *step;                 /* its two buffers of ENGINE_STEP_BYTES */
	bool flushing;                 /* where the copies are, so that segments can go */
};

/* Room for one more, NULL without memory. */
void *engine_list_add(struct engine_list *list, size_t bytes);

/* engine_group.c. The group of a number, for changes, which are in the table's batch after
 * engine_close_group(); numbers ascend meanwhile. -ENOENT for one that was never written, then it
 * is empty; else -errno. */
int engine_open_group(struct engine *engine, uint64_t number, struct group **group);
void engine_group_changed(struct engine *engine, const struct group *group);
void engine_close_groups(struct engine *engine);
/* Reads one: 0 or -errno. */
int engine_get_group(struct engine *engine, uint64_t number, struct group *group);

/* engine_mark.c. Reads the mark; puts it into the table's batch. */
void engine_read_mark(struct engine *engine);
void engine_put_mark(struct engine *engine);
/* The index knows a number now. */
void engine_mark_number(struct engine *engine, uint64_t number);
/* All cells that are there have been looked at: the next commit says so. */
void engine_mark_all(struct engine *engine);
/* Whether something lies behind the mark. */
bool engine_is_behind(const struct engine *engine);
/* Restored entries that can't be written. */
void engine_keep(struct engine *engine, const struct engine_list *restored);
/* What is known of a number: 0 or -errno. */
int engine_find(struct engine *engine, uint64_t number, struct engine_entry *found);

/* engine_write.c. Makes a batch durable, with the work held. 0 or -errno. */
int engine_write(struct engine *engine, struct engine_batch *batch);
void engine_batch_clear(struct engine_batch *batch);

/* engine_compact.c. Moves some live cells out of a segment that has few of them; all: out of any
 * that has erased ones, up to the segment of that number. Work held. 1 where there is more to
 * do, 0, or -errno. */
int engine_empty_some(struct engine *engine, uint32_t all);

/* engine_table.c. Opens the table, with the segments open. 0 or -errno with a text. */
int engine_open_table(
	struct engine *engine, struct engine_report *report, char error[ENGINE_ERROR_BYTES]);
/* All that the cells say is in the index, durably. */
void engine_rebuilt(struct engine *engine);

/* Sets the table aside: all is to be made anew from the cells, when the engine is opened the next
 * time. 0 or -errno. */
int engine_lose_table(struct engine *engine);

/* engine_open.c. Makes a directory of the engine's format, which must not be there. 0 or -errno
 * with a text. */
int engine_make_directory(const char *directory, char error[ENGINE_ERROR_BYTES]);

/* Ends the writer's thread, after what it is writing. */
void engine_end_writer(struct engine *engine);

#endif
