#include "limits.h"

#include "admin_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TTL_MINUTES_MAX = 10 * 366 * 24 * 60 };

static const struct limit {
	const char *name;
	size_t in_depot, in_admin;
	size_t bytes; /* 4 or 8 */
	uint64_t min, max;
} table[] = {
#define FIELD(field, min, max)                                                                     \
	{                                                                                          \
#field, offsetof(struct depot_limits, field),                                      \
			offsetof(struct admin_limits, field),                                      \
			sizeof((struct depot_limits *)0)->field, min, max                          \
	}
	FIELD(route_frames, 0, MAILBOX_ENTRIES_MAX),
	FIELD(device_frames, 0, UINT32_MAX),
	FIELD(route_bytes, 0, UINT64_MAX),
	FIELD(device_bytes, 0, UINT64_MAX),
	FIELD(total_bytes, 0, UINT64_MAX),
	FIELD(disk_free_bytes, 0, UINT64_MAX),
	FIELD(ttl_minutes, 1, TTL_MINUTES_MAX),
#undef FIELD
};
enum { TABLE_COUNT = sizeof table / sizeof *table };

static uint64_t get(const void *limits, size_t offset, size_t bytes)
{
	uint64_t value = 0; /* little-endian, as bytes.h asserts */

	memcpy(&value, (const uint8_t *)limits + offset, bytes);
	return value;
}

static void set(void *limits, size_t offset, size_t bytes, uint64_t value)
{
	memcpy((uint8_t *)limits + offset, &value, bytes);
}

void limits_defaults(struct depot_limits *limits)
{
	const struct admin_limits defaults = admin_limits_default();

	limits_from_admin(limits, &defaults);
}

int limits_check(const struct admin_limits *limits, char error[ADMIN_TEXT_BYTES])
{
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		const uint64_t value = get(limits, table[i].in_admin, table[i].bytes);
		if (value >= table[i].min && value <= table[i].max)
			continue;
		snprintf(error, ADMIN_TEXT_BYTES,
			"%s is %" PRIu64 "; it must be from %" PRIu64 " to %" PRIu64, table[i].name,
			value, table[i].min, table[i].max);
		return -EINVAL;
	}
	return 0;
}

void limits_from_admin(struct depot_limits *limits, const struct admin_limits *from)
{
	for (size_t i = 0; i < TABLE_COUNT; i++)
		set(limits, table[i].in_depot, table[i].bytes,
			get(from, table[i].in_admin, table[i].bytes));
}

void limits_to_admin(struct admin_limits *limits, const struct depot_limits *from)
{
	memset(limits, 0, sizeof *limits);
	for (size_t i = 0; i < TABLE_COUNT; i++)
		set(limits, table[i].in_admin, table[i].bytes,
			get(from, table[i].in_depot, table[i].bytes));
}

static int on_limit(void *arg, const char *section, const char *name, const char *value)
{
	for (size_t i = 0; i < TABLE_COUNT && strcmp(section, LIMITS_FILE) == 0; i++) {
		char *end;
		if (strcmp(name, table[i].name) != 0)
			continue;
		errno = 0;
		const unsigned long long number = strtoull(value, &end, 10);
		if (errno || end == value || *end || number < table[i].min || number > table[i].max)
			return 0;
		set(arg, table[i].in_depot, table[i].bytes, number);
		return 1;
	}
	return 0;
}

static void path_of(const char *directory, const char *ending, char path[DEPOT_ERROR_BYTES])
{
	snprintf(path, DEPOT_ERROR_BYTES, "%.800s/" LIMITS_FILE "%s", directory, ending);
}

int limits_load(const char *directory, struct depot_limits *limits, char error[DEPOT_ERROR_BYTES])
{
	char path[DEPOT_ERROR_BYTES];

	limits_defaults(limits);
	path_of(directory, "", path);
	errno = 0;
	const int line = ini_parse(path, on_limit, limits);
	if (line == 0 || (line == -1 && errno == ENOENT))
		return 0;
	if (line == -1) {
		const int result = errno ? -errno : -EIO;
		snprintf(error, DEPOT_ERROR_BYTES, "%.800s: %s", path, strerror(-result));
		return result;
	}
	limits_defaults(limits); /* not some of these and some of those */
	snprintf(error, DEPOT_ERROR_BYTES,
		"%.800s:%d: no limit: the defaults hold until control sends its own", path, line);
	return -EBADMSG;
}

static int write_whole(const char *path, const struct depot_limits *limits)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int result = 0;

	if (fd < 0)
		return -errno;
	if (dprintf(fd, "[" LIMITS_FILE "]\n") < 0)
		result = -errno;
	for (size_t i = 0; i < TABLE_COUNT && result == 0; i++)
		if (dprintf(fd, "%s = %" PRIu64 "\n", table[i].name,
			    get(limits, table[i].in_depot, table[i].bytes)) < 0)
			result = -errno;
	if (result == 0 && fsync(fd) != 0)
		result = -errno;
	if (close(fd) != 0 && result == 0)
		result = -errno;
	return result;
}

int limits_save(const char *directory, const struct depot_limits *limits)
{
	char path[DEPOT_ERROR_BYTES], whole[DEPOT_ERROR_BYTES];

	path_of(directory, ".new", path);
	path_of(directory, "", whole);
	int result = write_whole(path, limits);
	if (result == 0 && rename(path, whole) != 0)
		result = -errno;
	if (result < 0) {
		(void)unlink(path);
		return result;
	}
	const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	result = fsync(fd) != 0 ? -errno : 0;
	close(fd);
	return result;
}
