#include "links.h"

#include "bench.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINKS_TIMEOUT_S = 30, LINKS_LEASES = 4096, LINKS_BUFFER_BYTES = 4 << 20 };

static int listen_at(const char *run_dir, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%.64s/%s", run_dir, name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
		listen(fd, 1) < 0)
		bench_fail("%s: %s", address.sun_path, strerror(errno));
	return fd;
}

static int accept_at(int listener)
{
	const int size = LINKS_BUFFER_BYTES;
	struct pollfd fd = { .fd = listener, .events = POLLIN };

	if (poll(&fd, 1, LINKS_TIMEOUT_S * 1000) != 1)
		bench_fail("control does not connect");
	const int connection = accept(listener, NULL, NULL);
	if (connection < 0)
		bench_fail("control does not connect: %s", strerror(errno));
	setsockopt(connection, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return connection;
}

static void tell(struct links *links, enum table_op op, uint64_t seq, const void *records,
	uint32_t count, size_t bytes)
{
	struct table_head head = {
		.op = (uint16_t)op,
		.flags = op == TABLE_SESSION_DUMP ? TABLE_LAST : 0,
		.count = count,
		.seq = seq ? seq : ++links->seq,
	};
	struct iovec parts[] = { { &head, sizeof head }, { NULL, count * bytes } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	memcpy(&parts[1].iov_base, &records, sizeof records);
	if (sendmsg(links->table, &message, MSG_NOSIGNAL) < 0)
		bench_fail("table link: %s", strerror(errno));
}

static void lease(struct links *links, uint32_t count)
{
	uint32_t indices[LINKS_LEASES];

	for (uint32_t i = 0; i < count; i++, links->leased++)
		indices[i] = wire_index(0, links->leased >> WIRE_INDEX_SLOT_BITS, links->leased);
	tell(links, TABLE_LEASE, 0, indices, count, sizeof *indices);
}

static void handle(struct links *links, const struct table_head *head, const void *records)
{
	struct table_ack ack = { .op = head->op };
	const struct table_lease_get *get = records;

	switch (head->op) {
	case TABLE_HELLO:
		lease(links, LINKS_LEASES / 2);
		tell(links, TABLE_SESSION_DUMP, 0, NULL, 0, 0);
		return;
	case TABLE_LEASE_GET:
		lease(links, get->count < LINKS_LEASES ? get->count : LINKS_LEASES);
		break;
	case TABLE_SYNC_END:
		links->in_step = true;
		break;
	case TABLE_SESSION_INSTALL:
		if (links->n + head->count > links->max)
			bench_fail("control installed a session that nobody asked for");
		memcpy(links->installs + links->n, records, head->count * sizeof *links->installs);
		links->n += head->count;
		break;
	default:
		break;
	}
	tell(links, TABLE_ACK, head->seq, &ack, 1, sizeof ack);
}

static void receive(struct links *links)
{
	const struct table_head *head = (const struct table_head *)links->bytes;
	struct pollfd fds[] = { { .fd = links->table, .events = POLLIN },
		{ .fd = links->punt, .events = POLLIN } };

	if (poll(fds, 2, LINKS_TIMEOUT_S * 1000) <= 0)
		bench_fail("control is silent");
	if (fds[1].revents != 0)
		bench_fail("control refuses a handshake");
	const ssize_t len = recv(links->table, links->bytes, sizeof links->bytes, 0);
	if (len <= 0 || table_message_check(links->bytes, (size_t)len, TABLE_TO_DATAPLANE) < 0)
		bench_fail("table link: %s", len < 0 ? strerror(errno) : "no message");
	handle(links, head, links->bytes + sizeof *head);
}

void links_listen(struct links *links, const char *run_dir)
{
	memset(links, 0, sizeof *links);
	links->table_listener = listen_at(run_dir, "table.sock");
	links->punt_listener = listen_at(run_dir, "punt.sock");
}

void links_accept(struct links *links, uint32_t devices)
{
	const struct table_hello hello = {
		.version = TABLE_VERSION,
		.owners = 1,
		.boot = 1,
		.devices_max = devices,
		.routes_per_device = 1,
		.suites = 1u << WIRE_SUITE_AES256GCM | 1u << WIRE_SUITE_CHACHA20POLY1305,
	};

	links->table = accept_at(links->table_listener);
	links->punt = accept_at(links->punt_listener);
	tell(links, TABLE_HELLO, 0, &hello, 1, sizeof hello);
	while (!links->in_step)
		receive(links);
}

void links_collect(struct links *links, const struct punt_record *inits, uint32_t n,
	struct table_install *installs)
{
	links->installs = installs;
	links->n = 0;
	links->max = n;
	for (uint32_t sent = 0; sent < n;) {
		const uint32_t some = n - sent < PUNT_RECORDS_MAX ? n - sent : PUNT_RECORDS_MAX;
		if (send(links->punt, inits + sent, some * sizeof *inits, MSG_NOSIGNAL) < 0)
			bench_fail("punt link: %s", strerror(errno));
		sent += some;
	}
	while (links->n < n)
		receive(links);
}

void links_confirm(struct links *links, const struct table_install *installs, uint32_t n)
{
	struct table_confirmed confirmed[256];

	for (uint32_t i = 0, count = 0; i < n; i++) {
		confirmed[count++] =
			(struct table_confirmed){ installs[i].index, installs[i].device };
		if (count == sizeof confirmed / sizeof *confirmed || i == n - 1) {
			tell(links, TABLE_SESSION_CONFIRMED, 0, confirmed, count,
				sizeof *confirmed);
			count = 0;
		}
	}
}

void links_close(struct links *links)
{
	close(links->table);
	close(links->punt);
	close(links->table_listener);
	close(links->punt_listener);
}
