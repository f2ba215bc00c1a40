#include "table_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CACHE_BYTES = 16 << 20,    /* of 200 bytes for each of a million mailboxes 17 */
	MEMTABLE_BYTES = 16 << 20, /* index of 270,000 frames */
	MEMTABLES = 4,
	OPEN_FILES = 256,
	LOG_FILES_KEPT = 2,
	LOG_FATAL = 4, /* RocksDB's InfoLogLevel. Its own text log lies beside the tables: a line
			* more on a disk that is full, and its assertions end the process. */
};

int table_result(char *failure, char error[ENGINE_ERROR_BYTES])
{
	static const struct {
		const char *text;
		int result;
	} kinds[] = {
		{ "No space left", -ENOSPC }, { "Disk quota exceeded", -ENOSPC },
		{ "Read-only file system", -EROFS }, { "Permission denied", -EACCES },
		{ "Resource temporarily unavailable", -EBUSY }, /* the lock of the directory */
		{ "lock hold by current process", -EBUSY }, { "Corruption", -EBADMSG },
		{ "No such file or directory", -EBADMSG }, /* that another one names */
	};
	int result = -EIO;

	if (failure == NULL)
		return 0;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && result == -EIO; i++)
		if (strstr(failure, kinds[i].text))
			result = kinds[i].result;
	if (error)
		snprintf(error, ENGINE_ERROR_BYTES, "%s", failure);
	rocksdb_free(failure);
	return result;
}

static rocksdb_block_based_table_options_t *file_options(rocksdb_cache_t *cache)
{
	rocksdb_block_based_table_options_t *files = rocksdb_block_based_options_create();

	rocksdb_block_based_options_set_block_cache(files, cache);
	rocksdb_block_based_options_set_cache_index_and_filter_blocks(files, 1);
	return files;
}

static void make_options(struct table *table)
{
	table->cache = rocksdb_cache_create_lru(CACHE_BYTES);
	table->options = rocksdb_options_create();
	rocksdb_block_based_table_options_t *files = file_options(table->cache);
	rocksdb_options_set_block_based_table_factory(table->options, files);
	rocksdb_block_based_options_destroy(files);
	rocksdb_options_set_compression(table->options, rocksdb_no_compression); /* ciphertext */
	rocksdb_options_set_write_buffer_size(table->options, MEMTABLE_BYTES);
	rocksdb_options_set_max_write_buffer_number(table->options, MEMTABLES);
	rocksdb_options_set_create_if_missing(table->options, 1);
	rocksdb_options_set_max_open_files(table->options, OPEN_FILES);
	rocksdb_options_set_keep_log_file_num(table->options, LOG_FILES_KEPT);
	rocksdb_options_set_info_log_level(table->options, LOG_FATAL);
	/* Up to the first place that is damaged: what came behind it is in the cells, and the
	 * engine's mark says from where on. Other damage is not skipped, as of tables that don't
	 * open RocksDB 7.8 ends the process. */
	rocksdb_options_set_wal_recovery_mode(table->options, rocksdb_point_in_time_recovery);
	table->batch = rocksdb_writebatch_create();
	table->durably = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(table->durably, 1);
	table->reading = rocksdb_readoptions_create();
	table->scanning = rocksdb_readoptions_create();
	rocksdb_readoptions_set_fill_cache(table->scanning, 0);
	rocksdb_readoptions_set_readahead_size(table->scanning, 2 << 20);
}

static int open_db(
	struct table *table, const char *directory, bool read_only, char error[ENGINE_ERROR_BYTES])
{
	char *failure = NULL;

	table->db = read_only
			    ? rocksdb_open_for_read_only(table->options, directory, false, &failure)
			    : rocksdb_open(table->options, directory, &failure);
	return table_result(failure, error);
}

int table_open(
	struct table **out, const char *directory, int *read_only, char error[ENGINE_ERROR_BYTES])
{
	struct table *table = calloc(1, sizeof *table);

	*out = NULL;
	*read_only = 0;
	snprintf(error, ENGINE_ERROR_BYTES, "out of memory");
	if (!table)
		return -ENOMEM;
	make_options(table);
	int result = open_db(table, directory, false, error);
	if (result == -EROFS || result == -ENOSPC || result == -EIO) {
		*read_only = result;
		result = open_db(table, directory, true, error);
	}
	if (result == -EBUSY)
		snprintf(error, ENGINE_ERROR_BYTES, "another process has it open");
	if (result < 0) {
		table_close(table);
		return result;
	}
	*out = table;
	return 0;
}

void table_close(struct table *table)
{
	if (!table)
		return;
	if (table->db)
		rocksdb_close(table->db);
	rocksdb_options_destroy(table->options);
	rocksdb_writebatch_destroy(table->batch);
	rocksdb_writeoptions_destroy(table->durably);
	rocksdb_readoptions_destroy(table->reading);
	rocksdb_readoptions_destroy(table->scanning);
	rocksdb_cache_destroy(table->cache);
	free(table);
}
