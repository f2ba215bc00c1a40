#include "start.h"

#include "src/pid_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_alarm.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>

enum { START_ALARM_WAIT_MS = 1000 };

static int start_write_pid(const char *pid_file, char *error, size_t error_len)
{
	int result = pid_file ? pid_file_write(pid_file) : 0;
	if (result < 0)
		snprintf(error, error_len, "%s: %s", pid_file, strerror(-result));
	return result;
}

static int start_exclude_from_dumps(
	const struct rte_memseg_list *list, const struct rte_memseg *segment, void *arg)
{
	(void)list;
	(void)arg;
	(void)madvise(segment->addr, segment->len, MADV_DONTDUMP);
	return 0;
}

/* Memory is what EAL has now: what grew later would not be locked, nor counted on. */
static int start_refuse_memory(int socket, size_t limit, size_t bytes)
{
	(void)socket;
	(void)limit;
	(void)bytes;
	return -1;
}

static void start_fix_memory(void)
{
	(void)rte_memseg_walk(start_exclude_from_dumps, NULL);
	/* Without hugepages there is nothing that could grow, and this fails. */
	for (unsigned i = 0; i < rte_socket_count(); i++)
		(void)rte_mem_alloc_validator_register(
			"fixed", start_refuse_memory, rte_socket_id_by_idx(i), 0);
}

struct start_alarm {
	const struct confine_account *account;
	int result;
	bool done;
};

static void start_on_interrupt_thread(void *arg)
{
	struct start_alarm *alarm = arg;
	alarm->result = confine_thread(alarm->account);
	__atomic_store_n(&alarm->done, true, __ATOMIC_RELEASE);
}

static int start_on_worker(void *arg)
{
	return confine_thread(arg);
}

/* Workers, EAL's interrupt thread (by an alarm, which runs there), then the main lcore. */
static int start_confine_threads(struct dataplane *dataplane)
{
	struct start_alarm alarm = { .account = &dataplane->account };
	int result = rte_eal_mp_remote_launch(start_on_worker, &dataplane->account, SKIP_MAIN);
	for (uint32_t i = 0; i < dataplane->worker_count; i++) {
		int one = rte_eal_wait_lcore(dataplane->workers[i]->lcore);
		result = result ? result : one;
	}
	if (result == 0)
		result = rte_eal_alarm_set(1, start_on_interrupt_thread, &alarm);
	for (int ms = 0; result == 0 && !__atomic_load_n(&alarm.done, __ATOMIC_ACQUIRE); ms++) {
		if (ms == START_ALARM_WAIT_MS)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return result ? result : alarm.result ? alarm.result : confine_thread(&dataplane->account);
}

int start_confined(struct dataplane *dataplane, const char *pid_file, char *error, size_t error_len)
{
	int result = start_write_pid(pid_file, error, error_len);
	if (result < 0)
		return result;
	start_fix_memory();
	result = confine_drop(&dataplane->account);
	if (result == 0)
		result = start_confine_threads(dataplane);
	if (result == 0) {
		result = confine_check(&dataplane->account, error, error_len);
		if (result < 0)
			return result;
		result = confine_seccomp(ports_connect(&dataplane->ports));
	}
	if (result < 0)
		snprintf(error, error_len, "confinement: %s", strerror(-result));
	return result;
}
