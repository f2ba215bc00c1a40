#include "src/device/udp.h"
#include "src/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	UDP_ADDRESSES_MAX = 16,
	UDP_BUFFER_BYTES = 1 << 20, /* as much as the kernel grants: bursts of a large message */
};

struct udp {
	int fd;
	sa_family_t family; /* AF_INET where the kernel has no IPv6 */
	struct sockaddr_in6 addresses[UDP_ADDRESSES_MAX];
	unsigned int count;
	struct sockaddr_storage target;
	socklen_t target_len;
};

/* IPv4 addresses go through the IPv6 socket as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). */
static struct sockaddr_in6 mapped(const struct sockaddr_in *v4)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = v4->sin_port };

	v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&v6.sin6_addr.s6_addr[12], &v4->sin_addr, 4);
	return v6;
}

static struct sockaddr_in unmapped(const struct sockaddr_in6 *v6)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = v6->sin6_port };

	memcpy(&v4.sin_addr, &v6->sin6_addr.s6_addr[12], 4);
	return v4;
}

/* Connecting a UDP socket sends nothing, but fails where no route leads there. */
static bool has_route(const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && connect(fd, address, len) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static void add_address(struct udp *udp, const struct addrinfo *a)
{
	if (udp->count == UDP_ADDRESSES_MAX || !has_route(a->ai_addr, a->ai_addrlen))
		return;
	if (a->ai_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, a->ai_addr, sizeof v4);
		udp->addresses[udp->count++] = mapped(&v4);
	} else if (a->ai_family == AF_INET6 && udp->family == AF_INET6) {
		memcpy(&udp->addresses[udp->count++], a->ai_addr, sizeof udp->addresses[0]);
	}
}

static int resolve(struct udp *udp, const char *relay)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found, *a;
	char host[LINK_HOST_BYTES], service[8];
	uint16_t port;

	udp->count = 0;
	if (link_relay_split(relay, host, &port))
		return -EINVAL;
	snprintf(service, sizeof service, "%u", port);
	if (getaddrinfo(host, service, &hints, &found))
		return -EHOSTUNREACH;
	for (a = found; a; a = a->ai_next)
		add_address(udp, a);
	freeaddrinfo(found);
	return udp->count ? 0 : -ENETUNREACH;
}

static int udp_target(void *context, const char *relay, unsigned int nth)
{
	struct udp *udp = context;
	int err = nth == 0 ? resolve(udp, relay) : 0;

	if (err)
		return err;
	if (nth >= udp->count)
		return -ENOENT;
	if (udp->family == AF_INET6) {
		memcpy(&udp->target, &udp->addresses[nth], sizeof udp->addresses[nth]);
		udp->target_len = sizeof udp->addresses[nth];
	} else {
		struct sockaddr_in v4 = unmapped(&udp->addresses[nth]);
		memcpy(&udp->target, &v4, sizeof v4);
		udp->target_len = sizeof v4;
	}
	return 0;
}

static int udp_send(void *context, const void *datagram, size_t len)
{
	struct udp *udp = context;
	ssize_t n = sendto(udp->fd, datagram, len, MSG_NOSIGNAL, (struct sockaddr *)&udp->target,
		udp->target_len);

	return n < 0 ? -errno : 0;
}

static ssize_t udp_receive(void *context, void *datagram, size_t max)
{
	struct udp *udp = context;
	ssize_t n = recv(udp->fd, datagram, max, MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

static int udp_fd(void *context)
{
	return ((struct udp *)context)->fd;
}

static void udp_close(void *context)
{
	struct udp *udp = context;

	close(udp->fd);
	free(udp);
}

static int open_socket(struct udp *udp)
{
	int off = 0, bytes = UDP_BUFFER_BYTES;

	udp->family = AF_INET6;
	udp->fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (udp->fd >= 0 && setsockopt(udp->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0) {
		close(udp->fd);
		udp->fd = -1;
	}
	if (udp->fd < 0) {
		udp->family = AF_INET;
		udp->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	}
	if (udp->fd < 0)
		return -errno;
	setsockopt(udp->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	return 0;
}

int device_udp_open(struct chappe_transport *transport)
{
	struct udp *udp = calloc(1, sizeof *udp);
	int err = udp ? open_socket(udp) : -ENOMEM;

	if (err) {
		free(udp);
		return err;
	}
	*transport = (struct chappe_transport){
		.context = udp,
		.target = udp_target,
		.send = udp_send,
		.receive = udp_receive,
		.fd = udp_fd,
		.close = udp_close,
	};
	return 0;
}
