#include "control/api/api.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64], path[96];

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/chappe-api-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/control.sock", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void the_socket_is_for_owner_and_group(void **state)
{
	(void)state;
	char error[API_ERROR_BYTES];
	struct stat status;
	const int fd = api_listen(path, NULL, error);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	close(fd);
}

static void a_socket_left_behind_is_replaced(void **state)
{
	(void)state;
	char error[API_ERROR_BYTES];
	const int first = api_listen(path, NULL, error);
	assert_true(first >= 0);
	close(first); /* as after kill -9: the file stays */
	const int second = api_listen(path, NULL, error);
	assert_true(second >= 0);
	close(second);
}

static void a_socket_that_answers_is_left_alone(void **state)
{
	(void)state;
	char error[API_ERROR_BYTES];
	const int first = api_listen(path, NULL, error);
	assert_true(first >= 0);
	assert_int_equal(api_listen(path, NULL, error), -EADDRINUSE);
	assert_non_null(strstr(error, path));
	assert_non_null(strstr(error, "another chappe-control"));
	assert_int_equal(access(path, F_OK), 0);
	close(first);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	(void)state;
	char error[API_ERROR_BYTES];
	const int file = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(file >= 0);
	close(file);
	assert_int_equal(api_listen(path, NULL, error), -EADDRINUSE);
	assert_non_null(strstr(error, "no socket"));
	assert_int_equal(access(path, F_OK), 0);
}

static void a_group_that_does_not_exist_is_named(void **state)
{
	(void)state;
	char error[API_ERROR_BYTES];
	assert_int_equal(api_listen(path, "no-such-group-here", error), -ENOENT);
	assert_non_null(strstr(error, "no-such-group-here"));
	assert_int_not_equal(access(path, F_OK), 0);
}

static void a_path_too_long_for_a_socket_is_refused(void **state)
{
	(void)state;
	char error[API_ERROR_BYTES], longest[256];
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(api_listen(longest, NULL, error), -ENAMETOOLONG);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)
	const struct CMUnitTest tests[] = {
		TEST(the_socket_is_for_owner_and_group),
		TEST(a_socket_left_behind_is_replaced),
		TEST(a_socket_that_answers_is_left_alone),
		TEST(a_file_that_is_no_socket_is_left_alone),
		TEST(a_group_that_does_not_exist_is_named),
		TEST(a_path_too_long_for_a_socket_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
