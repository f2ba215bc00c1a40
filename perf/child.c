#include "child.h"

#include "bench.h"
#include "cpu_time.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void child_program(const char *name, char *path, size_t len)
{
	char self[4096];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n < 0)
		bench_fail("/proc/self/exe: %s", strerror(errno));
	self[n] = '\0';
	if (snprintf(path, len, "%s/../%s", dirname(self), name) >= (int)len ||
		access(path, X_OK) < 0)
		bench_fail("%s: %s; build it first", path, strerror(errno));
}

void child_start(struct child *child, const char *name, char *const arguments[])
{
	int ends[2];

	*child = (struct child){ .name = name };
	if (pipe(ends) < 0)
		bench_fail("pipe: %s", strerror(errno));
	child->pid = fork();
	if (child->pid < 0)
		bench_fail("fork: %s", strerror(errno));
	if (child->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(ends[1], STDERR_FILENO);
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execv(arguments[0], arguments);
		_exit(127);
	}
	close(ends[1]);
	child->log = ends[0];
}

/* Takes one line off, without its end. False: there is no whole one. */
static bool take_line(struct child *child, char line[CHILD_LINE_BYTES])
{
	const char *end = memchr(child->text, '\n', child->len);

	if (end == NULL && child->len < sizeof child->text)
		return false;
	const uint32_t n = end ? (uint32_t)(end - child->text) : child->len - 1;
	memcpy(line, child->text, n);
	line[n] = '\0';
	child->len -= n + 1;
	memmove(child->text, child->text + n + 1, child->len);
	return true;
}

double child_wait_line(
	struct child *child, const char *text, double timeout_s, char line[CHILD_LINE_BYTES])
{
	const double latest = bench_now_s() + timeout_s;
	char last[CHILD_LINE_BYTES] = "nothing";

	for (;;) {
		while (take_line(child, line)) {
			if (strstr(line, text) != NULL)
				return bench_now_s();
			memcpy(last, line, sizeof last);
		}
		struct pollfd fd = { .fd = child->log, .events = POLLIN };
		if (bench_now_s() > latest)
			bench_fail("%s did not say '%s' within %.0f s; its last line: %s",
				child->name, text, timeout_s, last);
		if (poll(&fd, 1, 100) <= 0)
			continue;
		const ssize_t n =
			read(child->log, child->text + child->len, sizeof child->text - child->len);
		if (n <= 0)
			bench_fail(
				"%s ended before '%s'; its last line: %s", child->name, text, last);
		child->len += (uint32_t)n;
	}
}

double child_wait(struct child *child, const char *text, double timeout_s)
{
	char line[CHILD_LINE_BYTES];

	return child_wait_line(child, text, timeout_s, line);
}

void child_stop(struct child *child)
{
	if (child->pid == 0)
		return;
	kill(child->pid, SIGTERM);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(child->log);
	child->pid = 0;
}

void child_hold_cores(const struct child *child, bool hold)
{
	const struct sched_param parameters = { .sched_priority = hold ? 1 : 0 };
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/task", child->pid);
	DIR *tasks = opendir(path);
	if (tasks == NULL)
		bench_fail("%s: %s", path, strerror(errno));
	for (struct dirent *task; (task = readdir(tasks)) != NULL;)
		if (task->d_name[0] != '.')
			(void)sched_setscheduler((pid_t)strtol(task->d_name, NULL, 10),
				hold ? SCHED_FIFO : SCHED_OTHER, &parameters);
	closedir(tasks);
}

uint64_t child_cpu_ns(const struct child *child)
{
	return cpu_time_ns(&child->pid, 1);
}

/* The first number of schedstat: nanoseconds on a CPU. */
uint64_t child_main_cpu_ns(const struct child *child)
{
	unsigned long ns = 0;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", child->pid, child->pid);
	FILE *file = fopen(path, "re");
	if (file == NULL || fscanf(file, "%lu", &ns) != 1)
		bench_fail("%s: %s", path, strerror(errno));
	fclose(file);
	return ns;
}

/* Sum of the named lines of a file of /proc, in bytes. */
static uint64_t proc_bytes(const struct child *child, const char *name, const char *const *keys)
{
	char path[64], line[256];
	uint64_t sum = 0;

	snprintf(path, sizeof path, "/proc/%d/%s", child->pid, name);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		bench_fail("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof line, file) != NULL)
		for (const char *const *key = keys; *key != NULL; key++)
			if (strncmp(line, *key, strlen(*key)) == 0)
				sum += strtoul(line + strlen(*key), NULL, 10) * 1024;
	fclose(file);
	return sum;
}

uint64_t child_memory_bytes(const struct child *child)
{
	static const char *const pages[] = { "Pss:", "Private_Hugetlb:", "Shared_Hugetlb:", NULL };
	static const char *const tables[] = { "VmPTE:", NULL };

	return proc_bytes(child, "smaps_rollup", pages) + proc_bytes(child, "status", tables);
}
