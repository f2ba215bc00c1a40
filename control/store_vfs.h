/* A layer between SQLite and the file of the store. secure_delete zeroes what is deleted, but when
 * pages split and merge, SQLite leaves copies of the cells it moved in the unallocated middle of a
 * page, where nothing finds them later. This layer writes that part of every page as zeros. */
#ifndef CHAPPE_CONTROL_STORE_VFS_H
#define CHAPPE_CONTROL_STORE_VFS_H

#include <stddef.h>
#include <stdint.h>

#define STORE_VFS_NAME "chappe"

/* Registers the layer, once. Returns 0 or -errno. */
int store_vfs_register(void);

/* Zeroes the unallocated part of a page of a b-tree (SQLite file format, section 1.6); leaves every
 * other page as it is. first: the page begins with the header of the file. */
void store_vfs_scrub(uint8_t *page, size_t len, int first);

#endif
