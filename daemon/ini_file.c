#include "daemon/ini_file.h"

#include <errno.h>
#include <stdio.h>

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
