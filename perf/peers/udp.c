/* Plain datagrams from one end of a VPN to the other, and what TURN shares with them. */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_BYTES = 4 << 20 };

static void enter(const char *ns)
{
	const int fd = open(ns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		peer_fail("network namespace %s: %s", ns, strerror(errno));
	close(fd);
}

static int open_socket(const struct sockaddr_in *to)
{
	static const int bytes = BUFFER_BYTES;
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in any = { .sin_family = AF_INET };

	if (fd < 0)
		peer_fail("socket: %s", strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	if (bind(fd, (const struct sockaddr *)&any, sizeof any) < 0 ||
		(to && connect(fd, (const struct sockaddr *)to, sizeof *to) < 0))
		peer_fail("socket: %s", strerror(errno));
	return fd;
}

int peer_udp_socket(const char *ns, const struct sockaddr_in *to)
{
	static int home = -1;

	if (ns == NULL)
		return open_socket(to);
	if (home < 0)
		home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	enter(ns);
	const int fd = open_socket(to);
	if (setns(home, CLONE_NEWNET) < 0)
		peer_fail("network namespace: %s", strerror(errno));
	return fd;
}

uint32_t peer_send_many(int fd, const uint8_t *bytes, uint32_t len, uint32_t n)
{
	struct iovec part = { .iov_len = len };
	struct mmsghdr messages[PEER_BATCH];

	memcpy(&part.iov_base, &bytes, sizeof part.iov_base); /* the kernel only reads */
	n = n < PEER_BATCH ? n : PEER_BATCH;
	memset(messages, 0, n * sizeof *messages);
	for (uint32_t i = 0; i < n; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &part, .msg_iovlen = 1 };
	const int sent = sendmmsg(fd, messages, n, 0);
	return sent > 0 ? (uint32_t)sent : 0;
}

uint32_t peer_receive_many(int fd, uint32_t len)
{
	static uint8_t buffers[PEER_BATCH][PEER_MESSAGE_MAX_BYTES];
	struct iovec parts[PEER_BATCH];
	struct mmsghdr messages[PEER_BATCH] = { 0 };
	uint32_t count = 0;

	for (uint32_t i = 0; i < PEER_BATCH; i++) {
		parts[i] = (struct iovec){ buffers[i], sizeof buffers[i] };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	const int n = recvmmsg(fd, messages, PEER_BATCH, 0, NULL);
	for (int i = 0; i < n; i++)
		count += messages[i].msg_len >= len;
	return count;
}

static uint8_t message[PEER_MESSAGE_MAX_BYTES];

/* The recipient's port is known only once it is bound; its address is the server option's. */
static void udp_open(struct peer *peer)
{
	for (uint32_t i = 0; i < peer->options.pairs; i++) {
		struct peer_pair *pair = &peer->pairs[i];
		struct sockaddr_in at;
		socklen_t len = sizeof at;
		pair->recipient = peer_udp_socket(peer->options.recipient_ns, NULL);
		if (getsockname(pair->recipient, (struct sockaddr *)&at, &len) < 0)
			peer_fail("getsockname: %s", strerror(errno));
		at.sin_addr = peer->options.server.sin_addr;
		pair->sender = peer_udp_socket(peer->options.sender_ns, &at);
	}
}

static uint32_t udp_send(struct peer *peer, struct peer_pair *pair, uint32_t n)
{
	return peer_send_many(pair->sender, message, peer->options.bytes, n);
}

static uint32_t udp_receive(struct peer *peer, struct peer_pair *pair)
{
	return peer_receive_many(pair->recipient, peer->options.bytes);
}

const struct peer_protocol peer_udp = { "udp", udp_open, udp_send, udp_receive };
