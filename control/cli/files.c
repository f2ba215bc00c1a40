#include "files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 18, DESCRIPTORS = 16 };

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

void files_catch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int fail(struct files *files, int error, const char *path)
{
	snprintf(files->error, sizeof files->error, "%s: %s", path,
		error == -EINTR ? "interrupted" : strerror(-error));
	return error;
}

int files_join(
	struct files *files, char path[FILES_PATH_BYTES], const char *parent, const char *name)
{
	const int len = snprintf(
		path, FILES_PATH_BYTES, "%s%s%s", parent, *parent != '\0' ? "/" : "", name);
	return len < FILES_PATH_BYTES ? 0 : fail(files, -ENAMETOOLONG, parent);
}

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		const ssize_t put = write(fd, bytes, len);
		if (put < 0 && errno != EINTR)
			return -errno;
		if (put > 0) {
			bytes += put;
			len -= (size_t)put;
		}
	}
	return 0;
}

static int copy_bytes(struct files *files, int from, int to, char sum[FILES_SUM_BYTES])
{
	static uint8_t chunk[CHUNK_BYTES];
	uint8_t hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	ssize_t got;
	int r = 0;
	crypto_hash_sha256_init(&state);
	while (r == 0 && (got = read(from, chunk, sizeof chunk)) != 0) {
		if (got < 0) {
			r = errno == EINTR ? 0 : -errno;
		} else {
			crypto_hash_sha256_update(&state, chunk, (unsigned long long)got);
			r = write_all(to, chunk, (size_t)got);
			files->bytes += (uint64_t)got;
		}
		if (interrupted)
			r = -EINTR;
	}
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(sum, FILES_SUM_BYTES, hash, sizeof hash);
	sodium_memzero(chunk, sizeof chunk); /* keys have passed */
	return r;
}

int files_copy(struct files *files, const char *from, const char *to, const char *label,
	char sum[FILES_SUM_BYTES])
{
	struct stat status;
	const int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (in < 0)
		return fail(files, -errno, from);
	if (fstat(in, &status) != 0 || !S_ISREG(status.st_mode)) {
		close(in);
		return fail(files, -EINVAL, from);
	}
	const int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0) {
		const int r = -errno;
		close(in);
		return fail(files, r, to);
	}
	int r = copy_bytes(files, in, out, sum);
	if (r == 0 && fsync(out) != 0)
		r = -errno;
	if (close(out) != 0 && r == 0)
		r = -errno;
	close(in);
	if (r != 0)
		return fail(files, r, to);
	files->count++;
	if (files->sums != NULL)
		fprintf(files->sums, "%s  %s\n", sum, label);
	return 0;
}

static int copy_entry(struct files *files, const struct dirent *entry, const char *from,
	const char *to, const char *label)
{
	char source[FILES_PATH_BYTES], target[FILES_PATH_BYTES], name[FILES_PATH_BYTES];
	char sum[FILES_SUM_BYTES];
	struct stat status;
	int r = files_join(files, source, from, entry->d_name);
	if (r == 0)
		r = files_join(files, target, to, entry->d_name);
	if (r == 0)
		r = files_join(files, name, label, entry->d_name);
	if (r == 0 && lstat(source, &status) != 0)
		r = fail(files, -errno, source);
	if (r != 0)
		return r;
	return S_ISDIR(status.st_mode) ? files_copy_tree(files, source, target, name)
				       : files_copy(files, source, target, name, sum);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, a store's is two */
int files_copy_tree(struct files *files, const char *from, const char *to, const char *label)
{
	int r = 0;
	DIR *entries = opendir(from);
	if (entries == NULL)
		return fail(files, -errno, from);
	if (mkdir(to, 0700) != 0)
		r = fail(files, -errno, to);
	for (const struct dirent *entry; r == 0 && (entry = readdir(entries)) != NULL;)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = copy_entry(files, entry, from, to, label);
	closedir(entries);
	return r == 0 ? files_sync_directory(files, to) : r;
}

static int walk(struct files *files, const char *top, const char *below,
	int (*visit)(void *arg, const char *relative), void *arg)
{
	char path[FILES_PATH_BYTES], relative[FILES_PATH_BYTES];
	int r = files_join(files, path, top, below);
	DIR *entries = r == 0 ? opendir(path) : NULL;
	if (entries == NULL)
		return r != 0 ? r : fail(files, -errno, path);
	for (const struct dirent *entry; r == 0 && (entry = readdir(entries)) != NULL;) {
		struct stat status;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = *below != '\0' ? files_join(files, relative, below, entry->d_name)
				   : files_join(files, relative, "", entry->d_name);
		if (r == 0)
			r = files_join(files, path, top, relative);
		if (r == 0 && lstat(path, &status) != 0)
			r = fail(files, -errno, path);
		if (r == 0)
			r = S_ISDIR(status.st_mode) ? walk(files, top, relative, visit, arg)
						    : visit(arg, relative);
	}
	closedir(entries);
	return r;
}

int files_walk(struct files *files, const char *directory,
	int (*visit)(void *arg, const char *relative), void *arg)
{
	return walk(files, directory, "", visit, arg);
}

/* A path without slashes at its end. */
static int trim(struct files *files, const char *path, char trimmed[FILES_PATH_BYTES])
{
	size_t len = strlen(path);
	if (len >= FILES_PATH_BYTES)
		return fail(files, -ENAMETOOLONG, "path");
	memcpy(trimmed, path, len + 1);
	while (len > 1 && trimmed[len - 1] == '/')
		trimmed[--len] = '\0';
	return 0;
}

int files_temporary(
	struct files *files, const char *beside, const char *purpose, char path[FILES_PATH_BYTES])
{
	char trimmed[FILES_PATH_BYTES];
	const int r = trim(files, beside, trimmed);
	if (r != 0)
		return r;
	if (snprintf(path, FILES_PATH_BYTES, "%s.%s-XXXXXX", trimmed, purpose) >= FILES_PATH_BYTES)
		return fail(files, -ENAMETOOLONG, beside);
	if (mkdtemp(path) != NULL)
		return 0;
	if (errno != ENOENT)
		return fail(files, -errno, path);
	snprintf(files->error, sizeof files->error,
		"%s: the directory that it is to lie in does not exist: make it first", trimmed);
	return -ENOENT;
}

int files_sync_directory(struct files *files, const char *path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) != 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return r == 0 ? 0 : fail(files, r, path);
}

int files_empty(struct files *files, const char *path)
{
	DIR *entries = opendir(path);
	const struct dirent *entry;
	int r = 0;
	if (entries == NULL)
		return errno == ENOENT ? 0 : fail(files, -errno, path);
	while (r == 0 && (entry = readdir(entries)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = -ENOTEMPTY;
	closedir(entries);
	return r == 0 ? 0 : fail(files, r, path);
}

int files_move(struct files *files, const char *from, const char *to)
{
	char trimmed[FILES_PATH_BYTES], parent[FILES_PATH_BYTES];
	int r = trim(files, to, trimmed);
	if (r != 0)
		return r;
	if (rename(from, trimmed) != 0) {
		r = fail(files, -errno, trimmed);
		if (r == -EBUSY)
			snprintf(files->error, sizeof files->error,
				"%s: a file system is mounted there; name a directory below it",
				trimmed);
		return r;
	}
	memcpy(parent, trimmed, sizeof parent);
	return files_sync_directory(files, dirname(parent));
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)status;
	(void)kind;
	(void)at;
	remove(path);
	return 0;
}

void files_remove(const char *path)
{
	nftw(path, remove_one, DESCRIPTORS, FTW_PHYS | FTW_DEPTH);
}

static struct {
	uid_t uid;
	gid_t gid;
} give_to; /* nftw() passes nothing on */

static int give_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)status;
	(void)kind;
	(void)at;
	return lchown(path, give_to.uid, give_to.gid) == 0 ? 0 : -1;
}

int files_give(struct files *files, const char *path, unsigned uid, unsigned gid)
{
	give_to.uid = uid;
	give_to.gid = gid;
	return nftw(path, give_one, DESCRIPTORS, FTW_PHYS | FTW_DEPTH) == 0
		       ? 0
		       : fail(files, -errno, path);
}
