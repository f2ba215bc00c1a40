/* SQLite's memory holds psks and routes for a while: this allocator wipes what is freed. */
#include "store_sql.h"

#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void *wiping_malloc(int bytes)
{
	return malloc((size_t)bytes);
}

static void wiping_free(void *memory)
{
	sodium_memzero(memory, malloc_usable_size(memory));
	free(memory);
}

static int wiping_size(void *memory)
{
	return memory ? (int)malloc_usable_size(memory) : 0;
}

static void *wiping_realloc(void *memory, int bytes)
{
	size_t had = malloc_usable_size(memory);
	void *moved = malloc((size_t)bytes);

	if (!moved)
		return NULL;
	memcpy(moved, memory, had < (size_t)bytes ? had : (size_t)bytes);
	wiping_free(memory);
	return moved;
}

static int wiping_roundup(int bytes)
{
	return (bytes + 7) & ~7;
}

static int wiping_init(void *nothing)
{
	(void)nothing;
	return SQLITE_OK;
}

static void wiping_shutdown(void *nothing)
{
	(void)nothing;
}

void store_use_wiping_memory(void)
{
	static const sqlite3_mem_methods methods = {
		.xMalloc = wiping_malloc,
		.xFree = wiping_free,
		.xRealloc = wiping_realloc,
		.xSize = wiping_size,
		.xRoundup = wiping_roundup,
		.xInit = wiping_init,
		.xShutdown = wiping_shutdown,
	};

	/* Refused, harmlessly, when SQLite runs already: that is, at the second store. */
	sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}
