/* A directory for a test of storage, and what disks do to files. */
#ifndef CHAPPE_TEST_STORE_FILES_H
#define CHAPPE_TEST_STORE_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* A new directory, and the end of it with all in it. cmocka's setup and teardown. */
extern char files_directory[64];
int files_make(void **state);
int files_remove(void **state);

/* Calls each() with the path of every regular file below the directory whose name ends so. */
typedef void files_each_fn(const char *path, void *arg);
void files_each(const char *ending, files_each_fn *each, void *arg);

/* Inverts `bytes` bytes at `offset`. */
void files_damage(const char *path, off_t offset, size_t bytes);
/* Whether any file holds these bytes. */
bool files_hold(const void *bytes, size_t count);

/* Mounts a file system in memory on the directory, seen by this process alone; false where that is
 * not allowed. files_limit() sets its size, files_read_only() whether it can be written. */
bool files_mount(const char *size);
void files_limit(const char *size, bool read_only);
void files_unmount(void);

#endif
