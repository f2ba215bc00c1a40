#include "engine_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int engine_copy(struct engine *engine, const char *directory, char error[ENGINE_ERROR_BYTES])
{
	char path[512];
	int result;

	pthread_mutex_lock(&engine->work);
	result = engine->copying ? -EBUSY : 0;
	if (!engine->table) {
		result = atomic_load(&engine->failed);
		snprintf(error, ENGINE_ERROR_BYTES,
			"the index is damaged, and the disk does not write");
	}
	if (result == 0)
		engine->copying = true;
	pthread_mutex_unlock(&engine->work);
	if (result < 0)
		return result;
	/* The index first: each cell that it leads to is there then, and stays. */
	result = engine_make_directory(directory, error);
	snprintf(path, sizeof path, "%.480s/index", directory);
	if (result == 0)
		result = table_copy(engine->table, path, error);
	pthread_mutex_lock(&engine->work);
	segments_end(engine->segments); /* a file that is not written to any more */
	snprintf(path, sizeof path, "%.480s/cells", directory);
	if (result == 0) {
		result = segments_link(engine->segments, path);
		if (result < 0)
			snprintf(error, ENGINE_ERROR_BYTES, "%.400s: %s", path, strerror(-result));
	}
	engine->copying = false;
	pthread_mutex_unlock(&engine->work);
	return result;
}
