/* Power cuts, for a store on an ext4 file system of its own on a block device. SIGKILL leaves in
 * the kernel what was written and not synced; a power cut leaves what the disk has.
 * EXT4_IOC_SHUTDOWN ends a file system at once: nothing more is written, not even by its journal,
 * and mounting it again finds the disk as it was. */
#ifndef CHAPPE_TEST_SOAK_POWER_H
#define CHAPPE_TEST_SOAK_POWER_H

#include <stdint.h>

/* A kernel writes when it likes: before the cut random parts of random files, and in a third of all
 * cuts the journal too, come to the disk though nobody asked for it. */
void power_cut(const char *mounted, uint64_t *random);
/* Nobody may have a file of it open. */
void power_back(const char *device, const char *mounted);

#endif
