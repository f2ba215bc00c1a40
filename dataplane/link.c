#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINK_BUFFER_BYTES = 4 << 20 };

static int link_watch(const struct link *link, int fd, uint32_t data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = data };
	return epoll_ctl(link->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* 0 where there is nothing, 1 for a socket on which nobody listens, -EADDRINUSE where somebody
 * does, -EEXIST for anything else, or -errno. */
static int link_look(const struct sockaddr_un *address)
{
	struct stat status;
	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int result = connect(fd, (const struct sockaddr *)address, sizeof *address);
	bool alive = result == 0 || errno != ECONNREFUSED;
	close(fd);
	return alive ? -EADDRINUSE : 1;
}

static int link_remove_stale(const struct sockaddr_un *address)
{
	int result = link_look(address);
	if (result <= 0)
		return result;
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

static int link_refuse(
	int result, const char *name, const char *run_dir, char *error, size_t error_len)
{
	if (result < 0)
		snprintf(error, error_len, "%s/%s: %s", run_dir, name,
			result == -EADDRINUSE
				? "another process listens there; is a chappe-dataplane "
				  "running already?"
				: strerror(-result));
	return result;
}

int link_check(const char *name, const char *run_dir, char *error, size_t error_len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int len = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", run_dir, name);
	int result = len < 0 || (size_t)len >= sizeof address.sun_path ? -ENAMETOOLONG
								       : link_look(&address);
	return link_refuse(result > 0 ? 0 : result, name, run_dir, error, error_len);
}

static int link_bind(struct link *link, const struct confine_account *account)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strcpy(address.sun_path, link->path);
	int result = link_remove_stale(&address);
	if (result < 0)
		return result;
	link->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->listener < 0)
		return -errno;
	mode_t mask = umask(0177);
	result = bind(link->listener, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
	umask(mask);
	if (result == 0 && account->drop && geteuid() == 0 &&
		lchown(link->path, account->uid, account->gid) < 0)
		result = -errno;
	if (result == 0 && listen(link->listener, 4) < 0)
		result = -errno;
	return result ? result : link_watch(link, link->listener, link->events);
}

int link_listen(struct link *link, const char *name, const char *peer, const char *run_dir,
	int epoll, uint32_t events, const struct confine_account *account, char *error,
	size_t error_len)
{
	*link = (struct link){ .name = name,
		.peer = peer,
		.listener = -1,
		.connection = -1,
		.epoll = epoll,
		.events = events,
		.uid = account->uid };
	int len = snprintf(link->path, sizeof link->path, "%s/%s", run_dir, name);
	int result = len < 0 || (size_t)len >= sizeof link->path ? -ENAMETOOLONG
								 : link_bind(link, account);
	return link_refuse(result, name, run_dir, error, error_len);
}

static bool link_alive(const struct link *link)
{
	char byte;
	if (link->connection < 0)
		return false;
	ssize_t got = recv(link->connection, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return got > 0 || (got < 0 && errno == EAGAIN);
}

static bool link_welcome(const struct link *link, int fd, pid_t *pid)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	*pid = peer.pid;
	if (link->other && peer.pid != 0 && peer.pid == link->other->pid) {
		fprintf(stderr,
			"warning %s: refused process %d: it is the %s of %s; did somebody take it "
			"over?\n",
			link->name, peer.pid, link->other->peer, link->other->name);
		return false;
	}
	if (peer.uid == 0 || peer.uid == link->uid)
		return true;
	fprintf(stderr,
		"warning %s: refused process %d of user %u: %s runs as root or as user %u, as this "
		"process does\n",
		link->name, peer.pid, peer.uid, link->peer, link->uid);
	return false;
}

bool link_accept(struct link *link)
{
	int size = LINK_BUFFER_BYTES;
	int fd = accept4(link->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return false;
	pid_t pid = 0;
	if (!link_welcome(link, fd, &pid)) {
		close(fd);
		return false;
	}
	if (link_alive(link)) {
		fprintf(stderr, "warning %s: refused a second %s: one is connected\n", link->name,
			link->peer);
		close(fd);
		return false;
	}
	link_disconnect(link, "gone");
	/* The kernel caps it at wmem_max; what does not fit waits in our own buffer. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (link_watch(link, fd, link->events + 1) < 0) {
		close(fd);
		return false;
	}
	link->connection = fd;
	link->pid = pid;
	fprintf(stderr, "info %s: %s connected\n", link->name, link->peer);
	return true;
}

void link_disconnect(struct link *link, const char *why)
{
	if (link->connection < 0)
		return;
	close(link->connection);
	link->connection = -1;
	fprintf(stderr, "info %s: %s disconnected: %s\n", link->name, link->peer, why);
}

void link_close(struct link *link)
{
	if (link->connection >= 0)
		close(link->connection);
	if (link->listener >= 0) {
		close(link->listener);
		(void)unlink(link->path);
	}
	link->connection = link->listener = -1;
}
