#include "start.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <systemd/sd-daemon.h>

enum { START_DRAIN_TURNS = 1024 /* more than the longest ring has bursts */ };

int start_eal(const struct arguments *arguments, char *error, size_t error_len)
{
	struct arguments copy = *arguments; /* EAL reorders its arguments */
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	/* The main lcore takes them by a descriptor; no thread is interrupted. */
	int result = -pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (result == 0)
		result = confine_before_threads();
	if (result < 0) {
		snprintf(error, error_len, "confinement: %s", strerror(-result));
		return result;
	}
	if (rte_eal_init(copy.eal_count, copy.eal) < 0) {
		result = rte_errno ? -rte_errno : -EINVAL;
		snprintf(error, error_len, "EAL does not start: %s; its own lines above say why",
			rte_strerror(rte_errno));
		return result;
	}
	if (rte_lcore_count() < 2) {
		snprintf(error, error_len,
			"one lcore is not enough: the first runs the main loop, each other one is "
			"a "
			"worker. Give two by EAL arguments: -- -l 0,1, or, on a machine with one "
			"CPU, "
			"-- --lcores 0@0,1@0");
		return -EINVAL;
	}
	if (rte_lcore_count() - 1 > WORKERS_MAX) {
		snprintf(error, error_len, "%u lcores: at most %d workers and the main loop",
			rte_lcore_count(), WORKERS_MAX);
		return -EINVAL;
	}
	return 0;
}

void start_launch(struct dataplane *dataplane)
{
	for (uint32_t i = 0; i < dataplane->worker_count; i++)
		(void)rte_eal_remote_launch(
			worker_run, dataplane->workers[i], dataplane->workers[i]->lcore);
	fprintf(stderr, "chappe-dataplane: ready\n");
	(void)sd_notify(0, "READY=1");
}

/* Workers have stopped: with nothing more from receive queues, what is in their rings goes out. */
static void start_drain(struct dataplane *dataplane)
{
	uint32_t moved = 1;
	for (uint32_t i = 0; i < dataplane->worker_count; i++)
		dataplane->workers[i]->rx_count = 0;
	for (uint32_t turn = 0; turn < START_DRAIN_TURNS && moved > 0; turn++) {
		moved = 0;
		for (uint32_t i = 0; i < dataplane->worker_count; i++)
			moved += worker_poll(dataplane->workers[i]);
	}
}

void start_stop(struct dataplane *dataplane)
{
	(void)sd_notify(0, "STOPPING=1");
	for (uint32_t i = 0; i < dataplane->worker_count; i++)
		__atomic_store_n(&dataplane->workers[i]->running, false, __ATOMIC_RELEASE);
	rte_eal_mp_wait_lcore();
	start_drain(dataplane);
	tables_destroy(dataplane->tables);
	secrets_wipe(&dataplane->secrets);
	ports_stop(&dataplane->ports);
	fprintf(stderr, "info stopped\n");
}
