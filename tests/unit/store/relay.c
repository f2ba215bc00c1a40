#include "relay.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void relay_listen(struct relay *relay, const char *run_dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memset(relay, 0, sizeof *relay);
	relay->socket = relay->bell = relay->handed = relay->memory = -1;
	snprintf(relay->path, sizeof relay->path, "%s/store.sock", run_dir);
	strcpy(address.sun_path, relay->path);
	relay->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(relay->listener >= 0);
	assert_int_equal(
		bind(relay->listener, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(relay->listener, 4), 0);
}

static void send_hello(const struct relay *relay, uint32_t workers)
{
	_Alignas(struct cmsghdr)
		uint8_t control[CMSG_SPACE(LINK_DESCRIPTORS * sizeof(int))] = { 0 };
	const int fds[LINK_DESCRIPTORS] = {
		[LINK_MEMORY] = relay->memory, [LINK_BELL] = relay->handed
	};
	struct link_hello hello = {
		.version = LINK_VERSION, .workers = workers, .devices_max = RELAY_DEVICES, .boot = 7
	};
	struct iovec part = { &hello, sizeof hello };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(rights), fds, sizeof fds);
	assert_int_equal(sendmsg(relay->socket, &message, MSG_NOSIGNAL), sizeof hello);
}

bool relay_accept(struct relay *relay, uint32_t workers)
{
	const int fd = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return false;
	relay_hang_up(relay);
	relay->socket = fd;
	int pair[2];
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	relay->bell = pair[0];
	relay->handed = pair[1];
	assert_int_equal(share_make(&relay->share, workers, &relay->memory), 0);
	send_hello(relay, workers);
	return true;
}

bool relay_is_ready(const struct relay *relay)
{
	struct link_ready ready;

	return recv(relay->socket, &ready, sizeof ready, 0) == sizeof ready &&
	       ready.version == LINK_VERSION;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void relay_hang_up(struct relay *relay)
{
	share_unmap(&relay->share);
	close_one(&relay->socket);
	close_one(&relay->bell);
	close_one(&relay->handed);
	close_one(&relay->memory);
}

void relay_close(struct relay *relay)
{
	relay_hang_up(relay);
	close_one(&relay->listener);
	(void)unlink(relay->path);
}

void relay_cell(uint8_t *bytes, uint32_t len, uint8_t kind, uint64_t route, uint64_t frame_id)
{
	struct wire_inner *inner = (struct wire_inner *)bytes;
	uint8_t seed[randombytes_SEEDBYTES] = { kind };

	memcpy(seed + 8, &route, sizeof route);
	memcpy(seed + 16, &frame_id, sizeof frame_id);
	randombytes_buf_deterministic(bytes, len, seed);
	memset(inner, 0, sizeof *inner);
	inner->kind = kind;
	inner->frame_id = put64(frame_id);
	memcpy(inner->route, &route, sizeof route);
}

static bool put_up(struct relay *relay, uint32_t worker, const struct share_up *record)
{
	struct share_up *slot = ring_claim(&relay->share.up[worker]);

	if (!slot)
		return false;
	*slot = *record;
	ring_publish(&relay->share.up[worker]);
	return true;
}

bool relay_stored(struct relay *relay, uint32_t worker, uint32_t device, uint32_t index,
	uint64_t route, uint64_t frame_id, uint32_t len)
{
	struct share_up record = {
		.kind = SHARE_STORED, .len = (uint16_t)len, .device = device, .index = index
	};

	relay_cell(record.frame, len, WIRE_STORED, route, frame_id);
	return put_up(relay, worker, &record);
}

bool relay_received(
	struct relay *relay, uint32_t worker, uint32_t device, uint64_t route, uint64_t frame_id)
{
	const uint32_t len = WIRE_INNER_HEADER_BYTES;
	struct share_up record = { .kind = SHARE_RECEIVED, .len = (uint16_t)len, .device = device };

	relay_cell(record.frame, len, WIRE_RECEIVED, route, frame_id);
	return put_up(relay, worker, &record);
}

bool relay_event(struct relay *relay, enum share_event_kind kind, uint32_t device, uint64_t route)
{
	struct share_event *slot = ring_claim(&relay->share.events);

	if (!slot)
		return false;
	*slot = (struct share_event){ .kind = kind, .device = device };
	memcpy(slot->route, &route, sizeof route);
	ring_publish(&relay->share.events);
	return true;
}

void relay_ring(const struct relay *relay)
{
	const uint64_t one = 1;

	/* Full: then it is rung already. */
	const ssize_t sent = send(relay->bell, &one, sizeof one, MSG_DONTWAIT | MSG_NOSIGNAL);
	assert_true(sent == sizeof one || errno == EAGAIN);
}

bool relay_take(struct relay *relay, struct share_down *record)
{
	if (!ring_take(&relay->share.down, record))
		return false;
	assert_true(share_down_ok(record));
	return true;
}

uint64_t relay_route(const struct share_down *record)
{
	uint64_t route;

	memcpy(&route, ((const struct wire_inner *)record->frame)->route, sizeof route);
	return route;
}

uint64_t relay_frame_id(const struct share_down *record)
{
	return get64(((const struct wire_inner *)record->frame)->frame_id);
}
