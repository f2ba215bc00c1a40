/* Keys of epochs: durable before use, gone without a trace when the last record is. */
#include "files.h"

#include "store/epoch.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct epochs *epochs;
static char path[96];

static void reopen(void)
{
	char error[EPOCH_ERROR_BYTES];

	epochs_close(epochs);
	epochs = NULL;
	snprintf(path, sizeof path, "%s/keys", files_directory);
	if (epochs_open(&epochs, path, error) != 0)
		fail_msg("%s", error);
}

static int setup(void **state)
{
	if (sodium_init() < 0 || files_make(state) != 0)
		return -1;
	reopen();
	return 0;
}

static int teardown(void **state)
{
	epochs_close(epochs);
	epochs = NULL;
	return files_remove(state);
}

static void keys_are_there_after_a_restart(void **state)
{
	uint8_t keys[3][EPOCH_KEY_BYTES];
	uint32_t numbers[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(epochs_begin(epochs, &numbers[i]), 0);
		memcpy(keys[i], epochs_key(epochs, numbers[i])->bytes, EPOCH_KEY_BYTES);
		assert_true(i == 0 || numbers[i] > numbers[i - 1]);
		assert_true(i == 0 || memcmp(keys[i], keys[i - 1], EPOCH_KEY_BYTES) != 0);
	}
	assert_null(epochs_key(epochs, numbers[2] + 1));
	reopen();
	assert_int_equal(epochs_count(epochs), 3);
	for (int i = 0; i < 3; i++)
		assert_memory_equal(
			epochs_key(epochs, numbers[i])->bytes, keys[i], EPOCH_KEY_BYTES);
	uint32_t next;
	assert_int_equal(epochs_begin(epochs, &next), 0);
	assert_true(next > numbers[2]);
}

static void empty_epochs_leave_no_key_in_the_files(void **state)
{
	uint8_t gone[EPOCH_KEY_BYTES], kept[EPOCH_KEY_BYTES];
	uint32_t first, second;

	(void)state;
	assert_int_equal(epochs_begin(epochs, &first), 0);
	assert_int_equal(epochs_begin(epochs, &second), 0);
	memcpy(gone, epochs_key(epochs, first)->bytes, sizeof gone);
	memcpy(kept, epochs_key(epochs, second)->bytes, sizeof kept);
	epochs_hold(epochs, first);
	epochs_hold(epochs, first);
	epochs_hold(epochs, second);
	epochs_release(epochs, first);
	assert_int_equal(epochs_destroy_empty(epochs), 0);
	assert_true(files_hold(gone, sizeof gone)); /* the search finds it before */
	epochs_release(epochs, first);
	assert_int_equal(epochs_destroy_empty(epochs), 1);
	assert_null(epochs_key(epochs, first));
	assert_memory_equal(epochs_key(epochs, second)->bytes, kept, sizeof kept);
	assert_false(files_hold(gone, sizeof gone));
	assert_true(files_hold(kept, sizeof kept));
}

/* The name goes last: a second name of the same file shows what the first held. */
static void keys_are_overwritten_in_place(void **state)
{
	uint8_t key[EPOCH_KEY_BYTES], found[EPOCH_KEY_BYTES];
	char name[128], other[128];
	uint32_t epoch;

	(void)state;
	assert_int_equal(epochs_begin(epochs, &epoch), 0);
	memcpy(key, epochs_key(epochs, epoch)->bytes, sizeof key);
	snprintf(name, sizeof name, "%s/%08x.key", path, epoch);
	snprintf(other, sizeof other, "%s/other", files_directory);
	assert_int_equal(link(name, other), 0);
	assert_int_equal(epochs_destroy_empty(epochs), 1);
	assert_int_equal(access(name, F_OK), -1);
	const int fd = open(other, O_RDONLY);
	assert_int_equal(read(fd, found, sizeof found), sizeof found);
	close(fd);
	assert_memory_not_equal(found, key, sizeof key);
}

static void half_a_key_was_never_used(void **state)
{
	uint32_t first, second;
	char name[128];

	(void)state;
	assert_int_equal(epochs_begin(epochs, &first), 0);
	assert_int_equal(epochs_begin(epochs, &second), 0);
	snprintf(name, sizeof name, "%s/%08x.key", path, second);
	assert_int_equal(truncate(name, EPOCH_KEY_BYTES - 1), 0);
	snprintf(name, sizeof name, "%s/notes.txt", path);
	fclose(fopen(name, "w")); /* not ours: left alone */
	reopen();
	assert_int_equal(epochs_count(epochs), 1);
	assert_non_null(epochs_key(epochs, first));
	assert_int_equal(access(name, F_OK), 0);
}

static void keys_are_for_their_owner_alone(void **state)
{
	struct stat status;
	uint32_t epoch;
	char name[128];

	(void)state;
	assert_int_equal(epochs_begin(epochs, &epoch), 0);
	snprintf(name, sizeof name, "%s/%08x.key", path, epoch);
	assert_int_equal(stat(name, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(keys_are_there_after_a_restart),
		TEST(empty_epochs_leave_no_key_in_the_files),
		TEST(keys_are_overwritten_in_place),
		TEST(half_a_key_was_never_used),
		TEST(keys_are_for_their_owner_alone),
#undef TEST
	};
	return cmocka_run_group_tests_name("epoch", tests, NULL, NULL);
}
