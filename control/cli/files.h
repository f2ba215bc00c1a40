/* Trees of files for backup and restore: copied with a sum of each, synced, 0600 and 0700, and
 * never through a symbolic link. Sums are lines as sha256sum writes and reads them. */
#ifndef CHAPPE_CONTROL_CLI_FILES_H
#define CHAPPE_CONTROL_CLI_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { FILES_PATH_BYTES = 4096, FILES_ERROR_BYTES = FILES_PATH_BYTES + 256, FILES_SUM_BYTES = 65 };

struct files {
	FILE *sums;                    /* where lines go, or NULL */
	uint64_t count, bytes;         /* copied so far */
	char error[FILES_ERROR_BYTES]; /* what, where */
};

/* Ctrl-C and SIGTERM end a copy with -EINTR instead of the process. */
void files_catch_signals(void);

/* parent/name, or name where parent is "". */
int files_join(
	struct files *files, char path[FILES_PATH_BYTES], const char *parent, const char *name);

/* All return 0 or -errno with error set. label is the path in the line of sums. */
int files_copy(struct files *files, const char *from, const char *to, const char *label,
	char sum[FILES_SUM_BYTES]);
int files_copy_tree(struct files *files, const char *from, const char *to, const char *label);
/* Calls visit for each regular file below a directory, with its path relative to it. */
int files_walk(struct files *files, const char *directory,
	int (*visit)(void *arg, const char *relative), void *arg);
/* Makes a new directory beside another path: its name, a dot, what for, and six letters. */
int files_temporary(
	struct files *files, const char *beside, const char *purpose, char path[FILES_PATH_BYTES]);
int files_sync_directory(struct files *files, const char *path);
/* 0 where it is absent or empty, -ENOTEMPTY, -ENOTDIR, or another -errno. */
int files_empty(struct files *files, const char *path);
/* Gives a directory the name of an empty or absent one. */
int files_move(struct files *files, const char *from, const char *to);
/* Removes a tree, as far as it can. */
void files_remove(const char *path);
int files_give(struct files *files, const char *path, unsigned uid, unsigned gid);

#endif
