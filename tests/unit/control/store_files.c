#include "store_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char directory[64];
char error[STORE_ERROR_BYTES];
struct store *store;

int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/chappe-test-store-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	return store_create(directory, error) || store_open(directory, &store, error);
}

int teardown(void **state)
{
	char pattern[80];
	glob_t found;

	(void)state;
	store_close(store);
	store = NULL;
	snprintf(pattern, sizeof pattern, "%s/*", directory);
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
		globfree(&found);
	}
	return rmdir(directory);
}

uint32_t in_files(const uint8_t (*strings)[16], uint32_t count)
{
	static uint8_t content[64 << 20];
	size_t len = 0;
	char pattern[80];
	glob_t found;
	uint32_t hits = 0;

	snprintf(pattern, sizeof pattern, "%s/*", directory);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "rb");
		assert_non_null(file);
		len += fread(content + len, 1, sizeof content - len, file);
		fclose(file);
	}
	globfree(&found);
	assert_true(len < sizeof content);
	for (uint32_t i = 0; i < count; i++)
		hits += memmem(content, len, strings[i], 16) != NULL;
	return hits;
}

struct store_device device_of(uint8_t seed)
{
	struct store_device device = {
		.slot = seed,
		.created_s = 1000,
		.limits = { STORE_LIMIT_DEFAULT, 0, INT64_C(1) << 40 },
	};

	fill(device.key, sizeof device.key, seed);
	fill(device.psk, sizeof device.psk, (uint8_t)(seed + 100));
	return device;
}

struct store_route route_of(uint32_t device, uint8_t seed)
{
	struct store_route route = {
		.device = device,
		.flags = 1,
		.created_s = 5,
		.request = UINT64_MAX - seed,
	};

	fill(route.route, sizeof route.route, seed);
	return route;
}
