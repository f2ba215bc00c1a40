#include "loop.h"

#include "clock.h"
#include "daemon/log.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
	RING_WAIT_US = 250, /* for the dataplane to take what fills the down ring */
	SLEEP_MAX_US = 60000000,
};

static int watch(const struct loop *loop, int fd, uint32_t how)
{
	struct epoll_event event = { .events = EPOLLIN | how, .data.fd = fd };

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int loop_open(struct loop *loop, struct service *service, struct admin *admin)
{
	sigset_t ending;

	*loop = (struct loop){ .service = service, .admin = admin, .signals = -1 };
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll >= 0)
		loop->signals = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->epoll < 0 || loop->signals < 0)
		return -errno;
	int result = watch(loop, loop->signals, 0);
	if (result == 0)
		result = watch(loop, admin->listener, 0);
	if (result == 0)
		result = watch(loop, service->work.job.ended, EPOLLET);
	if (result == 0)
		result = watch(loop, service->commit_ended, EPOLLET);
	service->attach.epoll = loop->epoll;
	return result;
}

void loop_close(struct loop *loop)
{
	loop->service->attach.epoll = -1;
	if (loop->signals >= 0)
		close(loop->signals);
	if (loop->epoll >= 0)
		close(loop->epoll);
}

static void on_event(struct loop *loop, int fd)
{
	const struct attach *attach = &loop->service->attach;
	struct signalfd_siginfo signal;

	if (fd == loop->signals) {
		if (read(fd, &signal, sizeof signal) == sizeof signal) {
			log_info("signal %u: ending", signal.ssi_signo);
			loop->running = false;
		}
	} else if (fd == loop->admin->listener) {
		const int peer = admin_accept(loop->admin);
		if (peer >= 0)
			(void)watch(loop, peer, 0);
	} else if (fd == attach->socket || fd == attach->bell ||
		   fd == loop->service->work.job.ended) {
		loop->service->input = true;            /* for the next turn */
	} else if (fd != loop->service->commit_ended) { /* which ends a wait, no more */
		(void)admin_serve(loop->admin, fd);
	}
}

/* Sleeps until a time or an event. */
static int wait_until(struct loop *loop, uint64_t until_us)
{
	struct epoll_event events[LOOP_EVENTS];
	const uint64_t now_us = clock_us();
	uint64_t wait_us = until_us > now_us ? until_us - now_us : 0;

	if (wait_us > SLEEP_MAX_US)
		wait_us = SLEEP_MAX_US;
	const struct timespec wait = { (time_t)(wait_us / 1000000),
		(long)(wait_us % 1000000) * 1000 };
	const int count = epoll_pwait2(loop->epoll, events, LOOP_EVENTS, &wait, NULL);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++)
		on_event(loop, events[i].data.fd);
	return 0;
}

static uint64_t tick_after(uint64_t us)
{
	return (us / TICK_US + 1) * TICK_US;
}

/* Sleeps until the tick, or a step before it. */
static int wait_for_tick(struct loop *loop, uint64_t tick_us)
{
	const struct service *service = loop->service;
	uint64_t step_us = clock_us() + STEP_US;
	int result = 0;

	if (!service->busy || step_us + STEP_US > tick_us)
		return wait_until(loop, tick_us);
	if (service->crowded && step_us > service->short_tick_us)
		step_us = service->short_tick_us;
	if (!service->more)
		result = wait_until(loop, step_us);
	service_step(loop->service, clock_us());
	return result;
}

/* How long may be delivered before something else has its turn. */
static uint64_t slice_end(const struct service *service, uint64_t now_us, uint64_t end_us)
{
	if (service->busy && now_us + STEP_US < end_us)
		end_us = now_us + STEP_US;
	if (service->crowded && service->short_tick_us - SHORT_GUARD_US < end_us)
		end_us = service->short_tick_us - SHORT_GUARD_US;
	return end_us;
}

/* Delivers in what is left of a turn. */
static int deliver(struct loop *loop, uint64_t tick_us)
{
	struct service *service = loop->service;
	const uint64_t end_us = tick_us - GUARD_US;
	int result = 0;

	while (loop->running && result == 0) {
		const uint64_t until_us = slice_end(service, clock_us(), end_us);
		if (!service_deliver(service, until_us))
			return 0;
		const uint64_t now_us = clock_us();
		if (now_us + RING_WAIT_US >= end_us)
			return 0;
		if (now_us < until_us)
			result = wait_until(loop, now_us + RING_WAIT_US);
		else if (service->crowded && now_us + SHORT_GUARD_US >= service->short_tick_us)
			result = wait_until(loop, service->short_tick_us);
		if (service->busy)
			service_step(service, clock_us());
	}
	return result;
}

int loop_run(struct loop *loop)
{
	uint64_t tick_us = tick_after(clock_us());
	int result = 0;

	loop->running = true;
	while (loop->running && result == 0) {
		const uint64_t due_us = service_due_us(loop->service), now_us = clock_us();
		if (now_us < due_us) {
			result = wait_until(loop, due_us);
			tick_us = tick_after(clock_us());
		} else if (now_us < tick_us) {
			result = wait_for_tick(loop, tick_us);
		} else {
			service_turn(loop->service, now_us);
			admin_turn(loop->admin);
			loop->running &= !loop->service->work.writes_again;
			/* Whatever the disk took, some time is left for deliveries. */
			tick_us = tick_after(clock_us() + 2 * GUARD_US);
			result = deliver(loop, tick_us);
		}
	}
	service_finish(loop->service);
	return result == 0 && loop->service->work.writes_again ? -EAGAIN : result;
}
