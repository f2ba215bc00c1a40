/* A child that is confined to places uses those as it may, and nothing else. */
#include "daemon/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PASSED = 0, FAILED = 1, NO_LANDLOCK = 77 };

static char base[32];

static const char *at(const char *name)
{
	static char paths[4][64];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", base, name);
	return path;
}

static int make_file(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int use_file(const char *path, int flags)
{
	const int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	strcpy(base, "/tmp/chappe-test-XXXXXX");
	return !mkdtemp(base) || mkdir(at("own"), 0700) < 0 || mkdir(at("own/a"), 0700) < 0 ||
	       mkdir(at("run"), 0700) < 0 || mkdir(at("others"), 0700) < 0 ||
	       make_file(at("run/socket")) < 0 || make_file(at("run/new")) < 0 ||
	       make_file(at("read")) < 0 || make_file(at("write")) < 0 ||
	       make_file(at("others/secret")) < 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "own/linked", "own/moved", "own/a/file", "own/a",
		"own", "run/socket", "run/new", "run", "read", "write", "others/secret",
		"others/new", "others" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)remove(at(names[i]));
	return rmdir(base);
}

static int confine(void)
{
	const struct landlock_place places[] = {
		{ at("own"), LANDLOCK_OWNS },
		{ at("run/socket"), LANDLOCK_REMOVES },
		{ at("read"), LANDLOCK_READS },
		{ at("write"), LANDLOCK_WRITES },
		{ NULL, LANDLOCK_READS },
	};
	const char *failed;

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno
							  : landlock_confine(places, &failed);
}

/* Runs a check in a child that is confined. */
static void check(int (*confined)(void))
{
	int status;
	const pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		const int result = confine();
		_exit(result == -EOPNOTSUPP ? NO_LANDLOCK : result < 0 ? FAILED : confined());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_LANDLOCK)
		skip();
	assert_int_equal(WEXITSTATUS(status), PASSED);
}

#define EXPECT(value)                                                                              \
	do {                                                                                       \
		if (!(value)) {                                                                    \
			fprintf(stderr, "line %d: not so: %s (%s)\n", __LINE__, #value,            \
				strerror(errno));                                                  \
			return FAILED;                                                             \
		}                                                                                  \
	} while (0)

static int own(void)
{
	EXPECT(make_file(at("own/a/file")) == 0);
	EXPECT(use_file(at("own/a/file"), O_RDWR | O_TRUNC) == 0);
	EXPECT(link(at("own/a/file"), at("own/linked")) == 0);
	EXPECT(rename(at("own/a/file"), at("own/moved")) == 0);
	EXPECT(unlink(at("own/moved")) == 0);
	EXPECT(symlink(at("others"), at("own/way")) < 0 && errno == EACCES);
	return PASSED;
}

static int beside(void)
{
	EXPECT(use_file(at("others/secret"), O_RDONLY) == -EACCES);
	EXPECT(use_file(at("others"), O_RDONLY | O_DIRECTORY) == -EACCES);
	EXPECT(make_file(at("others/new")) == -EACCES);
	EXPECT(unlink(at("others/secret")) < 0 && errno == EACCES);
	EXPECT(rename(at("others/secret"), at("own/moved")) < 0);
	EXPECT(use_file("/etc/passwd", O_RDONLY) == -EACCES);
	return PASSED;
}

static int read_and_write(void)
{
	EXPECT(use_file(at("read"), O_RDONLY) == 0);
	EXPECT(use_file(at("read"), O_WRONLY) == -EACCES);
	EXPECT(use_file(at("write"), O_RDWR) == 0);
	return PASSED;
}

static int removal(void)
{
	EXPECT(use_file(at("run/socket"), O_RDONLY) == -EACCES);
	EXPECT(unlink(at("run/socket")) == 0);
	EXPECT(make_file(at("run/socket")) == -EACCES);
	return PASSED;
}

static void *in_thread(void *result)
{
	*(int *)result = beside();
	return NULL;
}

static int threads(void)
{
	pthread_t thread;
	int result = FAILED;

	EXPECT(pthread_create(&thread, NULL, in_thread, &result) == 0);
	EXPECT(pthread_join(thread, NULL) == 0);
	return result;
}

static void own_directory(void **state)
{
	(void)state;
	check(own);
}

static void nothing_beside(void **state)
{
	(void)state;
	check(beside);
	check(threads);
}

static void reads_and_writes(void **state)
{
	(void)state;
	check(read_and_write);
}

static void removes(void **state)
{
	(void)state;
	check(removal);
}

static void missing_places(void **state)
{
	const struct landlock_place passed_over[] = {
		{ at("missing"), LANDLOCK_READS },
		{ NULL, LANDLOCK_READS },
	};
	const struct landlock_place refused[] = {
		{ at("missing"), LANDLOCK_OWNS },
		{ NULL, LANDLOCK_READS },
	};
	const char *failed;
	int status;

	(void)state;
	const pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(FAILED);
		int result = landlock_confine(refused, &failed);
		if (result == -EOPNOTSUPP)
			_exit(NO_LANDLOCK);
		if (result != -ENOENT || failed != refused[0].path)
			_exit(FAILED);
		result = landlock_confine(passed_over, &failed);
		_exit(result == 0 ? PASSED : FAILED);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_LANDLOCK)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(own_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_beside, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_and_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(removes, setup, teardown),
		cmocka_unit_test_setup_teardown(missing_places, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
