#include "pid_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_to(int fd)
{
	char text[32];
	struct stat status;
	const int len = snprintf(text, sizeof text, "%d\n", (int)getpid());

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_nlink != 1)
		return -EEXIST;
	if (ftruncate(fd, 0) < 0)
		return -errno;
	const ssize_t n = write(fd, text, (size_t)len);
	if (n < 0)
		return -errno;
	return n == len ? 0 : -ENOSPC;
}

int pid_file_write(const char *path)
{
	/* Without O_NONBLOCK a FIFO would hang. */
	const int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	int result = write_to(fd);
	if (close(fd) < 0 && result == 0)
		result = -errno;
	return result;
}
