#include "src/key.h"
#include "testing.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/chappe-test-key-XXXXXX";
static char path[PATH_MAX];

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof path, "%s/device.key", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void put_file(const void *bytes, size_t len, mode_t mode)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void saves_and_loads(void **state)
{
	(void)state;
	uint8_t secret[NOISE_KEY_BYTES], loaded[NOISE_KEY_BYTES];
	char text[64] = "";
	struct stat status;
	for (uint8_t i = 0; i < sizeof secret; i++)
		secret[i] = i;
	/* Whatever the umask lets through, nobody else may read it. */
	mode_t mask = umask(0);
	assert_int_equal(key_save(path, secret), 0);
	umask(mask);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t len = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	assert_int_equal(len, 45);
	assert_string_equal(text, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
	assert_int_equal(key_load(path, loaded), 0);
	assert_memory_equal(loaded, secret, sizeof secret);
}

static void never_overwrites(void **state)
{
	(void)state;
	uint8_t first[NOISE_KEY_BYTES], second[NOISE_KEY_BYTES], loaded[NOISE_KEY_BYTES];
	struct noise_keypair keypair;
	fill(first, sizeof first, 1);
	fill(second, sizeof second, 2);
	assert_int_equal(key_save(path, first), 0);
	assert_int_equal(key_save(path, second), -EEXIST);
	assert_int_equal(key_pair_create(path, &keypair), -EEXIST);
	assert_true(sodium_is_zero((uint8_t *)&keypair, sizeof keypair));
	assert_int_equal(key_load(path, loaded), 0);
	assert_memory_equal(loaded, first, sizeof first);

	/* Nor through a link that leads nowhere. */
	unlink(path);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(key_save(path, first), -EEXIST);
}

static void creates_and_loads_pairs(void **state)
{
	(void)state;
	struct noise_keypair created, loaded;
	uint8_t public[NOISE_KEY_BYTES];
	assert_int_equal(key_pair_create(path, &created), 0);
	assert_int_equal(key_pair_load(path, &loaded), 0);
	assert_memory_equal(&created, &loaded, sizeof created);
	crypto_scalarmult_base(public, created.secret);
	assert_memory_equal(created.public, public, sizeof public);
	unlink(path);
	assert_int_equal(key_pair_create(path, &loaded), 0);
	assert_memory_not_equal(created.secret, loaded.secret, sizeof created.secret);
}

static void refuses_files_that_others_may_touch(void **state)
{
	(void)state;
	static const struct {
		mode_t mode;
		int want;
	} rows[] = {
		{ 0600, 0 },
		{ 0400, 0 },
		{ 0700, 0 },
		{ 0640, -EPERM },
		{ 0604, -EPERM },
		{ 0620, -EPERM },
		{ 0602, -EPERM },
		{ 0610, -EPERM },
		{ 0644, -EPERM },
	};
	uint8_t secret[NOISE_KEY_BYTES], loaded[NOISE_KEY_BYTES];
	char line[KEY_TEXT_BYTES];
	fill(secret, sizeof secret, 3);
	key_to_text(secret, line);
	line[KEY_TEXT_BYTES - 1] = '\n';
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		put_file(line, sizeof line, rows[i].mode);
		memset(loaded, 0xee, sizeof loaded);
		assert_int_equal(key_load(path, loaded), rows[i].want);
		if (rows[i].want)
			assert_true(sodium_is_zero(loaded, sizeof loaded));
		else
			assert_memory_equal(loaded, secret, sizeof loaded);
	}
}

static void refuses_what_is_no_key_file(void **state)
{
	(void)state;
#define KEY43 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ KEY43 "=\n", 0 }, { KEY43 "=", 0 }, { "", -EBADMSG }, { "\n", -EBADMSG },
		{ KEY43, -EBADMSG }, { KEY43 "\n", -EBADMSG }, { KEY43 "=\n\n", -EBADMSG },
		{ KEY43 "=\r\n", -EBADMSG }, { KEY43 "= ", -EBADMSG }, { " " KEY43 "=", -EBADMSG },
		{ KEY43 "A", -EBADMSG }, /* 33 bytes */
		{ KEY43 "==", -EBADMSG },
		{ "!AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", -EBADMSG },
		{ "-_ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", -EBADMSG },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n", -EBADMSG }, /* stray bits */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t loaded[NOISE_KEY_BYTES];
		memset(loaded, 0xee, sizeof loaded);
		put_file(rows[i].text, strlen(rows[i].text), 0600);
		if (key_load(path, loaded) != rows[i].want)
			fail_msg("row %zu", i);
		assert_int_equal(sodium_is_zero(loaded, sizeof loaded), rows[i].want != 0);
	}
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	uint8_t secret[NOISE_KEY_BYTES] = { 1 };
	char missing[PATH_MAX + 16];
	assert_int_equal(key_load(path, secret), -ENOENT);
	assert_true(sodium_is_zero(secret, sizeof secret));
	snprintf(missing, sizeof missing, "%s/none/device.key", directory);
	assert_int_equal(key_save(missing, secret), -ENOENT);
	assert_int_equal(key_load(directory, secret), -EBADMSG);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(key_load(path, secret), -EBADMSG);

	assert_non_null(strstr(key_error_text(-EPERM), "chmod 600"));
	assert_non_null(strstr(key_error_text(-EEXIST), "never overwritten"));
	assert_non_null(strstr(key_error_text(-EBADMSG), "base64"));
	assert_string_equal(key_error_text(-ENOENT), strerror(ENOENT));
}

static void text_form(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		uint8_t key[NOISE_KEY_BYTES], back[NOISE_KEY_BYTES];
		char text[KEY_TEXT_BYTES];
		randombytes_buf(key, sizeof key);
		key_to_text(key, text);
		assert_int_equal(key_from_text(text, strlen(text), back), 0);
		assert_memory_equal(key, back, sizeof key);
		assert_int_equal(key_from_text(text, strlen(text) - 1, back), -EBADMSG);
		assert_true(sodium_is_zero(back, sizeof back));
	}
}

int main(void)
{
#define WITH_FILE(test) cmocka_unit_test_teardown(test, remove_file)
	const struct CMUnitTest tests[] = {
		WITH_FILE(saves_and_loads),
		WITH_FILE(never_overwrites),
		WITH_FILE(creates_and_loads_pairs),
		WITH_FILE(refuses_files_that_others_may_touch),
		WITH_FILE(refuses_what_is_no_key_file),
		WITH_FILE(says_what_is_wrong),
		cmocka_unit_test(text_form),
	};
	return sodium_init() < 0 || cmocka_run_group_tests(tests, make_directory, remove_directory);
}
