/* CPU time of other processes, all of their threads, ended ones included, in user and system mode.
 */
#ifndef CHAPPE_PERF_CPU_TIME_H
#define CHAPPE_PERF_CPU_TIME_H

#include <stdint.h>
#include <sys/types.h>

/* Sum over the processes; one that is gone counts as 0. */
uint64_t cpu_time_ns(const pid_t *pids, uint32_t count);

#endif
