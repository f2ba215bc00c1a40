/* store.sock from the store's side: a dataplane that comes, goes, and sends what it must not. */
#include "files.h"
#include "relay.h"

#include "store/attach.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct attach attach;
static struct relay relay;
static uint64_t now_us;

static int setup(void **state)
{
	now_us = 1000000;
	if (sodium_init() < 0 || files_make(state) != 0)
		return -1;
	return attach_init(&attach, files_directory);
}

static int teardown(void **state)
{
	attach_end(&attach, now_us, "the test ends");
	relay_close(&relay);
	return files_remove(state);
}

/* Connects, with the relay's side accepting but not greeting. */
static int accept_bare(void)
{
	now_us += 1000000;
	assert_false(attach_turn(&attach, now_us));
	assert_int_equal(attach.state, ATTACH_HELLO);
	const int fd = accept4(relay.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(fd >= 0);
	return fd;
}

static void comes_and_goes(void **state)
{
	(void)state;
	relay.listener = -1;
	relay.socket = relay.bell = relay.handed = relay.memory = -1;
	assert_false(attach_turn(&attach, now_us));
	assert_int_equal(attach.state, ATTACH_AWAY);
	uint64_t due_us = attach_due_us(&attach);
	assert_true(due_us > now_us);
	assert_false(attach_turn(&attach, due_us - 1)); /* nothing before its time */
	for (int i = 0; i < 10; i++) {
		now_us = attach_due_us(&attach);
		assert_false(attach_turn(&attach, now_us));
		assert_in_range(attach_due_us(&attach) - now_us, 50000, 500000);
	}
	relay_listen(&relay, files_directory);
	for (int round = 0; round < 3; round++) {
		now_us += 1000000;
		assert_false(attach_turn(&attach, now_us));
		assert_true(relay_accept(&relay, 3));
		assert_true(attach_turn(&attach, now_us));
		assert_int_equal(attach.state, ATTACH_PRESENT);
		assert_int_equal(attach.share.workers, 3);
		assert_int_equal(attach.devices_max, RELAY_DEVICES);
		assert_true(attach_due_us(&attach) == UINT64_MAX);
		assert_true(relay_is_ready(&relay));
		assert_false(attach_broken(&attach));
		relay_hang_up(&relay);
		assert_true(attach_broken(&attach));
		attach_end(&attach, now_us, "it is gone");
	}
}

/* The relay keeps the other descriptor of what it rings: it must not ring after the end. */
static void rings_no_more_after_the_end(void **state)
{
	struct epoll_event event;

	(void)state;
	attach.epoll = epoll_create1(EPOLL_CLOEXEC);
	relay_listen(&relay, files_directory);
	for (int round = 0; round < 3; round++) {
		now_us += 1000000;
		assert_false(attach_turn(&attach, now_us));
		assert_true(relay_accept(&relay, 1));
		assert_true(attach_turn(&attach, now_us));
		while (epoll_wait(attach.epoll, &event, 1, 0) > 0)
			;
		relay_ring(&relay);
		assert_int_equal(epoll_wait(attach.epoll, &event, 1, 0), 1);
		assert_int_equal(event.data.fd, attach.bell);
		attach_end(&attach, now_us, "the test ends it");
		relay_ring(&relay);
		assert_int_equal(epoll_wait(attach.epoll, &event, 1, 0), 0);
	}
	close(attach.epoll);
	attach.epoll = -1;
}

/* A relay that never reads, and makes what both ends share block. */
static void is_never_blocked_by_the_relay(void **state)
{
	(void)state;
	relay_listen(&relay, files_directory);
	assert_false(attach_turn(&attach, now_us));
	assert_true(relay_accept(&relay, 1));
	assert_true(attach_turn(&attach, now_us));
	assert_int_equal(fcntl(relay.bell, F_SETFL, 0), 0);
	assert_int_equal(fcntl(relay.handed, F_SETFL, 0), 0);
	alarm(20);
	attach_rung(&attach); /* there is nothing */
	for (uint32_t i = 0; i < 100000; i++)
		attach_ring(&attach);
	alarm(0);
}

static void says_more_than_hello(void **state)
{
	(void)state;
	relay_listen(&relay, files_directory);
	assert_false(attach_turn(&attach, now_us));
	assert_true(relay_accept(&relay, 1));
	assert_true(attach_turn(&attach, now_us));
	assert_int_equal(send(relay.socket, "x", 1, 0), 1);
	assert_true(attach_broken(&attach));
}

static void never_says_hello(void **state)
{
	(void)state;
	relay_listen(&relay, files_directory);
	const int fd = accept_bare();
	assert_false(attach_turn(&attach, attach_due_us(&attach) - 1));
	assert_int_equal(attach.state, ATTACH_HELLO);
	assert_false(attach_turn(&attach, attach_due_us(&attach)));
	assert_int_equal(attach.state, ATTACH_AWAY);
	close(fd);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* What a hello may be made of. */
struct offer {
	struct link_hello hello;
	size_t bytes, fds;
	int memory; /* 0: as it should be; 1: not sealed; 2: too short; 3: a pipe */
	int bell;   /* 0: as it should be; 1: an eventfd; 2: a stream */
};

static int make_memory(const struct offer *offer)
{
	struct share share;
	int fd, ends[2];

	if (offer->memory == 3) {
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		close(ends[1]);
		return ends[0];
	}
	if (offer->memory == 0) {
		assert_int_equal(share_make(&share, 1, &fd), 0);
		share_unmap(&share);
		return fd;
	}
	fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, offer->memory == 2 ? 4096 : 8 << 20), 0);
	if (offer->memory == 2)
		assert_int_equal(
			fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	return fd;
}

static int make_bell(const struct offer *offer)
{
	int pair[2];

	if (offer->bell == 1)
		return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(
		socketpair(AF_UNIX,
			(offer->bell == 2 ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0, pair),
		0);
	close(pair[1]);
	return pair[0];
}

static void send_offer(int to, const struct offer *offer)
{
	int fds[8];
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof fds)] = { 0 };
	uint8_t bytes[2 * sizeof offer->hello] = { 0 };
	struct iovec part = { bytes, offer->bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	memcpy(bytes, &offer->hello, sizeof offer->hello);
	for (size_t i = 0; i < offer->fds; i++)
		fds[i] = i == LINK_MEMORY ? make_memory(offer) : make_bell(offer);
	if (offer->fds > 0) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(offer->fds * sizeof(int));
		struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(offer->fds * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, offer->fds * sizeof(int));
	}
	assert_int_equal(sendmsg(to, &message, 0), offer->bytes);
	for (size_t i = 0; i < offer->fds; i++)
		close(fds[i]);
}

static void says_what_it_must_not(void **state)
{
	const struct link_hello good = { .version = LINK_VERSION, .workers = 1, .devices_max = 9 };
	struct offer offers[14];
	size_t n = sizeof offers / sizeof *offers;

	(void)state;
	for (size_t i = 0; i < n; i++)
		offers[i] = (struct offer){ good, sizeof good, LINK_DESCRIPTORS, 0, 0 };
	offers[0].hello.version = LINK_VERSION + 1;
	offers[1].hello.workers = 0;
	offers[2].hello.workers = SHARE_WORKERS_MAX + 1;
	offers[3].hello.workers = 2; /* of which the memory has one */
	offers[4].hello.devices_max = 0;
	offers[5].hello.devices_max = UINT32_MAX;
	offers[6].bytes--;
	offers[7].bytes++;
	offers[8].fds = 0;
	offers[9].fds = 8;
	offers[10].memory = 1;
	offers[11].memory = 2;
	offers[12].bell = 1;
	offers[13].bell = 2;
	relay_listen(&relay, files_directory);
	const int before = open_descriptors();
	for (size_t i = 0; i < n; i++) {
		const int fd = accept_bare();
		send_offer(fd, &offers[i]);
		assert_false(attach_turn(&attach, now_us));
		assert_int_equal(attach.state, ATTACH_AWAY);
		close(fd);
		assert_int_equal(open_descriptors(), before); /* none of theirs is left */
	}
	offers[0] = (struct offer){ good, sizeof good, LINK_DESCRIPTORS, 3, 0 };
	const int fd = accept_bare();
	send_offer(fd, &offers[0]);
	assert_false(attach_turn(&attach, now_us));
	close(fd);
	/* And the one that is as it should be is taken after all that. */
	offers[0].memory = 0;
	const int last = accept_bare();
	send_offer(last, &offers[0]);
	assert_true(attach_turn(&attach, now_us));
	close(last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(comes_and_goes),
		TEST(rings_no_more_after_the_end),
		TEST(is_never_blocked_by_the_relay),
		TEST(says_more_than_hello),
		TEST(never_says_hello),
		TEST(says_what_it_must_not),
#undef TEST
	};
	return cmocka_run_group_tests_name("attach", tests, NULL, NULL);
}
