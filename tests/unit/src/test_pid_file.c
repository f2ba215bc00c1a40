/* A pid file is written by root into directories that others own. */
#include "src/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/chappe-pid-XXXXXX";
static char path[sizeof directory + 16], other[sizeof directory + 16];

static int setup(void **state)
{
	(void)state;
	strcpy(directory + sizeof directory - 7, "XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof path, "%s/pid", directory);
	snprintf(other, sizeof other, "%s/other", directory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(other);
	return rmdir(directory);
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void holds(const char *name, const char *text)
{
	char got[64] = "";
	FILE *file = fopen(name, "r");
	assert_non_null(file);
	assert_non_null(fgets(got, sizeof got, file));
	assert_int_equal(fgetc(file), EOF);
	fclose(file);
	assert_string_equal(got, text);
}

static void names_this_process(void **state)
{
	char expected[32];

	(void)state;
	snprintf(expected, sizeof expected, "%d\n", (int)getpid());
	assert_int_equal(pid_file_write(path), 0);
	holds(path, expected);
	put(path, "what a longer and earlier process has left\n");
	assert_int_equal(pid_file_write(path), 0);
	holds(path, expected);
}

static void says_where_it_can_not_be(void **state)
{
	char nowhere[sizeof directory + 16];

	(void)state;
	snprintf(nowhere, sizeof nowhere, "%s/no/pid", directory);
	assert_int_equal(pid_file_write(nowhere), -ENOENT);
	assert_true(pid_file_write(directory) < 0);
}

static void follows_no_link(void **state)
{
	(void)state;
	put(other, "somebody's\n");
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(pid_file_write(path), -ELOOP);
	holds(other, "somebody's\n");
	unlink(path);
	assert_int_equal(link(other, path), 0);
	assert_int_equal(pid_file_write(path), -EEXIST);
	holds(other, "somebody's\n");
}

static void writes_to_no_pipe(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pid_file_write(path), -ENXIO);
	const int reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(pid_file_write(path), -EEXIST);
	close(reader);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(names_this_process),
		T(says_where_it_can_not_be),
		T(follows_no_link),
		T(writes_to_no_pipe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
