/* The store's directory. */
#ifndef CHAPPE_STORE_DIRECTORY_H
#define CHAPPE_STORE_DIRECTORY_H

#include <sys/types.h>

/* Makes it, 0700, where there is none. With privileges, gives it and all in it to an account that
 * does not own it yet. 0 or -errno. */
int directory_give(const char *path, uid_t uid, gid_t gid);

/* Removes a directory and all in it. 0, also where there is none, or -errno. */
int directory_remove(const char *path);

#endif
