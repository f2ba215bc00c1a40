#include "table_private.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* Big-endian, so that the order of bytes is the order of numbers. */
struct key {
	uint8_t space;
	uint8_t number[8];
};

static const char *key_of(struct key *key, enum table_space space, uint64_t number)
{
	const uint64_t ordered = htobe64(number);

	key->space = (uint8_t)space;
	memcpy(key->number, &ordered, sizeof ordered);
	return (const char *)key;
}

void table_put(struct table *table, enum table_space space, uint64_t number, const void *value,
	size_t bytes)
{
	struct key key;

	rocksdb_writebatch_put(table->batch, key_of(&key, space, number), sizeof key, value, bytes);
}

void table_erase(struct table *table, enum table_space space, uint64_t number)
{
	struct key key;

	rocksdb_writebatch_delete(table->batch, key_of(&key, space, number), sizeof key);
}

void table_erase_below(struct table *table, enum table_space space, uint64_t end)
{
	struct key from, to;

	rocksdb_writebatch_delete_range(table->batch, key_of(&from, space, 0), sizeof from,
		key_of(&to, space, end), sizeof to);
}

void table_abandon(struct table *table)
{
	rocksdb_writebatch_clear(table->batch);
}

int table_commit(struct table *table)
{
	char *failure = NULL;

	if (rocksdb_writebatch_count(table->batch) > 0)
		rocksdb_write(table->db, table->durably, table->batch, &failure);
	rocksdb_writebatch_clear(table->batch);
	return table_result(failure, NULL);
}

ssize_t table_get(
	struct table *table, enum table_space space, uint64_t number, void *value, size_t max)
{
	char *failure = NULL;
	struct key key;
	rocksdb_pinnableslice_t *found = rocksdb_get_pinned(
		table->db, table->reading, key_of(&key, space, number), sizeof key, &failure);
	int result = table_result(failure, NULL);
	size_t bytes = 0;

	if (result < 0)
		return result;
	if (!found)
		return -ENOENT;
	const char *bytes_found = rocksdb_pinnableslice_value(found, &bytes);
	if (bytes <= max)
		memcpy(value, bytes_found, bytes);
	rocksdb_pinnableslice_destroy(found);
	return bytes <= max ? (ssize_t)bytes : -EMSGSIZE;
}

struct scan {
	struct table *table;
	enum table_space space;
	uint64_t end;
	rocksdb_iterator_t *iterator;
};

/* Where the iterator stands; -ENOENT at the end. */
static int standing(const struct scan *scan, uint64_t *number)
{
	char *failure = NULL;
	size_t bytes;
	struct key key;

	if (!rocksdb_iter_valid(scan->iterator)) {
		rocksdb_iter_get_error(scan->iterator, &failure);
		return failure ? table_result(failure, NULL) : -ENOENT;
	}
	const char *found = rocksdb_iter_key(scan->iterator, &bytes);
	if (bytes != sizeof key)
		return -EBADMSG;
	memcpy(&key, found, sizeof key);
	memcpy(number, key.number, sizeof *number);
	*number = be64toh(*number);
	return key.space == scan->space && *number < scan->end ? 0 : -ENOENT;
}

/* With a new iterator: one that has met a damaged block may say so again elsewhere. */
static int seek(struct scan *scan, uint64_t from, uint64_t *number)
{
	struct key key;

	if (scan->iterator)
		rocksdb_iter_destroy(scan->iterator);
	scan->iterator = rocksdb_create_iterator(scan->table->db, scan->table->scanning);
	rocksdb_iter_seek(scan->iterator, key_of(&key, scan->space, from), sizeof key);
	return standing(scan, number);
}

static bool can_seek(struct scan *scan, uint64_t from)
{
	uint64_t number;
	const int result = seek(scan, from, &number);

	return result == 0 || result == -ENOENT;
}

/* A seek into a block that can't be read fails, one behind it does not: from `bad`, which fails,
 * finds the first that does not, by steps that double and then halve. Leaves the iterator there. */
static int seek_behind(struct scan *scan, uint64_t bad, uint64_t *number)
{
	uint64_t good = scan->end;

	for (uint64_t step = 1; good - bad > step; step *= 2) {
		if (can_seek(scan, bad + step))
			good = bad + step;
		else
			bad += step;
	}
	while (good - bad > 1) {
		const uint64_t middle = bad + (good - bad) / 2;
		if (can_seek(scan, middle))
			good = middle;
		else
			bad = middle;
	}
	return good == scan->end ? -ENOENT : seek(scan, good, number);
}

static int run(
	struct scan *scan, uint64_t first, table_visit *visit, table_damaged *damaged, void *arg)
{
	uint64_t next = first, number = first;
	int result = seek(scan, first, &number);

	while (result != -ENOENT) {
		if (result < 0) {
			result = seek_behind(scan, next, &number);
			const int stop = damaged(arg, next, result == 0 ? number : scan->end);
			if (stop != 0 || result < 0)
				return stop;
		}
		size_t bytes;
		const char *value = rocksdb_iter_value(scan->iterator, &bytes);
		result = visit(arg, number, value, bytes);
		if (result != 0)
			return result;
		next = number + 1;
		rocksdb_iter_next(scan->iterator);
		result = standing(scan, &number);
	}
	return 0;
}

int table_scan(struct table *table, enum table_space space, uint64_t first, uint64_t end,
	table_visit *visit, table_damaged *damaged, void *arg)
{
	struct scan scan = { .table = table, .space = space, .end = end };

	if (first >= end)
		return 0;
	const int result = run(&scan, first, visit, damaged, arg);
	rocksdb_iter_destroy(scan.iterator);
	return result;
}

void table_flush(struct table *table)
{
	char *failure = NULL;
	rocksdb_flushoptions_t *begin = rocksdb_flushoptions_create();

	rocksdb_flushoptions_set_wait(begin, 0);
	rocksdb_flush(table->db, begin, &failure);
	rocksdb_flushoptions_destroy(begin);
	(void)table_result(failure, NULL); /* shows in the properties */
}

int table_is_flushed(struct table *table)
{
	uint64_t left = 1, errors = 1;

	if (rocksdb_property_int(table->db, "rocksdb.background-errors", &errors) != 0 ||
		rocksdb_property_int(table->db, "rocksdb.num-immutable-mem-table", &left) != 0 ||
		errors > 0)
		return -EIO;
	return left == 0;
}

int table_compact(struct table *table)
{
	char *failure = NULL;
	rocksdb_flushoptions_t *wait = rocksdb_flushoptions_create();

	rocksdb_flushoptions_set_wait(wait, 1);
	rocksdb_flush(table->db, wait, &failure);
	if (failure == NULL)
		rocksdb_compact_range(table->db, NULL, 0, NULL, 0);
	rocksdb_flushoptions_destroy(wait);
	return table_result(failure, NULL);
}

int table_copy(struct table *table, const char *directory, char error[ENGINE_ERROR_BYTES])
{
	char *failure = NULL;
	rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(table->db, &failure);

	if (failure == NULL) {
		/* Flushes above 0 bytes of log: else the copy holds the log, and its length. */
		rocksdb_checkpoint_create(checkpoint, directory, 0, &failure);
		rocksdb_checkpoint_object_destroy(checkpoint);
	}
	return table_result(failure, error);
}
