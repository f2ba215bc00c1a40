#include "control_end.h"

#include "bench.h"
#include "src/counters.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	TIMEOUT_MS = 30000,
	LEASE_BLOCK = 8192,
	DEVICE_PORT = 40000, /* devices are in 10.0.0.0/8, as in device_port.c */
	DEVICES_PER_MESSAGE =
		(TABLE_MESSAGE_BYTES - sizeof(struct table_head)) / sizeof(struct table_device),
};

_Static_assert(COUNTER_COUNT <= 128, "room for all counters");

static void add_leases(struct control_end *end, const uint32_t *indices, uint32_t n)
{
	if (end->count + n > CONTROL_END_LEASES)
		bench_fail("more leases than were asked for");
	for (uint32_t i = 0; i < n; i++)
		end->leases[(end->first + end->count++) % CONTROL_END_LEASES] = indices[i];
}

static void acknowledged(struct control_end *end, const struct table_ack *ack)
{
	end->acked++;
	if (ack->op == TABLE_LEASE_GET)
		end->lease_asked = false;
	else if (ack->failed != 0)
		bench_fail("the dataplane refuses %u records of a message %u: %s", ack->failed,
			ack->op, strerror(-ack->error));
}

static void handle(struct control_end *end)
{
	const struct table_head *head = (const struct table_head *)end->in;
	const void *records = end->in + sizeof *head;

	switch (head->op) {
	case TABLE_ACK:
		acknowledged(end, records);
		break;
	case TABLE_LEASE:
		add_leases(end, records, head->count);
		break;
	case TABLE_SESSION_CONFIRMED:
		end->confirmed += head->count;
		break;
	case TABLE_SESSION_ENDED:
		end->ended += head->count;
		break;
	case TABLE_SESSION_DUMP:
		end->dump_complete |= (head->flags & TABLE_LAST) != 0;
		break;
	case TABLE_STATS:
		memcpy(end->counters[end->counters_received++ % 2], records,
			head->count * sizeof(uint64_t));
		break;
	default:
		break;
	}
}

/* Takes what has come. False: there was nothing. */
static bool receive(struct control_end *end)
{
	const ssize_t len = recv(end->socket, end->in, sizeof end->in, MSG_DONTWAIT);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (len <= 0 || table_message_check(end->in, (size_t)len, TABLE_TO_CONTROL) < 0)
		bench_fail("table link: %s", len < 0 ? strerror(errno) : "no message");
	handle(end);
	return true;
}

bool control_end_hear(struct control_end *end, int wait_ms)
{
	struct pollfd fd = { .fd = end->socket, .events = POLLIN };

	return poll(&fd, 1, wait_ms) > 0 && receive(end);
}

static void wait_for(struct control_end *end, short events)
{
	struct pollfd fd = { .fd = end->socket, .events = events };

	if (poll(&fd, 1, TIMEOUT_MS) <= 0)
		bench_fail("the dataplane is silent");
	while (receive(end))
		;
}

/* Sends end->out; takes what comes while the socket has no room. */
static void tell(struct control_end *end, enum table_op op, uint32_t count, size_t record_bytes)
{
	struct table_head *head = (struct table_head *)end->out;

	*head = (struct table_head){ .op = (uint16_t)op, .count = count, .seq = ++end->seq };
	while (send(end->socket, head, sizeof *head + count * record_bytes,
		       MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN && errno != ENOBUFS)
			bench_fail("table link: %s", strerror(errno));
		wait_for(end, POLLIN | POLLOUT);
	}
}

static void tell_and_wait(struct control_end *end, enum table_op op)
{
	tell(end, op, 0, 0);
	while (end->acked < end->seq)
		wait_for(end, POLLIN);
}

static void greet(struct control_end *end)
{
	struct table_hello *hello = (void *)(end->out + sizeof(struct table_head));

	*hello = (struct table_hello){ .version = TABLE_VERSION, .suites = ~0U };
	hello->relay_public[0] = 1;
	tell(end, TABLE_HELLO, 1, sizeof *hello);
	end->acked++; /* it is not acknowledged */
	while (!end->dump_complete)
		wait_for(end, POLLIN);
}

void control_end_connect(struct control_end *end, const char *run_dir, uint32_t devices)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct table_device *records = (void *)(end->out + sizeof(struct table_head));
	const int size = 4 << 20;

	memset(end, 0, sizeof *end);
	end->indices = calloc(devices, sizeof *end->indices);
	if (end->indices == NULL)
		bench_fail("no memory");
	end->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%.64s/table.sock", run_dir);
	setsockopt(end->socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (connect(end->socket, (struct sockaddr *)&address, sizeof address) < 0)
		bench_fail("%s: %s", address.sun_path, strerror(errno));
	greet(end);
	tell(end, TABLE_SYNC_BEGIN, 0, 0);
	for (uint32_t slot = 0; slot < devices;) {
		uint32_t n = 0;
		for (; n < DEVICES_PER_MESSAGE && slot < devices; n++, slot++)
			records[n] = (struct table_device){ .slot = slot };
		tell(end, TABLE_DEVICE_SET, n, sizeof *records);
	}
	tell_and_wait(end, TABLE_SYNC_END);
}

static void ask_leases(struct control_end *end)
{
	struct table_lease_get *get = (void *)(end->out + sizeof(struct table_head));

	if (end->lease_asked || end->count + LEASE_BLOCK > CONTROL_END_LEASES)
		return;
	*get = (struct table_lease_get){ .owner = 0, .count = LEASE_BLOCK };
	end->lease_asked = true;
	tell(end, TABLE_LEASE_GET, 1, sizeof *get);
}

void control_end_key(
	uint32_t index, enum control_end_direction direction, uint8_t key[WIRE_KEY_BYTES])
{
	uint64_t state = (uint64_t)index << 1 | direction | UINT64_C(1) << 63;

	for (uint32_t i = 0; i < WIRE_KEY_BYTES; i += sizeof(uint64_t)) {
		const uint64_t word = bench_random(&state);
		memcpy(key + i, &word, sizeof word);
	}
}

static void make_install(struct control_end *end, uint32_t device, struct table_install *install)
{
	*install = (struct table_install){
		.index = end->leases[end->first],
		.device = device,
		.peer_index = device,
		.suite = WIRE_SUITE_AES256GCM,
		.keepalive_s = 25,
		.hard_lifetime_s = 3600,
		.endpoint = { .family = 4,
			.local = { [10] = 0xff, 0xff, 198, 18, 0, 2 },
			.remote = { [10] = 0xff, 0xff, 10 },
			.next_hop = { 0x02, 0, 0, 0, 1, 0 },
			.local_port = htons(WIRE_PORT),
			.remote_port = htons(DEVICE_PORT) },
	};
	const uint32_t host = htonl(UINT32_C(0x0a000001) + device);

	memcpy(install->endpoint.remote + 12, &host, sizeof host);
	end->first = (end->first + 1) % CONTROL_END_LEASES;
	end->count--;
	end->indices[device] = install->index;
	control_end_key(install->index, CONTROL_END_RECEIVE, install->receive_key);
	control_end_key(install->index, CONTROL_END_SEND, install->send_key);
	install->response[0] = WIRE_RESPONSE;
}

void control_end_install(struct control_end *end, uint32_t first, uint32_t n)
{
	struct table_install *records = (void *)(end->out + sizeof(struct table_head));

	for (uint32_t done = 0; done < n;) {
		const uint32_t some =
			n - done < CONTROL_END_INSTALLS ? n - done : CONTROL_END_INSTALLS;
		if (end->count < CONTROL_END_LEASES / 2)
			ask_leases(end);
		if (end->count < some) {
			wait_for(end, POLLIN);
			continue;
		}
		for (uint32_t i = 0; i < some; i++)
			make_install(end, first + done++, &records[i]);
		tell(end, TABLE_SESSION_INSTALL, some, sizeof *records);
		while (receive(end))
			;
	}
	while (end->acked < end->seq)
		wait_for(end, POLLIN);
}

uint64_t control_end_counter(struct control_end *end, uint32_t counter)
{
	end->counters_received = 0;
	tell_and_wait(end, TABLE_STATS_GET);
	while (end->counters_received < 2)
		wait_for(end, POLLIN);
	return end->counters[0][counter] + end->counters[1][counter];
}

void control_end_close(struct control_end *end)
{
	close(end->socket);
	free(end->indices);
}
