#include "bench.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_memory.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

uint64_t bench_preemptions(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_nivcsw;
}

void bench_hold_core(bool hold)
{
	const struct sched_param parameters = { .sched_priority = hold ? 1 : 0 };

	(void)sched_setscheduler(0, hold ? SCHED_FIFO : SCHED_OTHER, &parameters);
}

double bench_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("error ", stderr);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it does not see va_start() here */
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(1);
}

static int compare(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

struct bench_spread bench_spread(const double *values, uint32_t n)
{
	double sorted[BENCH_PAIRS_MAX];

	memcpy(sorted, values, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, compare);
	return (struct bench_spread){ sorted[n / 2], sorted[n / 4], sorted[n - 1 - n / 4],
		sorted[0] };
}

const char *bench_suite(enum wire_suite suite)
{
	return suite == WIRE_SUITE_AES256GCM          ? "aes256gcm"
	       : suite == WIRE_SUITE_CHACHA20POLY1305 ? "chacha20poly1305"
						      : "";
}

void bench_print(const struct bench_figure *figure)
{
	printf("{\"name\": \"%s\", \"cell\": %u, \"sessions\": %u, \"suite\": \"%s\", "
	       "\"workers\": %u, \"value\": %.6g, \"unit\": \"%s\", \"floor\": %.6g, "
	       "\"ratio\": %.4g, \"low\": %.4g, \"high\": %.4g, \"family\": %u, \"burst\": %u, "
	       "\"pairs\": %u, \"retaken\": %u, \"page\": %lu, \"stage\": \"%s\", "
	       "\"alone\": %.6g, \"floor_alone\": %.6g}\n",
		figure->name, figure->cell, figure->sessions, bench_suite(figure->suite),
		figure->workers, figure->value, figure->unit, figure->floor, figure->ratio.median,
		figure->ratio.low, figure->ratio.high, figure->family, figure->burst, figure->pairs,
		figure->retaken, figure->page ? figure->page : bench_page_bytes(),
		figure->stage ? figure->stage : "", figure->alone, figure->floor_alone);
	fflush(stdout);
}

uint64_t bench_free_huge_mib(void)
{
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
	char text[32] = "";

	if (file == NULL)
		return 0;
	if (fgets(text, sizeof text, file) == NULL)
		text[0] = '\0';
	fclose(file);
	return strtoul(text, NULL, 10) * 2;
}

/* "0@2,1@3": lcores 0 and 1 on CPUs 2 and 3. */
static void lcore_map(uint32_t lcores, char *map, size_t len)
{
	cpu_set_t allowed;
	uint32_t n = 0;
	size_t used = 0;

	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
		bench_fail("CPU affinity: %s", strerror(errno));
	for (uint32_t cpu = 0; cpu < CPU_SETSIZE && n < lcores; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			used += (size_t)snprintf(
				map + used, len - used, "%s%u@%u", n ? "," : "", n, cpu),
				n++;
	if (n < lcores)
		bench_fail("%u CPUs are needed", lcores);
}

void bench_eal(uint32_t lcores, uint32_t need_mib)
{
	char memory[16], map[64];
	char *arguments[16] = { "bench", "--no-pci", "--no-shconf", "--no-telemetry",
		"--iova-mode=va", "--log-level=*:error", "--lcores", map };
	int n = 8;
	const bool huge = bench_free_huge_mib() >= need_mib;

	lcore_map(lcores, map, sizeof map);
	snprintf(memory, sizeof memory, "%u", need_mib);
	arguments[n++] = huge ? "--in-memory" : "--no-huge";
	arguments[n++] = "-m";
	arguments[n++] = memory;
	if (rte_eal_init(n, arguments) < 0)
		bench_fail("EAL does not start");
}

uint64_t bench_page_bytes(void)
{
	return rte_eal_has_hugepages() ? UINT64_C(2) << 20 : (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t whole_pages(uint64_t bytes)
{
	const uint64_t page = bench_page_bytes();

	return (bytes + page - 1) / page * page;
}

void *bench_memory(uint64_t bytes)
{
	const int huge = rte_eal_has_hugepages() ? MAP_HUGETLB : 0;
	void *memory = mmap(NULL, whole_pages(bytes), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | huge, -1, 0);

	if (memory == MAP_FAILED)
		bench_fail("%lu MiB for the floor: %s", bytes >> 20, strerror(errno));
	return memory;
}

void bench_memory_free(void *memory, uint64_t bytes)
{
	munmap(memory, whole_pages(bytes));
}
