/* Segments: files of cells, which are only ever appended to, one write and one fdatasync a commit.
 * Of each segment it is known how many bytes of live cells it has; one without any is removed. A
 * segment is not appended to again after a restart: what a torn write left lies in no index.
 *
 * The kernel's cache keeps what was written last, a part of the machine's memory: what waits longer
 * waits for a device that is away. So the cache takes pages that it has used before, which costs a
 * virtual machine a tenth of the time: its host has to find each new one.
 *
 * One thread at a time uses segments, but for segments_read(), which one other may call, the same
 * always. */
#ifndef CHAPPE_STORE_SEGMENT_H
#define CHAPPE_STORE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	SEGMENT_BYTES = 64 << 20, /* a new one begins before a write that would exceed it */
	SEGMENT_READING = 128,    /* files that are kept open for reading */
};

struct segment_place {
	uint32_t segment; /* 0: none */
	uint32_t offset;  /* bytes */
};

struct segment {
	uint32_t number;
	uint32_t bytes;  /* of the file */
	uint32_t live;   /* bytes of it */
	uint32_t cooled; /* bytes of it, from its begin, that the kernel's cache has not */
	bool ended;      /* not appended to any more */
	bool stuck;      /* can't be emptied: not all of it can be read */
	bool cold;       /* all of them */
	bool kept;       /* may hold what nothing leads to: neither emptied nor removed */
	bool moved;      /* what lives in it was copied, but that may be lost yet: not removed */
};

struct segments;

/* Looks through a directory, which is there. Nothing counts as live yet. 0 or -errno. */
int segments_open(struct segments **segments, const char *directory);
void segments_close(struct segments *segments);

/* Where the next write of so many bytes, at most SEGMENT_BYTES, goes; begins a segment where it
 * needs one. 0 or -errno. */
int segments_reserve(struct segments *segments, size_t bytes, struct segment_place *place);
/* Writes them there, in one piece or several, and has the disk begin with it. 0 or -errno. */
int segments_write(struct segments *segments, const void *bytes, size_t len);
/* All that was written is durable on return, with the file's name. 0 or -errno. */
int segments_sync(struct segments *segments);
/* The next write begins a new segment: those that are there do not change any more. */
void segments_end(struct segments *segments);

/* A cell there counts as live, or does no longer. */
void segments_hold(struct segments *segments, struct segment_place place, size_t bytes);
void segments_release(struct segments *segments, struct segment_place place, size_t bytes);
/* Removes those that have ended and hold nothing live. 0 or -errno of the last that can't be. */
int segments_remove_empty(struct segments *segments);

/* By position, ascending numbers, up to NULL. Positions change with removal. */
struct segment *segments_at(const struct segments *segments, uint32_t position);
struct segment *segments_find(const struct segments *segments, uint32_t number); /* or NULL */
uint32_t segments_last(const struct segments *segments); /* the highest number ever */
/* Reads what is written: the number of bytes, fewer at the end of the file. -errno. */
ssize_t segments_scan(
	const struct segments *segments, struct segment_place place, void *bytes, size_t max);
/* The same for the other thread; -ENOENT where the segment was removed. */
ssize_t segments_read(
	struct segments *segments, struct segment_place place, void *bytes, size_t max);
/* In that thread, from time to time: files that were removed are not kept open. */
void segments_let_go(struct segments *segments);

/* Hard links of all that have ended in another directory, which is made. 0 or -errno. */
int segments_link(const struct segments *segments, const char *directory);

#endif
