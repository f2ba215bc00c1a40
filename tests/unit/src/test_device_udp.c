/* The UDP transport over loopback: both families through one descriptor, names, what does not
 * resolve, and what is too long. No name server is asked. */
#include "src/device/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct chappe_transport udp;

static int setup(void **state)
{
	(void)state;
	return device_udp_open(&udp);
}

static int teardown(void **state)
{
	(void)state;
	udp.close(udp.context);
	return 0;
}

/* A server on loopback; -1 where the machine lacks the family. */
static int serve(int family, uint16_t *port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *address =
		family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = family == AF_INET ? sizeof v4 : sizeof v6;
	int fd = socket(family, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, address, len) < 0 || getsockname(fd, address, &len) < 0)
		return -1;
	*port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	return fd;
}

static ssize_t receive(void *buffer, size_t max)
{
	struct pollfd p = { .fd = udp.fd(udp.context), .events = POLLIN };
	assert_int_equal(poll(&p, 1, 2000), 1);
	return udp.receive(udp.context, buffer, max);
}

static void exchange(int family, const char *format)
{
	struct sockaddr_storage from;
	socklen_t from_len = sizeof from;
	char relay[64], buffer[64];
	uint16_t port = 0;
	int fd = serve(family, &port);
	if (fd < 0)
		skip();
	snprintf(relay, sizeof relay, format, port);
	assert_int_equal(udp.target(udp.context, relay, 0), 0);
	assert_int_equal(udp.send(udp.context, "there", 5), 0);
	assert_int_equal(
		recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &from_len), 5);
	assert_int_equal(sendto(fd, "and back", 8, 0, (struct sockaddr *)&from, from_len), 8);
	assert_int_equal(receive(buffer, sizeof buffer), 8);
	assert_memory_equal(buffer, "and back", 8);
	/* a long one is cut off, which its reader sees by the length */
	assert_int_equal(sendto(fd, "and back", 8, 0, (struct sockaddr *)&from, from_len), 8);
	assert_int_equal(receive(buffer, 4), 4);
	assert_int_equal(udp.receive(udp.context, buffer, sizeof buffer), -EAGAIN);
	close(fd);
}

static void ipv4_goes_there_and_back(void **state)
{
	(void)state;
	exchange(AF_INET, "127.0.0.1:%u");
}

static void ipv6_goes_there_and_back(void **state)
{
	(void)state;
	exchange(AF_INET6, "[::1]:%u");
}

static void one_descriptor_serves_both(void **state)
{
	int before = udp.fd(udp.context);
	(void)state;
	assert_int_equal(udp.target(udp.context, "127.0.0.1:4460", 0), 0);
	if (udp.target(udp.context, "[::1]:4460", 0) == 0)
		assert_int_equal(udp.fd(udp.context), before);
}

static void a_name_has_so_many_addresses_and_no_more(void **state)
{
	unsigned int nth = 0;
	(void)state;
	while (udp.target(udp.context, "localhost:4460", nth) == 0)
		nth++;
	assert_in_range(nth, 1, 16);
	assert_int_equal(udp.target(udp.context, "localhost:4460", nth), -ENOENT);
}

static void what_leads_nowhere_is_an_error(void **state)
{
	static const char *const bad[] = { "", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999",
		"[::1:4460", ":4460" };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_true(udp.target(udp.context, bad[i], 0) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(ipv4_goes_there_and_back),
		T(ipv6_goes_there_and_back),
		T(one_descriptor_serves_both),
		T(a_name_has_so_many_addresses_and_no_more),
		T(what_leads_nowhere_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
