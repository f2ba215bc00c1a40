#include "cpu_time.h"

#include <time.h>

uint64_t cpu_time_ns(const pid_t *pids, uint32_t count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct timespec time;
		clockid_t clock;
		if (clock_getcpuclockid(pids[i], &clock) == 0 && clock_gettime(clock, &time) == 0)
			sum += (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
	}
	return sum;
}
