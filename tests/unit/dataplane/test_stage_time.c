/* What the timers of the stages cost while they are off, which is nearly always: counted in
 * instructions, one by one, so that it is the same on every machine. */
#include "dataplane/stage_time.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Sanitizers add instructions of their own. */
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
enum { OPTIMISED = true };
#else
enum { OPTIMISED = false };
#endif

enum {
	/* A look at the flag and a branch, and what the compiler needs around them. */
	OFF_INSTRUCTIONS_A_STAGE = 3,
	ON_INSTRUCTIONS_A_STAGE = 8, /* at the least: the clock, a difference, three stores */
	BURST = 32,
};

static struct stage_times times;

static void nothing(void)
{
}

/* What worker_poll() does with the timers in a turn; a stage may have changed all memory. */
static void turn(void)
{
	stage_time_begin(&times, 0);
#define X(name, help)                                                                              \
	stage_time(&times, STAGE_##name, BURST);                                                   \
	__asm__ volatile("" ::: "memory");
	STAGES(X)
#undef X
	stage_time_end(&times, BURST);
}

/* Instructions of a process that runs it and ends; 0: nobody may be traced here. */
static uint64_t instructions_of_process(void (*run)(void))
{
	const pid_t child = fork();
	uint64_t n = 0;
	int status;

	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(errno);
		raise(SIGSTOP);
		run();
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EPERM)
		return 0;
	for (; WIFSTOPPED(status); n++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return n;
}

static uint64_t instructions(void (*run)(void))
{
	const uint64_t empty = instructions_of_process(nothing);

	if (empty == 0) {
		print_message("processes can't be traced here\n");
		skip();
	}
	return instructions_of_process(run) - empty;
}

static void timers_that_are_off_cost_a_look_and_a_branch(void **state)
{
	(void)state;
	if (!OPTIMISED)
		skip();
	times.on = false;
	const uint64_t off = instructions(turn);
	times.on = true;
	const uint64_t on = instructions(turn);
	print_message("a turn's timers: %lu instructions off, %lu on\n", off, on);
	assert_in_range(off, STAGE_COUNT, OFF_INSTRUCTIONS_A_STAGE * STAGE_COUNT);
	assert_true(on > ON_INSTRUCTIONS_A_STAGE * STAGE_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_that_are_off_cost_a_look_and_a_branch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
