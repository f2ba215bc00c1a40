/* What the benchmarks share: time, noise, medians, and one line of JSON a figure on standard output
 * (perf/run gathers them). People read standard error. */
#ifndef CHAPPE_PERF_BENCH_H
#define CHAPPE_PERF_BENCH_H

#include "src/wire.h"
#include <stdbool.h>
#include <stdint.h>

enum { BENCH_PAIRS_MAX = 255 };

/* Times that the kernel took the core away from this thread so far. A part during which it grew is
 * taken again: it says something about the machine's other work, nothing about ours. */
uint64_t bench_preemptions(void);
/* While a part is timed this thread asks the kernel for the core before all others (first come,
 * first served), where it may. Keep such parts to milliseconds. */
void bench_hold_core(bool hold);
double bench_now_s(void);

/* Ends the process with a message: a benchmark whose work is wrong has no figure. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

struct bench_spread {
	double median, low, high, least; /* low and high: the quartiles */
};
struct bench_spread bench_spread(const double *values, uint32_t n); /* n <= BENCH_PAIRS_MAX */

/* Random numbers of the benchmarks: xorshift64*, one state a thread. */
static inline uint64_t bench_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint32_t bench_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((bench_random(state) >> 32) * n >> 32);
}

/* A figure as issue and perf/run have it. What does not apply is 0. */
struct bench_figure {
	const char *name, *unit, *stage;
	uint32_t cell, sessions, workers;
	enum wire_suite suite; /* 0: none */
	double value, floor;
	struct bench_spread ratio;
	/* beside the figure: how it was taken */
	uint32_t family, burst, pairs, retaken;
	uint64_t page;             /* of the memory measured, in bytes; 0: of EAL's */
	double alone, floor_alone; /* of figures about workers: cycles a frame with one of them */
};
void bench_print(const struct bench_figure *figure);
const char *bench_suite(enum wire_suite suite);

/* EAL on that many lcores, each pinned to one of the CPUs that this process may use; in hugepages
 * where the machine has enough free ones, else without. */
void bench_eal(uint32_t lcores, uint32_t need_mib);
uint64_t bench_free_huge_mib(void); /* of pages of 2 MiB */
uint64_t bench_page_bytes(void);    /* of EAL's memory */
/* Memory of its own for a floor, in pages of the same size as EAL's. */
void *bench_memory(uint64_t bytes);
void bench_memory_free(void *memory, uint64_t bytes);

#endif
