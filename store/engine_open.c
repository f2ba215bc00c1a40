#include "engine_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	CACHE_BYTES = 16 << 20,    /* of 200 bytes for each of a million mailboxes 17 */
	MEMTABLE_BYTES = 64 << 20, /* of each space; four of them */
	MEMTABLES = 4,
	BLOB_FILE_BYTES = 256 << 20,
	BLOB_MIN_BYTES = 256, /* every cell */
	OPEN_FILES = 512,
	LOG_FILES_KEPT = 2,
	LOG_FATAL = 4, /* RocksDB's InfoLogLevel. Its own text log lies beside the tables: a line
			* more on a disk that is full, and its assertions end the process. */
};

/* How much damage an opening puts up with, tried in this order. */
static const struct grade {
	int log; /* WALRecoveryMode */
	bool paranoid;
} grades[] = {
	{ rocksdb_tolerate_corrupted_tail_records_recovery, true },
	{ rocksdb_skip_any_corrupted_records_recovery, true },
	{ rocksdb_skip_any_corrupted_records_recovery, false },
};
enum { GRADES = sizeof grades / sizeof *grades };

int engine_result(char *failure, char error[ENGINE_ERROR_BYTES])
{
	static const struct {
		const char *text;
		int result;
	} kinds[] = {
		{ "No space left", -ENOSPC },
		{ "Disk quota exceeded", -ENOSPC },
		{ "Read-only file system", -EROFS },
		{ "Permission denied", -EACCES },
		{ "Resource temporarily unavailable", -EBUSY }, /* the lock of the directory */
		{ "lock hold by current process", -EBUSY },
		{ "Corruption", -EBADMSG },
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

static rocksdb_options_t *space_options(struct engine *engine, enum engine_space space)
{
	rocksdb_options_t *options = rocksdb_options_create();
	rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();

	rocksdb_block_based_options_set_block_cache(table, engine->cache);
	rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
	/* 10 bits a number, for reads of single records. */
	rocksdb_block_based_options_set_filter_policy(
		table, rocksdb_filterpolicy_create_bloom_full(10));
	rocksdb_options_set_block_based_table_factory(options, table);
	rocksdb_block_based_options_destroy(table);
	rocksdb_options_set_compression(options, rocksdb_no_compression); /* it is ciphertext */
	rocksdb_options_set_write_buffer_size(options, MEMTABLE_BYTES);
	rocksdb_options_set_max_write_buffer_number(options, MEMTABLES);
	if (space == ENGINE_BODY) {
		rocksdb_options_set_enable_blob_files(options, 1);
		rocksdb_options_set_min_blob_size(options, BLOB_MIN_BYTES);
		rocksdb_options_set_blob_file_size(options, BLOB_FILE_BYTES);
		rocksdb_options_set_enable_blob_gc(options, 1);
	}
	return options;
}

static void make_options(struct engine *engine)
{
	engine->cache = rocksdb_cache_create_lru(CACHE_BYTES);
	engine->whole = rocksdb_options_create();
	rocksdb_options_set_create_if_missing(engine->whole, 1);
	rocksdb_options_set_create_missing_column_families(engine->whole, 1);
	rocksdb_options_set_max_open_files(engine->whole, OPEN_FILES);
	rocksdb_options_set_keep_log_file_num(engine->whole, LOG_FILES_KEPT);
	rocksdb_options_set_info_log_level(engine->whole, LOG_FATAL);
	for (int space = 0; space < ENGINE_SPACES; space++)
		engine->of_space[space] = space_options(engine, (enum engine_space)space);
	engine->batch = rocksdb_writebatch_create();
	engine->flight = rocksdb_writebatch_create();
	engine->durably = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(engine->durably, 1);
	engine->reading = rocksdb_readoptions_create();
	engine->scanning = rocksdb_readoptions_create();
	rocksdb_readoptions_set_fill_cache(engine->scanning, 0);
	rocksdb_readoptions_set_readahead_size(engine->scanning, 2 << 20);
}

/* RocksDB's default column family is its own; it stays empty. */
static int open_db(struct engine *engine, const char *directory, const struct grade *grade,
	bool read_only, char error[ENGINE_ERROR_BYTES])
{
	const char *const names[] = { "default", "index", "body" };
	const rocksdb_options_t *options[] = { engine->whole, engine->of_space[ENGINE_INDEX],
		engine->of_space[ENGINE_BODY] };
	rocksdb_column_family_handle_t *handles[3] = { NULL };
	char *failure = NULL;

	rocksdb_options_set_wal_recovery_mode(engine->whole, grade->log);
	rocksdb_options_set_paranoid_checks(engine->whole, grade->paranoid);
	rocksdb_options_set_skip_checking_sst_file_sizes_on_db_open(
		engine->whole, !grade->paranoid);
	engine->db = read_only ? rocksdb_open_for_read_only_column_families(engine->whole,
					 directory, 3, names, options, handles, false, &failure)
			       : rocksdb_open_column_families(engine->whole, directory, 3, names,
					 options, handles, &failure);
	if (failure)
		return engine_result(failure, error);
	rocksdb_column_family_handle_destroy(handles[0]);
	engine->spaces[ENGINE_INDEX] = handles[1];
	engine->spaces[ENGINE_BODY] = handles[2];
	return 0;
}

static int open_graded(struct engine *engine, const char *directory, bool read_only,
	struct engine_report *report, char error[ENGINE_ERROR_BYTES])
{
	int result = -EBADMSG;

	for (int i = 0; i < GRADES && result == -EBADMSG; i++) {
		report->log_damaged = i > 0;
		report->tables_damaged = !grades[i].paranoid;
		result = open_db(engine, directory, &grades[i], read_only, error);
		if (result == -EBADMSG && i == 0)
			snprintf(report->text, sizeof report->text, "%s", error);
	}
	return result;
}

int engine_open(struct engine **out, const char *directory, struct engine_report *report,
	char error[ENGINE_ERROR_BYTES])
{
	struct engine *engine = calloc(1, sizeof *engine);
	int result = -ENOMEM;

	*out = NULL;
	memset(report, 0, sizeof *report);
	snprintf(error, ENGINE_ERROR_BYTES, "out of memory");
	if (!engine)
		return -ENOMEM;
	make_options(engine);
	if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
		result = -errno;
		snprintf(error, ENGINE_ERROR_BYTES, "%s", strerror(errno));
		engine_close(engine);
		return result;
	}
	result = open_graded(engine, directory, false, report, error);
	if (result == -EROFS || result == -ENOSPC || result == -EIO) {
		engine->failed = report->read_only = result;
		result = open_graded(engine, directory, true, report, error);
	}
	if (result == -EBUSY)
		snprintf(error, ENGINE_ERROR_BYTES, "another process has it open");
	if (result < 0) {
		engine_close(engine);
		return result;
	}
	*out = engine;
	return 0;
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	engine_end_writer(engine);
	for (int space = 0; space < ENGINE_SPACES; space++)
		if (engine->spaces[space])
			rocksdb_column_family_handle_destroy(engine->spaces[space]);
	if (engine->db)
		rocksdb_close(engine->db);
	for (int space = 0; space < ENGINE_SPACES; space++)
		rocksdb_options_destroy(engine->of_space[space]);
	rocksdb_options_destroy(engine->whole);
	rocksdb_writebatch_destroy(engine->batch);
	rocksdb_writebatch_destroy(engine->flight);
	rocksdb_writeoptions_destroy(engine->durably);
	rocksdb_readoptions_destroy(engine->reading);
	rocksdb_readoptions_destroy(engine->scanning);
	rocksdb_cache_destroy(engine->cache);
	free(engine);
}
