#include "backup.h"

#include "directory.h"
#include "epoch.h"
#include "limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNFINISHED BACKUP_DIRECTORY ".new"

enum { PATH_BYTES = 1024, COPY_MAX_BYTES = 4096 /* a key, or the limits */ };

static void path_of(const char *directory, const char *name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%.800s/%s", directory, name);
}

static int open_directory(const char *path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

static int sync_directory(const char *path)
{
	const int fd = open_directory(path);
	int result = fd < 0 ? fd : 0;

	if (fd >= 0) {
		result = fsync(fd) != 0 ? -errno : 0;
		close(fd);
	}
	return result;
}

static int write_file(int to, const char *name, const uint8_t *bytes, size_t len)
{
	const int fd = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int result = 0;

	if (fd < 0)
		return -errno;
	errno = ENOSPC; /* of a short write */
	if (write(fd, bytes, len) != (ssize_t)len || fsync(fd) != 0)
		result = -errno;
	if (close(fd) != 0 && result == 0)
		result = -errno;
	return result;
}

/* A small file; one that is gone meanwhile is left out. */
static int copy_file(int from, int to, const char *name)
{
	uint8_t bytes[COPY_MAX_BYTES];
	const int fd = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	const ssize_t got = read(fd, bytes, sizeof bytes);
	int result = got < 0 ? -errno : 0;
	close(fd);
	if (result == 0)
		result = write_file(to, name, bytes, (size_t)got);
	sodium_memzero(bytes, sizeof bytes);
	return result;
}

static int copy_keys(const char *from_path, const char *to_path)
{
	int result = mkdir(to_path, 0700) != 0 ? -errno : 0;
	const int from = open_directory(from_path), to = open_directory(to_path);
	DIR *files = from < 0 ? NULL : fdopendir(from);

	if (result == 0 && (!files || to < 0))
		result = from < 0 ? from : to < 0 ? to : -ENOMEM;
	while (result == 0) {
		const struct dirent *entry = readdir(files);
		if (!entry)
			break;
		if (strstr(entry->d_name, ".key"))
			result = copy_file(from, to, entry->d_name);
	}
	if (result == 0 && fsync(to) != 0)
		result = -errno;
	if (files)
		closedir(files);
	else if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return result;
}

static int copy_limits(const char *directory, const char *new_path)
{
	const int from = open_directory(directory), to = open_directory(new_path);
	const int result = from < 0 ? from : to < 0 ? to : copy_file(from, to, LIMITS_FILE);

	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return result;
}

int backup_make(const struct depot *depot, const char *directory, char text[ADMIN_TEXT_BYTES])
{
	char new_path[PATH_BYTES], path[PATH_BYTES], from[PATH_BYTES];
	char reason[ENGINE_ERROR_BYTES] = "";
	int result = backup_remove(directory);

	path_of(directory, UNFINISHED, new_path);
	if (result == 0 && mkdir(new_path, 0700) != 0)
		result = -errno;
	/* Messages first: each key that they need is there then, and stays until keys are copied.
	 */
	path_of(directory, UNFINISHED "/messages", path);
	if (result == 0)
		result = depot_copy(depot, path, reason);
	path_of(directory, "keys", from);
	path_of(directory, UNFINISHED "/keys", path);
	if (result == 0)
		result = copy_keys(from, path);
	if (result == 0)
		result = copy_limits(directory, new_path);
	if (result == 0)
		result = sync_directory(new_path);
	path_of(directory, BACKUP_DIRECTORY, path);
	if (result == 0 && rename(new_path, path) != 0)
		result = -errno;
	if (result == 0)
		result = sync_directory(directory);
	if (result < 0) {
		snprintf(text, ADMIN_TEXT_BYTES, "the copy could not be made: %.200s",
			reason[0] ? reason : strerror(-result));
		(void)backup_remove(directory);
	}
	return result;
}

static int wipe_keys(const char *path)
{
	const int fd = open_directory(path);
	DIR *files = fd < 0 ? NULL : fdopendir(fd);
	int result = 0;

	if (!files) {
		if (fd >= 0)
			close(fd);
		return fd == -ENOENT ? 0 : fd < 0 ? fd : -ENOMEM;
	}
	for (const struct dirent *entry; (entry = readdir(files)) != NULL;) {
		const int one = strstr(entry->d_name, ".key") ? epoch_wipe(fd, entry->d_name) : 0;
		result = one < 0 ? one : result;
	}
	closedir(files);
	return result;
}

int backup_remove(const char *directory)
{
	static const char *const names[] = { UNFINISHED, BACKUP_DIRECTORY };
	char path[PATH_BYTES];
	int result = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		path_of(directory, names[i], path);
		strcat(path, "/keys");
		int one = wipe_keys(path);
		path_of(directory, names[i], path);
		if (one == 0)
			one = directory_remove(path);
		result = one < 0 ? one : result;
	}
	return result;
}
