#include "load.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

static const char *const names[] = {
#define X(name, help) #name,
	COUNTERS(X)
#undef X
};

static void read_counters(const struct dataplane *dataplane, uint64_t values[COUNTER_COUNT])
{
	for (enum counter counter = 0; counter < COUNTER_COUNT; counter++) {
		values[counter] = dataplane->counters[counter];
		for (uint32_t i = 0; i < dataplane->worker_count; i++)
			values[counter] += worker_counter(dataplane->workers[i], counter);
	}
}

/* {"rx_frames": 12, ...}: all that are not zero, on standard output. */
static void print_counters(const struct dataplane *dataplane)
{
	uint64_t values[COUNTER_COUNT];
	const char *separator = "";

	read_counters(dataplane, values);
	putchar('{');
	for (enum counter counter = 0; counter < COUNTER_COUNT; counter++)
		if (values[counter] > 0) {
			printf("%s\"%s\": %lu", separator, names[counter], values[counter]);
			separator = ", ";
		}
	puts("}");
	fflush(stdout);
}

int load_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	const int fd = signalfd(-1, &signals, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void load_wait(const struct dataplane *dataplane, int signals, uint32_t stats_s)
{
	struct pollfd ended = { .fd = signals, .events = POLLIN };

	while (poll(&ended, 1, stats_s ? (int)stats_s * 1000 : -1) == 0)
		print_counters(dataplane);
	print_counters(dataplane);
}
