#include "daemon/ini_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int ini_file_parse(const char *path, ini_handler handler, void *arg)
{
	FILE *file = fopen(path, "re");
	int line, error;

	if (!file)
		return -errno;
	errno = 0;
	line = ini_parse_file(file, handler, arg);
	error = ferror(file) ? (errno ? errno : EIO) : 0;
	fclose(file);
	if (error)
		return -error;
	return line < 0 ? -ENOMEM : line;
}

int ini_file_result(const char *path, int line, const char *reason, char *error, size_t error_len)
{
	if (line == 0)
		return 0;
	if (line < 0) {
		snprintf(error, error_len, "%.400s: %s", path, strerror(-line));
		return line;
	}
	snprintf(error, error_len, "%.400s:%d: %s", path, line,
		reason[0] ? reason : "neither [section] nor name = value");
	return -EINVAL;
}
