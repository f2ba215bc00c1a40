#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOP_IDLE_NS = 1000000,
	LOOP_BUSY_NS = 200000, /* while a punt ring, or one shared with the store, was not empty */
	LOOP_EVENTS = 8,
	/* epoll data; a link's connection is the one after its listener */
	LOOP_SIGNAL = 0,
	LOOP_TABLE = 1,
	LOOP_PUNT = 3,
	LOOP_STORE = 5,
	LOOP_STORE_DOWN = 7,
};

static int loop_watch_signals(struct loop *loop)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = LOOP_SIGNAL };
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	loop->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signals < 0)
		return -errno;
	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->signals, &event) < 0 ? -errno : 0;
}

/* Edge by edge: a store that rings without end costs no more than one that fills its ring. */
static int loop_watch_store(const struct loop *loop)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = LOOP_STORE_DOWN };
	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->store.bell, &event) < 0 ? -errno : 0;
}

static int loop_make_directory(
	const struct dataplane *dataplane, const char *path, char *error, size_t error_len)
{
	if (mkdir(path, 0750) == 0) {
		if (!dataplane->account.drop || geteuid() != 0 ||
			chown(path, dataplane->account.uid, dataplane->account.gid) == 0)
			return 0;
	} else if (errno == EEXIST) {
		return 0;
	}
	int err = errno;
	snprintf(error, error_len, "run_dir %s: %s", path, strerror(err));
	return -err;
}

int loop_open(struct loop *loop, struct dataplane *dataplane, char *error, size_t error_len)
{
	const struct config *config = &dataplane->config;
	loop->opened = true;
	loop->dataplane = dataplane;
	loop->signals = -1;
	loop->punt.dataplane = dataplane;
	loop->punt.link.listener = loop->punt.link.connection = -1;
	int result = table_link_init(&loop->table, dataplane);
	loop->table.store = &loop->store;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	const int store_result = store_link_init(&loop->store, dataplane);
	if (result == 0)
		result = store_result;
	if (result == 0)
		result = loop->epoll < 0 ? -errno : loop_watch_store(loop);
	if (result == 0)
		result = loop_watch_signals(loop);
	if (result < 0) {
		snprintf(error, error_len, "main loop: %s", strerror(-result));
		return result;
	}
	result = loop_make_directory(dataplane, config->run_dir, error, error_len);
	if (result == 0)
		result = link_listen(&loop->table.link, "table.sock", "chappe-control",
			config->run_dir, loop->epoll, LOOP_TABLE, &dataplane->account, error,
			error_len);
	if (result == 0)
		result = link_listen(&loop->punt.link, "punt.sock", "chappe-control",
			config->run_dir, loop->epoll, LOOP_PUNT, &dataplane->account, error,
			error_len);
	if (result == 0)
		result = link_listen(&loop->store.link, "store.sock", "chappe-store",
			config->run_dir, loop->epoll, LOOP_STORE, &dataplane->account, error,
			error_len);
	/* Where control should be, a chappe-store would rule devices, routes and sessions. */
	loop->table.link.other = loop->punt.link.other = &loop->store.link;
	return result;
}

static void loop_dispatch(struct loop *loop, uint32_t what)
{
	switch (what) {
	case LOOP_SIGNAL:
		loop->running = false;
		break;
	case LOOP_TABLE:
		table_link_accept(&loop->table);
		break;
	case LOOP_TABLE + 1:
		table_link_receive(&loop->table);
		break;
	case LOOP_PUNT:
		(void)link_accept(&loop->punt.link);
		break;
	case LOOP_PUNT + 1:
		punt_link_receive(&loop->punt);
		break;
	case LOOP_STORE:
		store_link_accept(&loop->store);
		break;
	case LOOP_STORE + 1:
		store_link_receive(&loop->store);
		break;
	default: /* LOOP_STORE_DOWN: the turn takes what the ring holds */
		store_link_rung(&loop->store);
		break;
	}
}

void loop_run(struct loop *loop)
{
	bool busy = false;
	loop->running = true;
	while (loop->running) {
		struct epoll_event events[LOOP_EVENTS];
		struct timespec now;
		const struct timespec timeout = { .tv_nsec = busy ? LOOP_BUSY_NS : LOOP_IDLE_NS };
		int n = epoll_pwait2(loop->epoll, events, LOOP_EVENTS, &timeout, NULL);
		for (int i = 0; i < n; i++)
			loop_dispatch(loop, events[i].data.u32);
		clock_gettime(CLOCK_MONOTONIC, &now);
		busy = punt_link_send(&loop->punt) > 0;
		table_link_turn(&loop->table);
		busy |= store_link_turn(&loop->store);
		secrets_turn(
			&loop->dataplane->secrets, loop->dataplane->qsbr, (uint64_t)now.tv_sec);
	}
}

void loop_close(struct loop *loop)
{
	if (!loop->opened)
		return;
	link_close(&loop->table.link);
	link_close(&loop->punt.link);
	store_link_free(&loop->store);
	table_link_free(&loop->table);
	if (loop->signals >= 0)
		close(loop->signals);
	if (loop->epoll >= 0)
		close(loop->epoll);
}
