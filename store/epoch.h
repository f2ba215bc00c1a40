/* Keys under which records lie on disk: one for each epoch of arrival, at most an hour long. When
 * the last record of an epoch is gone, its key is overwritten and removed, and what the disk's
 * blocks still hold of the epoch can't be opened by anyone. Each key is a file of its own, so that
 * no database keeps a copy. One thread uses them.
 *
 * An epoch also ends with the process: no number is sealed twice under one key. */
#ifndef CHAPPE_STORE_EPOCH_H
#define CHAPPE_STORE_EPOCH_H

#include "seal.h"

#include <stddef.h>
#include <stdint.h>

enum { EPOCH_KEY_BYTES = SEAL_KEY_BYTES, EPOCH_MINUTES = 60, EPOCH_ERROR_BYTES = 512 };

/* A key and what AES-256-GCM makes of it. */
struct epoch_key {
	struct seal_key sealing;
	uint8_t bytes[EPOCH_KEY_BYTES];
};

struct epochs;

/* Reads the keys in a directory, which is made where there is none. Returns 0 or -errno with a
 * text. */
int epochs_open(struct epochs **epochs, const char *directory, char error[EPOCH_ERROR_BYTES]);
void epochs_close(struct epochs *epochs);

/* Makes the key of a new epoch, durable before this returns. 0 or -errno. */
int epochs_begin(struct epochs *epochs, uint32_t *epoch);

/* The key of an epoch, NULL where there is none (any more). */
const struct epoch_key *epochs_key(const struct epochs *epochs, uint32_t epoch);

/* Counts a record more, or less, that lies on disk under an epoch that is there. */
void epochs_hold(struct epochs *epochs, uint32_t epoch);
void epochs_release(struct epochs *epochs, uint32_t epoch);
uint64_t epochs_held(const struct epochs *epochs, uint32_t epoch);

/* Destroys the keys of epochs without records. Returns how many, or -errno where a file can't be:
 * it is tried again the next time. */
int epochs_destroy_empty(struct epochs *epochs);

/* Overwrites and removes the file of a key in a directory that is open. 0 or -errno. */
int epoch_wipe(int directory, const char *name);

uint32_t epochs_count(const struct epochs *epochs);

#endif
