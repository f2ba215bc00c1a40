/* RocksDB, for what is small: records under 64-bit numbers, in a few spaces of one table. Changes
 * gather in a batch, which one thread at a time fills and commits; reading, compaction and copying
 * may go on meanwhile in others. */
#ifndef CHAPPE_STORE_TABLE_H
#define CHAPPE_STORE_TABLE_H

#include "engine.h"

enum table_space { TABLE_GROUPS = 1, TABLE_DELIVERED, TABLE_BLANK, TABLE_MARK };

struct table;

/* Opens the table in a directory, makes it where there is none. Returns 0 or -errno with a text:
 * -EBADMSG where it is damaged as a whole, by its log or the list of its files. read_only becomes
 * -errno where the disk does not write, then it is only read. */
int table_open(struct table **table, const char *directory, int *read_only,
	char error[ENGINE_ERROR_BYTES]);
void table_close(struct table *table); /* what was not committed is dropped */

void table_put(struct table *table, enum table_space space, uint64_t number, const void *value,
	size_t bytes);
void table_erase(struct table *table, enum table_space space, uint64_t number);
/* All numbers below end. */
void table_erase_below(struct table *table, enum table_space space, uint64_t end);
/* Makes the batch durable; it is empty afterwards, whatever the result. 0 or -errno: then which
 * records of it are on disk shows when the table is opened again. */
int table_commit(struct table *table);
void table_abandon(struct table *table);

/* Committed records only. Returns the length, -ENOENT, -EMSGSIZE where it is above max, -EBADMSG
 * where the disk returns other than was written, -EIO. */
ssize_t table_get(
	struct table *table, enum table_space space, uint64_t number, void *value, size_t max);

/* Calls visit() for each committed record from first on, below end, in order; damaged() for each
 * range in which records may lie that can't be read, and goes on behind it. Either stops the scan
 * by a result other than 0, which is returned. */
typedef int table_visit(void *arg, uint64_t number, const void *value, size_t bytes);
typedef int table_damaged(void *arg, uint64_t first, uint64_t end);
int table_scan(struct table *table, enum table_space space, uint64_t first, uint64_t end,
	table_visit *visit, table_damaged *damaged, void *arg);

/* Begins to move what is in the log only into a table, where it is part of what opens or does not;
 * table_is_flushed() says 1 once all that was begun has ended, 0, or -EIO. */
void table_flush(struct table *table);
int table_is_flushed(struct table *table);

/* Rewrites files without what was erased. 0 or -errno. */
int table_compact(struct table *table);
/* A consistent copy of all that is committed in a new directory on the same file system. */
int table_copy(struct table *table, const char *directory, char error[ENGINE_ERROR_BYTES]);

#endif
