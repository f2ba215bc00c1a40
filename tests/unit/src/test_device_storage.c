/* The directory as storage: what is put survives, what is half written is never seen, nobody else
 * reads it, and one process has it at a time. */
#include "src/device/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[64], path[96];
	struct chappe_storage s;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	strcpy(f->dir, "/tmp/chappe-storage-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof f->path, "%s/a/b", f->dir);
	assert_int_equal(storage_dir_open(f->path, &f->s), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];
	if (f->s.close)
		f->s.close(f->s.context);
	snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void reopen(struct fixture *f)
{
	f->s.close(f->s.context);
	assert_int_equal(storage_dir_open(f->path, &f->s), 0);
}

static void values_survive_a_restart_and_are_replaced_whole(void **state)
{
	struct fixture *f = *state;
	char value[16];
	assert_int_equal(f->s.put(f->s.context, "device", "longer value", 12), 0);
	assert_int_equal(f->s.put(f->s.context, "device", "short", 5), 0);
	reopen(f);
	assert_int_equal(f->s.get(f->s.context, "device", value, sizeof value), 5);
	assert_memory_equal(value, "short", 5);
	assert_int_equal(f->s.get(f->s.context, "device", value, 4), -EMSGSIZE);
	assert_int_equal(f->s.remove(f->s.context, "device"), 0);
	assert_int_equal(f->s.remove(f->s.context, "device"), 0);
	assert_int_equal(f->s.get(f->s.context, "device", value, sizeof value), -ENOENT);
}

static void only_the_owner_reads_them(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char file[128];
	mode_t mask = umask(0);
	assert_int_equal(f->s.put(f->s.context, "device", "x", 1), 0);
	umask(mask);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(file, sizeof file, "%s/device", f->path);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void keys_are_safe_file_names(void **state)
{
	struct fixture *f = *state;
	const char *bad[] = { "", ".", "..", ".lock", "a/b", "../a", "a b", "a\n", "a\\b" };
	char long_key[STORAGE_KEY_MAX_BYTES + 2];
	char byte;
	memset(long_key, 'a', sizeof long_key);
	long_key[STORAGE_KEY_MAX_BYTES + 1] = '\0';
	assert_false(storage_key_ok(long_key));
	long_key[STORAGE_KEY_MAX_BYTES] = '\0';
	assert_true(storage_key_ok(long_key));
	assert_true(storage_key_ok("contact-Zo\xc3\xab"));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(storage_key_ok(bad[i]));
		assert_int_equal(f->s.put(f->s.context, bad[i], "x", 1), -EINVAL);
		assert_int_equal(f->s.get(f->s.context, bad[i], &byte, 1), -EINVAL);
		assert_int_equal(f->s.remove(f->s.context, bad[i]), -EINVAL);
	}
}

static void count_key(void *context, const char *key)
{
	assert_memory_equal(key, "contact-", 8);
	++*(int *)context;
}

/* A crash between writing and renaming leaves a half-written file: nobody sees it, and the next put
 * of that key goes through. */
static void a_half_written_value_is_never_seen(void **state)
{
	struct fixture *f = *state;
	char file[128], value[16];
	int fd, count = 0;
	assert_int_equal(f->s.put(f->s.context, "contact-bob", "old", 3), 0);
	snprintf(file, sizeof file, "%s/.half-contact-bob", f->path);
	fd = open(file, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "ne", 2), 2);
	close(fd);
	reopen(f);
	assert_int_equal(f->s.get(f->s.context, "contact-bob", value, sizeof value), 3);
	assert_memory_equal(value, "old", 3);
	assert_int_not_equal(access(file, F_OK), 0); /* it may hold keys */
	assert_int_equal(f->s.list(f->s.context, "contact-", count_key, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(f->s.put(f->s.context, "contact-bob", "new", 3), 0);
	assert_int_equal(f->s.get(f->s.context, "contact-bob", value, sizeof value), 3);
	assert_memory_equal(value, "new", 3);
}

/* A put that fails leaves the old value: here no file may grow past one byte. */
static void a_failed_put_keeps_the_old_value(void **state)
{
	struct fixture *f = *state;
	char value[16], command[512];
	static char large[STORAGE_VALUE_MAX_BYTES + 1];
	assert_int_equal(f->s.put(f->s.context, "device", "old", 3), 0);
	assert_int_equal(f->s.put(f->s.context, "device", large, sizeof large), -EINVAL);
	/* a directory in the way of the half-written file */
	snprintf(command, sizeof command, "mkdir '%s/.half-device'", f->path);
	assert_int_equal(system(command), 0);
	assert_int_not_equal(f->s.put(f->s.context, "device", "new", 3), 0);
	assert_int_equal(f->s.get(f->s.context, "device", value, sizeof value), 3);
	assert_memory_equal(value, "old", 3);
}

static void one_process_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct chappe_storage second;
	int status;
	pid_t child = fork();
	if (child == 0)
		_exit(storage_dir_open(f->path, &second) == -EBUSY ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	f->s.close(f->s.context);
	f->s.close = NULL;
	child = fork();
	if (child == 0)
		_exit(storage_dir_open(f->path, &second) == 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void every_error_has_a_text_and_a_name(void **state)
{
	(void)state;
	for (int e = 0; e <= CHAPPE_ERR_KEY_REFUSED; e++) {
		assert_string_not_equal(chappe_strerror((enum chappe_error)e), "unknown error");
		assert_string_not_equal(chappe_error_name((enum chappe_error)e), "UNKNOWN");
	}
	assert_string_equal(chappe_error_name(CHAPPE_ERR_STALE_ATTEMPT), "STALE_ATTEMPT");
	assert_string_equal(chappe_strerror((enum chappe_error)999), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(values_survive_a_restart_and_are_replaced_whole),
		T(only_the_owner_reads_them),
		T(keys_are_safe_file_names),
		T(a_half_written_value_is_never_seen),
		T(a_failed_put_keeps_the_old_value),
		T(one_process_at_a_time),
		cmocka_unit_test(every_error_has_a_text_and_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
