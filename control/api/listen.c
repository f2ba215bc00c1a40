/* The socket of the API. */
#include "api.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(char error[API_ERROR_BYTES], int number, const char *path, const char *what)
{
	snprintf(error, API_ERROR_BYTES, "%.256s: %s%s%s", path, what,
		number == EADDRINUSE ? "" : ": ", number == EADDRINUSE ? "" : strerror(number));
	return -number;
}

/* Removes the socket of a process that has ended. */
static int remove_stale(const struct sockaddr_un *address, char error[API_ERROR_BYTES])
{
	struct stat status;
	if (lstat(address->sun_path, &status) != 0)
		return errno == ENOENT
			       ? 0
			       : fail(error, errno, address->sun_path, "can't be looked at");
	if (!S_ISSOCK(status.st_mode))
		return fail(error, EADDRINUSE, address->sun_path,
			"exists and is no socket: move it away, or set [api] socket");
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(error, errno, address->sun_path, "no socket");
	const int r = connect(fd, (const struct sockaddr *)address, sizeof *address);
	const int why = errno;
	close(fd);
	if (r == 0 || why == EAGAIN)
		return fail(error, EADDRINUSE, address->sun_path,
			"another chappe-control answers there: stop it first, or set [api] socket");
	if (unlink(address->sun_path) != 0 && errno != ENOENT)
		return fail(error, errno, address->sun_path, "the stale socket can't be removed");
	return 0;
}

static int give_to_group(const char *path, const char *group, char error[API_ERROR_BYTES])
{
	if (group != NULL && *group != '\0') {
		const struct group *found = getgrnam(group);
		if (found == NULL) {
			snprintf(error, API_ERROR_BYTES,
				"no group `%.64s` for the API socket: make it (addgroup --system "
				"%.64s) or set [api] group",
				group, group);
			return -ENOENT;
		}
		/* The directory may belong to the account that privileges drop to: no link is
		 * followed out of it, which is why bind() makes the mode and not chmod(). */
		if (lchown(path, (uid_t)-1, found->gr_gid) != 0)
			return fail(error, errno, path, "can't be given to the group");
	}
	return 0;
}

int api_listen(const char *path, const char *group, char error[API_ERROR_BYTES])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path)
		return fail(error, ENAMETOOLONG, path, "no path for a socket");
	strcpy(address.sun_path, path);
	int r = remove_stale(&address, error);
	if (r != 0)
		return r;
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(error, errno, path, "no socket");
	const mode_t mask = umask(0117);
	r = bind(fd, (const struct sockaddr *)&address, sizeof address);
	const int why = errno;
	umask(mask);
	if (r != 0) {
		close(fd);
		return fail(error, why, path, "the socket can't be made");
	}
	r = give_to_group(path, group, error);
	if (r == 0 && listen(fd, 64) != 0)
		r = fail(error, errno, path, "can't listen");
	if (r != 0) {
		unlink(path);
		close(fd);
		return r;
	}
	return fd;
}
