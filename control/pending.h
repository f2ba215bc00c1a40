/* Handshakes that were answered, or are being answered, and not confirmed yet, by the index of the
 * session that each is to become. For directory.h, which also knows whose they are. Memory grows by
 * doubling; nothing is allocated per handshake. */
#ifndef CHAPPE_CONTROL_PENDING_H
#define CHAPPE_CONTROL_PENDING_H

#include "src/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct pending {
	uint8_t key[WIRE_KEY_BYTES]; /* the device's, which a reserved slot does not have yet */
	uint64_t attempt;
	uint32_t index, slot;
	uint32_t next_of_slot, next_by_index; /* newest first */
	bool used, sent; /* sent: the dataplane has been told, so the index is spent */
};

struct pendings {
	struct pending *all;
	uint32_t *by_index; /* chains; as many buckets as there is room for */
	uint32_t capacity, count;
	uint32_t free; /* chain by next_by_index */
	uint8_t hash_key[16];
};

/* Returns 0 or -ENOMEM; pendings_wipe() either way. */
int pendings_init(struct pendings *pendings);
void pendings_wipe(struct pendings *pendings);

/* The number of a new one, used and found by its index from now on, otherwise zeros; CHAIN_NONE
 * without memory. */
uint32_t pendings_add(struct pendings *pendings, uint32_t index);
/* CHAIN_NONE where there is none. */
uint32_t pendings_find(const struct pendings *pendings, uint32_t index);
void pendings_remove(struct pendings *pendings, uint32_t number);

#endif
