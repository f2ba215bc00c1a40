/* What engine.c and engine_open.c share: RocksDB's handles. */
#ifndef CHAPPE_STORE_ENGINE_PRIVATE_H
#define CHAPPE_STORE_ENGINE_PRIVATE_H

#include "engine.h"

#include <rocksdb/c.h>

struct engine {
	rocksdb_t *db;
	int failed; /* why the first commit that failed did: RocksDB is not asked to write again;
		     * the writer's while a commit is under way */
	rocksdb_column_family_handle_t *spaces[ENGINE_SPACES];
	rocksdb_writebatch_t *batch;  /* that gathers */
	rocksdb_writebatch_t *flight; /* that is being written */
	struct engine_writer *writer; /* engine_commit.c; NULL before the first commit */
	rocksdb_writeoptions_t *durably;
	rocksdb_readoptions_t *reading, *scanning;
	rocksdb_options_t *whole, *of_space[ENGINE_SPACES];
	rocksdb_cache_t *cache;
};

/* Frees RocksDB's text of a failure, copied to error where that is not NULL. 0 for no failure. */
int engine_result(char *failure, char error[ENGINE_ERROR_BYTES]);

/* Ends the writer's thread, after what it is writing. */
void engine_end_writer(struct engine *engine);

#endif
