#include "store_link.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Locked and left out of dumps, as all memory with frames; present, so that no worker waits for a
 * page. */
static void store_link_touch(const struct share *share)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	(void)madvise(share->memory, share->bytes, MADV_DONTDUMP);
	for (size_t at = 0; at < share->bytes; at += page)
		__atomic_store_n((uint8_t *)share->memory + at, 0, __ATOMIC_RELAXED);
}

static int store_link_descriptors(struct store_link *store)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	store->bell = pair[0];
	store->descriptors[LINK_BELL] = pair[1];
	return 0;
}

int store_link_init(struct store_link *store, struct dataplane *dataplane)
{
	memset(store, 0, sizeof *store);
	store->dataplane = dataplane;
	store->link.listener = store->link.connection = store->bell = -1;
	for (uint32_t i = 0; i < LINK_DESCRIPTORS; i++)
		store->descriptors[i] = -1;
	int result = share_make(
		&store->share, dataplane->worker_count, &store->descriptors[LINK_MEMORY]);
	if (result == 0)
		result = store_link_descriptors(store);
	if (result < 0)
		return result;
	store_link_touch(&store->share);
	for (uint32_t i = 0; i < dataplane->worker_count; i++)
		dataplane->workers[i]->store_up = store->share.up[i];
	return 0;
}

static void store_link_let_in(struct store_link *store, bool ready)
{
	const struct dataplane *dataplane = store->dataplane;
	store->ready = store->resync = ready;
	for (uint32_t i = 0; i < dataplane->worker_count; i++)
		__atomic_store_n(&dataplane->workers[i]->store_connected, ready, __ATOMIC_RELAXED);
}

void store_link_free(struct store_link *store)
{
	store_link_let_in(store, false);
	link_close(&store->link);
	for (uint32_t i = 0; i < LINK_DESCRIPTORS; i++)
		if (store->descriptors[i] >= 0)
			close(store->descriptors[i]);
	if (store->bell >= 0)
		close(store->bell);
	/* What it holds is for chappe-store to take, and goes when that has unmapped it too. */
	share_unmap(&store->share);
}

void store_link_lose(struct store_link *store, const char *why)
{
	store_link_let_in(store, false);
	link_disconnect(&store->link, why);
}

static int store_link_hello(const struct store_link *store)
{
	const struct dataplane *dataplane = store->dataplane;
	struct link_hello hello = { .version = LINK_VERSION,
		.workers = dataplane->worker_count,
		.devices_max = dataplane->config.devices,
		.boot = dataplane->boot };
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof store->descriptors)];
	} control = { 0 };
	struct iovec data = { .iov_base = &hello, .iov_len = sizeof hello };
	struct msghdr message = { .msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof store->descriptors);
	memcpy(CMSG_DATA(head), store->descriptors, sizeof store->descriptors);
	return sendmsg(store->link.connection, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno
											  : 0;
}

void store_link_accept(struct store_link *store)
{
	if (!link_accept(&store->link))
		return;
	store_link_let_in(store, false); /* the one before it was dead */
	int result = store_link_hello(store);
	if (result < 0)
		store_link_lose(store, strerror(-result));
}

void store_link_receive(struct store_link *store)
{
	struct link_ready ready;
	ssize_t got = recv(store->link.connection, &ready, sizeof ready, MSG_DONTWAIT | MSG_TRUNC);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
		store_link_lose(store, got ? strerror(errno) : "closed");
	else if (got != sizeof ready || ready.reserved != 0 || store->ready)
		store_link_lose(store, "it sent a message that is not one");
	else if (ready.version != LINK_VERSION)
		store_link_lose(store, "other version");
	else
		store_link_let_in(store, true);
}

void store_link_rung(const struct store_link *store)
{
	uint64_t ring;
	for (int i = 0; i < STORE_RINGS_PER_TURN; i++)
		if (recv(store->bell, &ring, sizeof ring, MSG_DONTWAIT) <= 0)
			return;
}

/* Of the up rings workers have views of their own. */
static bool store_link_broken(const struct store_link *store)
{
	const struct dataplane *dataplane = store->dataplane;
	bool broken = store->share.down.broken || store->share.events.broken;
	for (uint32_t i = 0; i < dataplane->worker_count; i++)
		broken |=
			__atomic_load_n(&dataplane->workers[i]->store_up.broken, __ATOMIC_RELAXED);
	return broken;
}

static void store_link_shut(struct store_link *store)
{
	if (store->link.listener < 0)
		return;
	fprintf(stderr,
		"error store.sock: chappe-store has broken the memory that it shares with this "
		"process: nothing is stored until chappe-dataplane is started again\n");
	store_link_lose(store, "it broke a ring");
	link_close(&store->link);
}

/* Rings where something waits for the store. Full is as good as rung. */
static bool store_link_ring(const struct store_link *store)
{
	const uint64_t one = 1;
	bool waits = ring_waits(&store->share.events);
	for (uint32_t i = 0; i < store->share.workers; i++)
		waits |= ring_waits(&store->share.up[i]);
	if (waits)
		(void)send(store->bell, &one, sizeof one, MSG_DONTWAIT | MSG_NOSIGNAL);
	return waits;
}

bool store_link_turn(struct store_link *store)
{
	if (store_link_broken(store)) {
		store_link_shut(store);
		return false;
	}
	const uint32_t taken = store_down_turn(store);
	store_event_turn(store);
	const bool waits = store->ready && store_link_ring(store);
	return taken > 0 || store->held || waits;
}
