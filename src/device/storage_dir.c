#include "src/device/storage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names that begin with a dot are never keys: the lock, files half written, sockets. */
static const char lock_name[] = ".lock";
static const char half_prefix[] = ".half-";

struct storage_dir {
	int dir, lock;
};

bool storage_key_ok(const char *key)
{
	size_t len = strnlen(key, STORAGE_KEY_MAX_BYTES + 1);

	if (len == 0 || len > STORAGE_KEY_MAX_BYTES || key[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)key[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
		if (!letter && !(c >= '0' && c <= '9') && !strchr("._@+-", c))
			return false;
	}
	return true;
}

static ssize_t dir_get(void *context, const char *key, void *value, size_t max)
{
	struct storage_dir *d = context;
	struct stat st;
	size_t len = 0;
	int fd, err = 0;

	if (!storage_key_ok(key))
		return -EINVAL;
	fd = openat(d->dir, key, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else if ((uint64_t)st.st_size > max)
		err = -EMSGSIZE;
	while (!err && len < (size_t)st.st_size) {
		ssize_t n = read(fd, (char *)value + len, (size_t)st.st_size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err = n < 0 ? -errno : -EIO;
			break;
		}
		len += (size_t)n;
	}
	close(fd);
	if (err) {
		sodium_memzero(value, len);
		return err;
	}
	return (ssize_t)len;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* New contents go to a file of their own, which replaces the old one only once it is on disk. */
static int dir_put(void *context, const char *key, const void *value, size_t len)
{
	struct storage_dir *d = context;
	char half[sizeof half_prefix + STORAGE_KEY_MAX_BYTES];
	int fd, err;

	if (!storage_key_ok(key) || len > STORAGE_VALUE_MAX_BYTES)
		return -EINVAL;
	snprintf(half, sizeof half, "%s%s", half_prefix, key);
	fd = openat(d->dir, half, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, value, len);
	if (!err && fsync(fd) < 0)
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && renameat(d->dir, half, d->dir, key) < 0)
		err = -errno;
	if (!err && fsync(d->dir) < 0)
		err = -errno;
	if (err)
		unlinkat(d->dir, half, 0);
	return err;
}

static int dir_remove(void *context, const char *key)
{
	struct storage_dir *d = context;

	if (!storage_key_ok(key))
		return -EINVAL;
	if (unlinkat(d->dir, key, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	return fsync(d->dir) < 0 ? -errno : 0;
}

static int dir_list(
	void *context, const char *prefix, void (*found)(void *, const char *), void *found_context)
{
	struct storage_dir *d = context;
	size_t prefix_len = strlen(prefix);
	struct dirent *entry;
	int fd = openat(d->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		int err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while ((entry = readdir(dir)))
		if (storage_key_ok(entry->d_name) &&
			strncmp(entry->d_name, prefix, prefix_len) == 0)
			found(found_context, entry->d_name);
	closedir(dir);
	return 0;
}

/* What a process that died was writing: perhaps the keys of a contact that is to be forgotten. */
static void sweep_halves(const struct storage_dir *d)
{
	int fd = openat(d->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, half_prefix, sizeof half_prefix - 1) == 0)
			unlinkat(d->dir, entry->d_name, 0);
	closedir(dir);
}

static void dir_close(void *context)
{
	struct storage_dir *d = context;

	close(d->lock);
	close(d->dir);
	free(d);
}

/* mkdir -p; every directory it makes is 0700. */
static int make_directories(const char *path)
{
	char part[PATH_MAX];
	size_t len = strnlen(path, sizeof part);

	if (len == 0 || len == sizeof part)
		return len ? -ENAMETOOLONG : -ENOENT;
	memcpy(part, path, len + 1);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(part, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_locked(const char *path, struct storage_dir *d)
{
	int err = make_directories(path);

	if (err)
		return err;
	d->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dir < 0)
		return -errno;
	d->lock = openat(d->dir, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (d->lock < 0)
		return -errno;
	if (flock(d->lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

int storage_dir_open(const char *path, struct chappe_storage *storage)
{
	struct storage_dir *d = malloc(sizeof *d);
	int err;

	if (!d)
		return -ENOMEM;
	d->dir = d->lock = -1;
	err = open_locked(path, d);
	if (err) {
		if (d->lock >= 0)
			close(d->lock);
		if (d->dir >= 0)
			close(d->dir);
		free(d);
		return err;
	}
	sweep_halves(d);
	*storage = (struct chappe_storage){
		.context = d,
		.get = dir_get,
		.put = dir_put,
		.remove = dir_remove,
		.list = dir_list,
		.close = dir_close,
	};
	return 0;
}
