#include "files.h"

#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

char files_directory[64];

static struct {
	const char *ending;
	files_each_fn *each;
	void *arg;
} walk;

int files_make(void **state)
{
	(void)state;
	strcpy(files_directory, "/tmp/chappe-store-XXXXXX");
	return mkdtemp(files_directory) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)status;
	(void)kind;
	(void)at;
	return remove(path);
}

int files_remove(void **state)
{
	(void)state;
	return nftw(files_directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int call_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	const size_t len = strlen(path), ending = strlen(walk.ending);

	(void)status;
	(void)at;
	if (kind == FTW_F && len >= ending && strcmp(path + len - ending, walk.ending) == 0)
		walk.each(path, walk.arg);
	return 0;
}

void files_each(const char *ending, files_each_fn *each, void *arg)
{
	walk.ending = ending;
	walk.each = each;
	walk.arg = arg;
	assert_int_equal(nftw(files_directory, call_one, 16, FTW_PHYS), 0);
}

void files_damage(const char *path, off_t offset, size_t bytes)
{
	FILE *file = fopen(path, "r+");

	assert_non_null(file);
	for (size_t i = 0; i < bytes; i++) {
		assert_int_equal(fseeko(file, offset + (off_t)i, SEEK_SET), 0);
		const int byte = fgetc(file);
		assert_int_not_equal(byte, EOF);
		assert_int_equal(fseeko(file, offset + (off_t)i, SEEK_SET), 0);
		assert_int_not_equal(fputc(byte ^ 0xff, file), EOF);
	}
	assert_int_equal(fclose(file), 0);
}

struct wanted {
	const void *bytes;
	size_t count;
	bool found;
};

static void search_one(const char *path, void *arg)
{
	struct wanted *wanted = arg;
	FILE *file = fopen(path, "r");
	struct stat status;

	if (!file || fstat(fileno(file), &status) != 0)
		fail_msg("%s: %s", path, strerror(errno));
	char *content = malloc((size_t)status.st_size + 1);
	assert_non_null(content);
	const size_t len = fread(content, 1, (size_t)status.st_size, file);
	wanted->found |= memmem(content, len, wanted->bytes, wanted->count) != NULL;
	free(content);
	fclose(file);
}

bool files_hold(const void *bytes, size_t count)
{
	struct wanted wanted = { bytes, count, false };

	files_each("", search_one, &wanted);
	return wanted.found;
}

bool files_mount(const char *size)
{
	char options[64];

	snprintf(options, sizeof options, "size=%s", size);
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", files_directory, "tmpfs", 0, options) == 0;
}

void files_limit(const char *size, bool read_only)
{
	char options[64];

	snprintf(options, sizeof options, "size=%s", size);
	assert_int_equal(mount("none", files_directory, NULL,
				 MS_REMOUNT | (read_only ? MS_RDONLY : 0), options),
		0);
}

void files_unmount(void)
{
	assert_int_equal(umount2(files_directory, MNT_DETACH), 0);
}
