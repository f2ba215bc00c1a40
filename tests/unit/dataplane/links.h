/* A dataplane without ports or running workers, and a control that talks to its links. */
#ifndef CHAPPE_TESTS_LINKS_H
#define CHAPPE_TESTS_LINKS_H

#include "dataplane/loop.h"
#include "eal.h"
#include <errno.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINKS_WORKERS = 2, LINKS_DEVICES = 64, LINKS_BUFFERS = 4095 };

static struct dataplane dataplane;
static char links_directory[] = "/tmp/chappe-links-XXXXXX";

static inline int links_make(void)
{
	eal_start();
	if (sodium_init() < 0 || !mkdtemp(links_directory))
		return -1;
	dataplane.config.devices = LINKS_DEVICES;
	dataplane.config.routes_per_device = 4;
	dataplane.account = (struct confine_account){ .uid = getuid(), .gid = getgid() };
	dataplane.ports.count = 1;
	dataplane.worker_count = LINKS_WORKERS;
	dataplane.boot = 42;
	dataplane.pool = eal_pool(LINKS_BUFFERS);
	dataplane.qsbr = rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(LINKS_WORKERS), 64);
	if (!dataplane.pool || rte_rcu_qsbr_init(dataplane.qsbr, LINKS_WORKERS) != 0)
		return -1;
	const struct tables_limits limits = { LINKS_DEVICES, 4, LINKS_WORKERS };
	dataplane.tables = tables_create(&limits, dataplane.qsbr);
	if (!dataplane.tables)
		return -1;
	dataplane.suites = tables_suites(dataplane.tables);
	secrets_init(&dataplane.secrets, dataplane.boot, 0);
	for (uint32_t i = 0; i < LINKS_WORKERS; i++) {
		const struct worker_config config = { .id = i,
			.workers = LINKS_WORKERS,
			.config = &dataplane.config,
			.tables = dataplane.tables,
			.qsbr = dataplane.qsbr,
			.pool = dataplane.pool };
		dataplane.workers[i] = worker_create(&config);
		if (!dataplane.workers[i])
			return -1;
	}
	return 0;
}

static inline void links_free(void)
{
	for (uint32_t i = 0; i < LINKS_WORKERS; i++)
		worker_destroy(dataplane.workers[i]);
	tables_destroy(dataplane.tables);
	rmdir(links_directory);
}

static inline int links_connect(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = 5 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", links_directory, name);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Whether the other end has closed. */
static inline bool links_closed(int fd)
{
	char byte;
	const ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return got == 0 || (got < 0 && errno == ECONNRESET);
}

#endif
