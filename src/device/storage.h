/* The device's storage: the default one, a directory, behind the callbacks of chappe.h. */
#ifndef CHAPPE_STORAGE_H
#define CHAPPE_STORAGE_H

#include "src/chappe.h"

enum { STORAGE_KEY_MAX_BYTES = 100, STORAGE_VALUE_MAX_BYTES = 65536 };

/* Whether a key is one that chappe.h allows: safe as the name of a file. */
bool storage_key_ok(const char *key);

/* Opens a directory as storage: makes it (0700) and its parents where missing, takes its lock. One
 * file a key, 0600, replaced by rename; file and directory are synced before put returns. Returns
 * 0, -EBUSY when another process holds the lock, or -errno. */
int storage_dir_open(const char *path, struct chappe_storage *storage);

#endif
