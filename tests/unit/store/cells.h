/* For tests of the engine: an engine with cells of known content. */
#ifndef CHAPPE_TEST_STORE_CELLS_H
#define CHAPPE_TEST_STORE_CELLS_H

#include "files.h"

#include "store/engine.h"

#include <sys/types.h>

enum { CELLS_SMALL = 480, CELLS_LARGE = 1200, CELLS_MINUTE = 29000000, CELLS_EPOCH = 7 };

extern struct epoch_key cells_key;
extern struct engine *cells_engine;
extern struct engine_report cells_report;
extern char cells_path[96]; /* of its directory */

/* An engine in a new directory; opened again, as after a restart. */
int cells_setup(void **state);
int cells_teardown(void **state);
void cells_reopen(void);

/* The frame of a number; the same each time. */
const struct wire_inner *cells_frame(uint64_t number);
uint32_t cells_length(uint64_t number);

int cells_add(uint64_t number); /* what engine_add() says */
void cells_put(uint64_t number);
/* Commits whenever a number ends in 99, and at the end. */
void cells_put_many(uint64_t first, uint64_t end);
void cells_erase(uint64_t first, uint64_t end);
/* 0, where it is what was put, or why it can't be read. */
int cells_get(uint64_t number);

struct cells_seen {
	uint64_t records, last, damaged_ranges, damaged_numbers, delivered, cells;
	uint64_t damaged_first, damaged_end;
	uint64_t next; /* behind the index */
	bool behind;   /* there are cells of later numbers */
};
/* Loads all, and checks each. */
struct cells_seen cells_scan(void);

/* What main() does with arguments: see cells_start_writer(). */
int cells_be_writer(int argc, char **argv);
/* Another process, which has the directory then. "records": writes so many and is gone without
 * closing anything; "endless": one by one, telling each number on the output, until it is killed.
 */
pid_t cells_start_writer(const char *what, const char *records, const char *compacted, int output);

#endif
