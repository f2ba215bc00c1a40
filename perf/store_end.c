#include "store_end.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	strcpy(address.sun_path, path);
	(void)unlink(path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0)
		return fd;
	const int result = -errno;
	close(fd);
	return result;
}

static int make_rings(struct store_end *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end->boot = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return share_make(&end->share, end->workers, &end->memory);
}

int store_end_open(
	struct store_end *end, const char *run_dir, uint32_t workers, uint32_t devices_max)
{
	*end = (struct store_end){ .memory = -1,
		.listener = -1,
		.socket = -1,
		.workers = workers,
		.devices_max = devices_max };
	int pair[2] = { -1, -1 };
	const int paired =
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
	end->bell = pair[0];
	end->handed = pair[1];
	const int len = snprintf(end->path, sizeof end->path, "%s/store.sock", run_dir);
	int result = paired < 0                                   ? -errno
		     : len < 0 || (size_t)len >= sizeof end->path ? -ENAMETOOLONG
								  : make_rings(end);
	if (result == 0) {
		end->listener = listen_at(end->path);
		result = end->listener < 0 ? end->listener : 0;
	}
	if (result < 0)
		store_end_close(end);
	return result;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void store_end_close(struct store_end *end)
{
	share_unmap(&end->share);
	close_one(&end->memory);
	close_one(&end->bell);
	close_one(&end->handed);
	close_one(&end->listener);
	close_one(&end->socket);
}

int store_end_renew(struct store_end *end)
{
	close_one(&end->socket);
	share_unmap(&end->share);
	close_one(&end->memory);
	return make_rings(end);
}

static int send_hello(const struct store_end *end)
{
	struct link_hello hello = { .version = LINK_VERSION,
		.workers = end->workers,
		.devices_max = end->devices_max,
		.boot = end->boot };
	const int fds[LINK_DESCRIPTORS] = {
		[LINK_MEMORY] = end->memory, [LINK_BELL] = end->handed
	};
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof fds)] = { 0 };
	struct iovec part = { &hello, sizeof hello };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control };
	struct cmsghdr *descriptors = CMSG_FIRSTHDR(&message);

	descriptors->cmsg_level = SOL_SOCKET;
	descriptors->cmsg_type = SCM_RIGHTS;
	descriptors->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(descriptors), fds, sizeof fds);
	return sendmsg(end->socket, &message, MSG_NOSIGNAL) == sizeof hello ? 0 : -errno;
}

static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	const int n = poll(&one, 1, timeout_ms);

	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

int store_end_accept(struct store_end *end, int timeout_ms)
{
	struct link_ready ready;
	int result = wait_readable(end->listener, timeout_ms);

	close_one(&end->socket);
	if (result == 0) {
		end->socket = accept4(end->listener, NULL, NULL, SOCK_CLOEXEC);
		result = end->socket < 0 ? -errno : send_hello(end);
	}
	if (result == 0)
		result = wait_readable(end->socket, timeout_ms);
	if (result == 0 && (recv(end->socket, &ready, sizeof ready, 0) != sizeof ready ||
				   ready.version != LINK_VERSION))
		result = -EPROTO;
	if (result < 0) {
		close_one(&end->socket);
		return result;
	}
	return store_end_tell(end, SHARE_RESYNC, 0, NULL) ? 0 : -ENOBUFS;
}

bool store_end_lost(struct store_end *end)
{
	struct pollfd one = { .fd = end->socket, .events = POLLIN };

	if (end->socket >= 0 && poll(&one, 1, 0) != 0)
		close_one(&end->socket);
	return end->socket < 0;
}

bool store_end_put(struct store_end *end, uint32_t worker, enum share_up_kind kind, uint32_t device,
	uint32_t index, const void *frame, uint16_t len)
{
	struct share_up *slot = ring_claim(&end->share.up[worker]);

	if (slot == NULL)
		return false;
	slot->kind = (uint16_t)kind;
	slot->len = len;
	slot->device = device;
	slot->index = index;
	memcpy(slot->frame, frame, len);
	ring_publish(&end->share.up[worker]);
	return true;
}

bool store_end_tell(
	struct store_end *end, enum share_event_kind kind, uint32_t device, const uint8_t *route)
{
	struct share_event *slot = ring_claim(&end->share.events);

	if (slot == NULL)
		return false;
	memset(slot, 0, sizeof *slot);
	slot->kind = kind;
	slot->device = device;
	if (route != NULL)
		memcpy(slot->route, route, sizeof slot->route);
	ring_publish(&end->share.events);
	return true;
}

void store_end_ring(const struct store_end *end)
{
	const uint64_t one = 1;

	(void)send(end->bell, &one, sizeof one, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool store_end_take(struct store_end *end, struct share_down *record)
{
	while (share_take_down(&end->share.down, record))
		if (share_down_ok(record))
			return true;
	return false;
}

void store_end_wait(const struct store_end *end, int timeout_ms)
{
	uint64_t count;

	if (wait_readable(end->bell, timeout_ms) == 0)
		while (recv(end->bell, &count, sizeof count, MSG_DONTWAIT) > 0)
			;
}
