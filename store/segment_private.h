/* What the files of segment.h share. */
#ifndef CHAPPE_STORE_SEGMENT_PRIVATE_H
#define CHAPPE_STORE_SEGMENT_PRIVATE_H

#include "segment.h"

#include <stdatomic.h>

enum { SEGMENT_NAME_BYTES = 24 };

struct segment_file {
	uint32_t segment; /* 0: none */
	int fd;
};

struct segments {
	int directory;
	struct segment *list; /* ascending numbers */
	uint32_t count, room;
	uint32_t last; /* the highest number ever */

	int fd; /* of the last of the list, which is appended to; -1 */
	uint64_t cache_bytes;
	bool created; /* since the last write: its name is not durable */

	/* The reading thread's. */
	struct segment_file reading[SEGMENT_READING];
	uint32_t next_reading;
	_Atomic uint32_t removed; /* how many, ever */
	uint32_t removed_seen;
};

void segment_name(uint32_t number, char name[SEGMENT_NAME_BYTES]);

#endif
