/* What table.c and table_open.c share: RocksDB's handles. */
#ifndef CHAPPE_STORE_TABLE_PRIVATE_H
#define CHAPPE_STORE_TABLE_PRIVATE_H

#include "table.h"

#include <rocksdb/c.h>

struct table {
	rocksdb_t *db;
	rocksdb_writebatch_t *batch;
	rocksdb_writeoptions_t *durably;
	rocksdb_readoptions_t *reading, *scanning;
	rocksdb_options_t *options;
	rocksdb_cache_t *cache;
};

/* Frees RocksDB's text of a failure, copied to error where that is not NULL. 0 for no failure. */
int table_result(char *failure, char error[ENGINE_ERROR_BYTES]);

#endif
