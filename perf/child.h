/* Real processes under a benchmark: start one, wait for a line of its log, ask the kernel what it
 * costs, end it. */
#ifndef CHAPPE_PERF_CHILD_H
#define CHAPPE_PERF_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CHILD_LINE_BYTES = 1024 };

struct child {
	const char *name;
	pid_t pid; /* 0: not running */
	int log;   /* the read end of its standard error */
	uint32_t len;
	char text[CHILD_LINE_BYTES]; /* read, not yet looked at */
};

/* Path of a program of this build: directory and name, as "control/chappe-control". */
void child_program(const char *name, char *path, size_t len);

/* arguments[0] is the program's path. The child ends with the benchmark, whatever happens. */
void child_start(struct child *child, const char *name, char *const arguments[]);
/* Waits for a line that contains text; ends the benchmark after timeout_s or when the child ends,
 * with the child's last lines. Returns bench_now_s() as the line came. */
double child_wait(struct child *child, const char *text, double timeout_s);
/* The same; the line itself too. */
double child_wait_line(
	struct child *child, const char *text, double timeout_s, char line[CHILD_LINE_BYTES]);
/* SIGTERM, and waits. */
void child_stop(struct child *child);

/* bench_hold_core() for all of its threads. */
void child_hold_cores(const struct child *child, bool hold);

/* CPU time of all its threads so far, in nanoseconds, system time included. */
uint64_t child_cpu_ns(const struct child *child);
/* The same of its main thread alone. */
uint64_t child_main_cpu_ns(const struct child *child);
/* Physical memory: its proportional share, hugepages and page tables included, in bytes. */
uint64_t child_memory_bytes(const struct child *child);

#endif
