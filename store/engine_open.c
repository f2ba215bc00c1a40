#include "engine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT "chappe-store 2\n" /* 1 kept cells in RocksDB */

enum { PATH_BYTES = 512 };

static void path_of(const char *directory, const char *name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%.480s/%s", directory, name);
}

static int make_directory(const char *path)
{
	return mkdir(path, 0700) != 0 && errno != EEXIST ? -errno : 0;
}

static int write_format(const char *directory, const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int result = 0;

	if (fd < 0)
		return -errno;
	errno = ENOSPC; /* of a short write */
	if (write(fd, FORMAT, strlen(FORMAT)) != (ssize_t)strlen(FORMAT) || fsync(fd) != 0)
		result = -errno;
	close(fd);
	const int above = result < 0 ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (result == 0 && (above < 0 || fsync(above) != 0))
		result = -errno;
	if (above >= 0)
		close(above);
	return result;
}

/* Names another format, not just none. */
static bool is_other(const char *found)
{
	const size_t name = strcspn(FORMAT, "0123456789");

	if (strcmp(found, FORMAT) == 0 || strncmp(found, FORMAT, name) != 0)
		return false;
	const size_t digits = strspn(found + name, "0123456789");
	return digits > 0 && found[name + digits] == '\n';
}

/* A directory says which format it has; one without it is new, unless RocksDB's own file lies
 * there. */
static int check_format(const char *directory, bool *damaged, char error[ENGINE_ERROR_BYTES])
{
	char path[PATH_BYTES];
	struct stat status;

	path_of(directory, "format", path);
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno != ENOENT)
		return -errno;
	if (fd >= 0) {
		char found[sizeof FORMAT + 1] = "";
		const ssize_t got = read(fd, found, sizeof found - 1);
		const int failed = errno;
		close(fd);
		if (got < 0)
			return -failed;
		found[got] = '\0';
		/* Not whole: the process ended when it made the directory. */
		if (strcmp(found, FORMAT) == 0)
			return 0;
		if (is_other(found)) {
			snprintf(error, ENGINE_ERROR_BYTES,
				"messages of another version of chappe-store: its file `format` "
				"does not say " FORMAT);
			error[strcspn(error, "\n")] = '\0';
			return -EPROTO;
		}
		*damaged = strncmp(found, FORMAT, (size_t)got) != 0;
	}
	path_of(directory, "CURRENT", path);
	if (stat(path, &status) == 0) {
		snprintf(error, ENGINE_ERROR_BYTES,
			"messages of an older version of chappe-store (format 1), which this one "
			"does not read: move the directory away to begin anew");
		return -EPROTO;
	}
	path_of(directory, "format", path);
	const int result = write_format(directory, path);
	return *damaged && result == -EROFS ? 0 : result;
}

int engine_make_directory(const char *directory, char error[ENGINE_ERROR_BYTES])
{
	char path[PATH_BYTES];
	int result = mkdir(directory, 0700) != 0 ? -errno : 0;

	path_of(directory, "format", path);
	if (result == 0)
		result = write_format(directory, path);
	if (result < 0)
		snprintf(error, ENGINE_ERROR_BYTES, "%.400s: %s", directory, strerror(-result));
	return result;
}

static int make_batches(struct engine *engine)
{
	for (int i = 0; i < 2; i++) {
		/* Taken as it is used. */
		void *cells = mmap(NULL, ENGINE_CELLS_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (cells == MAP_FAILED)
			return -ENOMEM;
		engine->batches[i].cells = cells;
	}
	return 0;
}

static int open_parts(struct engine *engine, const char *directory, struct engine_report *report,
	char error[ENGINE_ERROR_BYTES])
{
	char path[PATH_BYTES];
	int result = make_directory(directory);

	if (result == 0)
		result = check_format(directory, &report->format_damaged, error);
	path_of(directory, "cells", path);
	if (result == 0)
		result = make_directory(path);
	if (result < 0)
		return result;
	result = segments_open(&engine->segments, path);
	if (result < 0) {
		snprintf(error, ENGINE_ERROR_BYTES, "%.400s: %s", path, strerror(-result));
		return result;
	}
	result = engine_open_table(engine, report, error);
	atomic_store(&engine->failed, report->read_only);
	return result;
}

int engine_open(struct engine **out, const char *directory, struct engine_report *report,
	char error[ENGINE_ERROR_BYTES])
{
	struct engine *engine = calloc(1, sizeof *engine);

	*out = NULL;
	memset(report, 0, sizeof *report);
	error[0] = '\0';
	if (!engine) {
		snprintf(error, ENGINE_ERROR_BYTES, "out of memory");
		return -ENOMEM;
	}
	pthread_mutex_init(&engine->work, NULL);
	engine->tail.number = UINT64_MAX; /* none */
	engine->event = -1;
	snprintf(engine->directory, sizeof engine->directory, "%.480s", directory);
	int result = make_batches(engine);
	if (result == 0)
		result = open_parts(engine, directory, report, error);
	if (result < 0) {
		if (error[0] == '\0')
			snprintf(error, ENGINE_ERROR_BYTES, "%s", strerror(-result));
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
	table_close(engine->table);
	segments_close(engine->segments);
	for (int i = 0; i < 2; i++) {
		struct engine_batch *batch = &engine->batches[i];
		if (!batch->cells)
			continue;
		engine_batch_clear(batch);
		munmap(batch->cells, ENGINE_CELLS_BYTES);
		free(batch->erased.items);
		free(batch->delivered.items);
		free(batch->restored.items);
	}
	free(engine->kept.items);
	free(engine->step);
	pthread_mutex_destroy(&engine->work);
	free(engine);
}
