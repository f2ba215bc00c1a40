#include "store_vfs.h"

#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE_BYTES_MAX = 65536,
	FILE_HEADER_BYTES = 100,
	LEAF_HEADER_BYTES = 8,
	INTERIOR_HEADER_BYTES = 12,
};

/* First bytes of b-tree pages: interior and leaf, of an index and of a table. Pages of other kinds
 * begin with a page number, whose first byte is zero in files below 64 GiB. */
enum { INDEX_INTERIOR = 2, TABLE_INTERIOR = 5, INDEX_LEAF = 10, TABLE_LEAF = 13 };

/* The file that SQLite asked for, and behind it the one of the layer below. */
struct file {
	sqlite3_file base;
	sqlite3_file *below;
};

static sqlite3_vfs layer;
static sqlite3_vfs *below_layer;

static size_t get_be16(const uint8_t *bytes)
{
	return (size_t)bytes[0] << 8 | bytes[1];
}

void store_vfs_scrub(uint8_t *page, size_t len, int first)
{
	size_t at = first ? FILE_HEADER_BYTES : 0;
	size_t header, begin, end;

	if (len < 512)
		return;
	switch (page[at]) {
	case INDEX_INTERIOR:
	case TABLE_INTERIOR:
		header = INTERIOR_HEADER_BYTES;
		break;
	case INDEX_LEAF:
	case TABLE_LEAF:
		header = LEAF_HEADER_BYTES;
		break;
	default:
		return;
	}
	/* Bytes 3 to 4: cells, each with a pointer of 2 bytes after the header. Bytes 5 to 6: where
	 * their content begins, 0 meaning 65536. */
	begin = at + header + 2 * get_be16(page + at + 3);
	end = get_be16(page + at + 5);
	if (end == 0)
		end = 65536;
	if (begin < end && end <= len)
		memset(page + begin, 0, end - begin);
}

static sqlite3_file *below(sqlite3_file *file)
{
	return ((struct file *)file)->below;
}

static int file_close(sqlite3_file *file)
{
	return below(file)->pMethods->xClose(below(file));
}

static int file_read(sqlite3_file *file, void *out, int len, sqlite3_int64 at)
{
	return below(file)->pMethods->xRead(below(file), out, len, at);
}

static int file_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
	static _Thread_local uint8_t page[PAGE_BYTES_MAX];
	int code;

	/* Whole pages only: the rest is the file's header. */
	if (len < 512 || len > PAGE_BYTES_MAX || (len & (len - 1)) != 0 || at % len != 0)
		return below(file)->pMethods->xWrite(below(file), bytes, len, at);
	memcpy(page, bytes, (size_t)len);
	store_vfs_scrub(page, (size_t)len, at == 0);
	code = below(file)->pMethods->xWrite(below(file), page, len, at);
	sodium_memzero(page, (size_t)len);
	return code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return below(file)->pMethods->xTruncate(below(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
	return below(file)->pMethods->xSync(below(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return below(file)->pMethods->xFileSize(below(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
	return below(file)->pMethods->xLock(below(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
	return below(file)->pMethods->xUnlock(below(file), level);
}

static int file_check_lock(sqlite3_file *file, int *taken)
{
	return below(file)->pMethods->xCheckReservedLock(below(file), taken);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
	return below(file)->pMethods->xFileControl(below(file), op, arg);
}

static int file_sector(sqlite3_file *file)
{
	return below(file)->pMethods->xSectorSize(below(file));
}

static int file_traits(sqlite3_file *file)
{
	return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

/* Version 1: without shared memory, which a connection in exclusive locking mode does not need, and
 * without memory mapping, which would go round file_write(). */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
};

static int layer_open(
	sqlite3_vfs *vfs, const char *name, sqlite3_file *opened, int flags, int *out_flags)
{
	struct file *file = (struct file *)opened;
	int code;

	(void)vfs;
	/* The WAL has checksums of its own and is truncated soon: it goes through unchanged. */
	if (!(flags & SQLITE_OPEN_MAIN_DB))
		return below_layer->xOpen(below_layer, name, opened, flags, out_flags);
	file->base.pMethods = NULL;
	file->below = (sqlite3_file *)(file + 1);
	code = below_layer->xOpen(below_layer, name, file->below, flags, out_flags);
	if (code == SQLITE_OK)
		file->base.pMethods = &methods;
	return code;
}

int store_vfs_register(void)
{
	if (below_layer)
		return 0;
	below_layer = sqlite3_vfs_find(NULL);
	if (!below_layer)
		return -EIO;
	layer = *below_layer;
	layer.pNext = NULL;
	layer.zName = STORE_VFS_NAME;
	layer.szOsFile = (int)sizeof(struct file) + below_layer->szOsFile;
	layer.xOpen = layer_open;
	return sqlite3_vfs_register(&layer, 0) == SQLITE_OK ? 0 : -ENOMEM;
}
