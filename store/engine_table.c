/* Opens the table, and where it is damaged makes it anew: the cells say all that the index did, but
 * for what was erased. */
#include "directory.h"
#include "engine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 512 };

static void path_of(const struct engine *engine, const char *name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%.480s/%s", engine->directory, name);
}

static bool is_there(const struct engine *engine, const char *name)
{
	char path[PATH_BYTES];

	path_of(engine, name, path);
	return access(path, F_OK) == 0;
}

/* Names that came and went in the directory are durable. */
static int sync_directory(const struct engine *engine)
{
	const int fd = open(engine->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = 0;

	if (fd < 0 || fsync(fd) != 0)
		result = -errno;
	if (fd >= 0)
		close(fd);
	return result;
}

/* There while the index is made: one that is not complete is not to be taken for one that is. */
static int mark(const struct engine *engine)
{
	char path[PATH_BYTES];

	path_of(engine, ENGINE_REBUILDING, path);
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return sync_directory(engine);
}

void engine_rebuilt(struct engine *engine)
{
	char path[PATH_BYTES];

	path_of(engine, ENGINE_REBUILDING, path);
	if (engine->rebuilding && unlink(path) == 0)
		engine->rebuilding = false;
}

static int keep_aside(const struct engine *engine)
{
	char index[PATH_BYTES], aside[PATH_BYTES];

	path_of(engine, "index", index);
	path_of(engine, "index.damaged", aside);
	const int result = directory_remove(aside);
	return result == 0 && rename(index, aside) != 0 && errno != ENOENT ? -errno : result;
}

/* The damaged one is kept, for those who look for the cause; one that was not completed is not. */
static int set_aside(const struct engine *engine)
{
	char index[PATH_BYTES];
	int result = 0;

	path_of(engine, "index", index);
	if (is_there(engine, ENGINE_REBUILDING)) {
		result = directory_remove(index);
	} else {
		result = mark(engine);
		if (result == 0)
			result = keep_aside(engine);
	}
	return result == 0 ? sync_directory(engine) : result;
}

int engine_lose_table(struct engine *engine)
{
	if (atomic_load(&engine->failed) != 0)
		return atomic_load(&engine->failed);
	const int result = mark(engine);
	if (result < 0)
		return result;
	table_close(engine->table);
	engine->table = NULL;
	(void)keep_aside(engine); /* else it is removed */
	return 0;
}

static bool does_not_write(int result)
{
	return result == -EROFS || result == -ENOSPC || result == -EDQUOT || result == -EIO;
}

/* In place of the damaged one; none where the disk does not write: then what the cells say stays in
 * memory. */
static int make_anew(
	struct engine *engine, struct engine_report *report, char error[ENGINE_ERROR_BYTES])
{
	char index[PATH_BYTES];
	int result = report->read_only != 0 ? report->read_only : set_aside(engine);

	path_of(engine, "index", index);
	report->index_lost = engine->rebuilding = true;
	if (result == 0) {
		result = table_open(&engine->table, index, &report->read_only, error);
		if (result < 0 && report->read_only != 0)
			result = report->read_only;
	} else {
		snprintf(error, ENGINE_ERROR_BYTES, "%.400s: making it anew: %s", index,
			strerror(-result));
	}
	if (!does_not_write(result))
		return result;
	report->read_only = result;
	return 0;
}

int engine_open_table(
	struct engine *engine, struct engine_report *report, char error[ENGINE_ERROR_BYTES])
{
	char index[PATH_BYTES];
	const bool lost = is_there(engine, ENGINE_REBUILDING) ||
			  (!is_there(engine, "index/CURRENT") && segments_at(engine->segments, 0));

	path_of(engine, "index", index);
	snprintf(report->text, sizeof report->text, "it is missing, or was not completed");
	if (!lost) {
		const int result = table_open(&engine->table, index, &report->read_only, error);
		if (result != -EBADMSG)
			return result;
		snprintf(report->text, sizeof report->text, "%s", error);
	}
	return make_anew(engine, report, error);
}
