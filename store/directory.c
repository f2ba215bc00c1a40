#include "directory.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DESCRIPTORS = 16 };

static struct {
	uid_t uid;
	gid_t gid;
} to; /* nftw() passes nothing on */

static int give_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)status;
	(void)at;
	/* Never to what a link points to. */
	return kind == FTW_SL || kind == FTW_SLN ? 0 : lchown(path, to.uid, to.gid);
}

int directory_give(const char *path, uid_t uid, gid_t gid)
{
	struct stat status;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return -errno;
	if (lstat(path, &status) != 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return -ENOTDIR;
	if (geteuid() != 0 || status.st_uid == uid)
		return 0;
	to.uid = uid;
	to.gid = gid;
	/* The directory itself comes last: one that was interrupted begins anew. */
	return nftw(path, give_one, DESCRIPTORS, FTW_PHYS | FTW_DEPTH) != 0 ? -errno : 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)status;
	(void)kind;
	(void)at;
	return remove(path);
}

int directory_remove(const char *path)
{
	struct stat status;

	if (lstat(path, &status) != 0)
		return errno == ENOENT ? 0 : -errno;
	return nftw(path, remove_one, DESCRIPTORS, FTW_PHYS | FTW_DEPTH) != 0 ? -errno : 0;
}
