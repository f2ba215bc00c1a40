#include "attach.h"

#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	RETRY_FIRST_US = 50000,
	RETRY_LAST_US = 500000,
	HELLO_US = 5000000, /* within which it has to come */
	RINGS_A_TURN = 64,
	DEVICES_MAX = 1 << WIRE_INDEX_SLOT_BITS,
};

int attach_init(struct attach *attach, const char *run_dir)
{
	*attach =
		(struct attach){ .socket = -1, .bell = -1, .epoll = -1, .wait_us = RETRY_FIRST_US };
	const int len = snprintf(attach->path, sizeof attach->path, "%s/store.sock", run_dir);
	return len < 0 || (size_t)len >= sizeof attach->path ? -ENAMETOOLONG : 0;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void watch(const struct attach *attach, int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.fd = fd };

	if (attach->epoll >= 0 && epoll_ctl(attach->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		log_warning("%s: epoll: %s", attach->path, strerror(errno));
}

/* The dataplane holds the other descriptor of what lies behind ours, so that closing does not take
 * it out of epoll, which would go on to name a number that is another file's by then. */
static void close_watched(const struct attach *attach, int *fd)
{
	if (*fd >= 0 && attach->epoll >= 0)
		(void)epoll_ctl(attach->epoll, EPOLL_CTL_DEL, *fd, NULL);
	close_one(fd);
}

void attach_end(struct attach *attach, uint64_t now_us, const char *why)
{
	share_unmap(&attach->share);
	close_watched(attach, &attach->socket);
	close_watched(attach, &attach->bell);
	if (!attach->complained)
		log_warning("%s: %s; trying on until the dataplane is there", attach->path, why);
	attach->complained = true;
	attach->state = ATTACH_AWAY;
	attach->retry_us = now_us + attach->wait_us;
	attach->wait_us *= 2;
	if (attach->wait_us > RETRY_LAST_US)
		attach->wait_us = RETRY_LAST_US;
}

/* Whoever could make this socket could make the dataplane's, but not as its user. */
static bool is_dataplane(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void try_connect(struct attach *attach, uint64_t now_us)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, attach->path);
	attach->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (attach->socket < 0 ||
		connect(attach->socket, (const struct sockaddr *)&address, sizeof address) < 0) {
		attach_end(attach, now_us, strerror(errno));
		return;
	}
	if (!is_dataplane(attach->socket)) {
		attach_end(attach, now_us, "another user's process listens there");
		return;
	}
	watch(attach, attach->socket);
	attach->state = ATTACH_HELLO;
	attach->retry_us = now_us + HELLO_US;
}

struct descriptors {
	int fds[LINK_DESCRIPTORS];
	uint32_t count;
};

/* Takes descriptors out of a message; more than there may be are closed. */
static void take_descriptors(struct msghdr *message, struct descriptors *descriptors)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
		part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
			if (descriptors->count < LINK_DESCRIPTORS)
				descriptors->fds[descriptors->count++] = fd;
			else
				close(fd);
		}
	}
}

/* 0, -EAGAIN where it has not come, -EPROTO. */
static int receive_hello(int fd, struct link_hello *hello, struct descriptors *descriptors)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(LINK_DESCRIPTORS * sizeof(int))];
	uint8_t bytes[sizeof *hello + 1];
	struct iovec part = { bytes, sizeof bytes };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control };
	const ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -errno;
	take_descriptors(&message, descriptors);
	if (got != sizeof *hello || (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) ||
		descriptors->count != LINK_DESCRIPTORS)
		return got == 0 ? -ECONNRESET : -EPROTO;
	memcpy(hello, bytes, sizeof *hello);
	return hello->version == LINK_VERSION && hello->devices_max > 0 &&
			       hello->devices_max <= DEVICES_MAX && hello->reserved == 0
		       ? 0
		       : -EPROTO;
}

/* Of other files calls might wait, whatever they are told. */
static bool is_bell(int fd)
{
	int domain = 0, type = 0;
	socklen_t domain_len = sizeof domain, type_len = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && domain == AF_UNIX &&
	       type == SOCK_SEQPACKET;
}

static int map(
	struct attach *attach, const struct link_hello *hello, struct descriptors *descriptors)
{
	const struct link_ready ready = { .version = LINK_VERSION };
	int result = 0;

	attach->bell = descriptors->fds[LINK_BELL];
	descriptors->fds[LINK_BELL] = -1;
	if (!is_bell(attach->bell))
		return -EPROTO;
	watch(attach, attach->bell);
	if (result == 0)
		result = share_map(&attach->share, hello->workers, descriptors->fds[LINK_MEMORY]);
	if (result == 0 && send(attach->socket, &ready, sizeof ready, MSG_NOSIGNAL) != sizeof ready)
		result = -errno;
	attach->devices_max = hello->devices_max;
	return result;
}

static bool take_hello(struct attach *attach, uint64_t now_us)
{
	struct descriptors descriptors = { .fds = { -1, -1 } };
	struct link_hello hello = { 0 };
	int result = receive_hello(attach->socket, &hello, &descriptors);

	if (result == 0)
		result = map(attach, &hello, &descriptors);
	for (uint32_t i = 0; i < LINK_DESCRIPTORS; i++)
		close_one(&descriptors.fds[i]);
	if (result == -EAGAIN && now_us < attach->retry_us)
		return false;
	if (result < 0) {
		attach_end(attach, now_us,
			result == -EPROTO   ? "a hello that makes no sense; are both programs of "
					      "the same version?"
			: result == -EAGAIN ? "no hello came"
					    : strerror(-result));
		return false;
	}
	attach->state = ATTACH_PRESENT;
	attach->wait_us = RETRY_FIRST_US;
	attach->complained = false;
	log_info("dataplane connected: %u workers, %u devices", attach->share.workers,
		attach->devices_max);
	return true;
}

bool attach_turn(struct attach *attach, uint64_t now_us)
{
	if (attach->state == ATTACH_AWAY && now_us >= attach->retry_us)
		try_connect(attach, now_us);
	return attach->state == ATTACH_HELLO && take_hello(attach, now_us);
}

bool attach_broken(const struct attach *attach)
{
	uint8_t byte;
	const ssize_t got = recv(attach->socket, &byte, sizeof byte, MSG_PEEK);

	return got >= 0 || (errno != EAGAIN && errno != EINTR);
}

uint64_t attach_due_us(const struct attach *attach)
{
	return attach->state == ATTACH_PRESENT ? UINT64_MAX : attach->retry_us;
}

void attach_ring(const struct attach *attach)
{
	const uint64_t one = 1;

	/* Full: then it is rung already. */
	(void)send(attach->bell, &one, sizeof one, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void attach_rung(const struct attach *attach)
{
	uint64_t ring;

	for (int i = 0; i < RINGS_A_TURN; i++)
		if (recv(attach->bell, &ring, sizeof ring, MSG_DONTWAIT) <= 0)
			return;
}
