/* The clocks of the process. */
#ifndef CHAPPE_STORE_CLOCK_H
#define CHAPPE_STORE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Minutes since 1970. */
static inline uint32_t clock_minute(void)
{
	return (uint32_t)(time(NULL) / 60);
}

#endif
