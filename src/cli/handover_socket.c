#include "src/cli/handover_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char socket_name[] = ".socket";
enum { BACKLOG = 15 };

/* By way of the directory's descriptor: its path may be longer than a socket's name may be. */
static struct sockaddr_un address_in(int dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(
		address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir, socket_name);
	return address;
}

static int open_directory(const char *directory)
{
	return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool handover_write(int fd, const void *data, size_t len)
{
	const char *bytes = data;

	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR && !cli_interrupted())
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* Whatever becomes of the receiver, we do not wait for it much longer than for the message. */
static void bound_waiting(int fd, int timeout_ms)
{
	const struct timeval wait = { .tv_sec = timeout_ms / 1000 + 1,
		.tv_usec = timeout_ms % 1000 * 1000 };

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
}

int handover_connect(const char *directory, int timeout_ms)
{
	int dir = open_directory(directory);
	int fd = dir < 0 ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = address_in(dir);

	if (fd >= 0)
		bound_waiting(fd, timeout_ms);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		close(fd);
		fd = -1;
	}
	if (dir >= 0)
		close(dir);
	return fd;
}

int handover_listen(const char *directory, int *dir)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	mode_t mask;
	bool ok;

	*dir = open_directory(directory);
	if (*dir >= 0 && fd >= 0) {
		address = address_in(*dir);
		unlinkat(*dir, socket_name, 0); /* of a process that died: we have the lock */
		mask = umask(0077);
		ok = bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		     listen(fd, BACKLOG) == 0;
		umask(mask);
		if (ok)
			return fd;
	}
	if (*dir >= 0)
		close(*dir);
	if (fd >= 0)
		close(fd);
	*dir = -1;
	return -1;
}

void handover_unlisten(int listener, int dir)
{
	if (dir >= 0) {
		unlinkat(dir, socket_name, 0);
		close(dir);
	}
	if (listener >= 0)
		close(listener);
}
