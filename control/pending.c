#include "pending.h"
#include "chain.h"
#include "vault.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

enum { FIRST_PENDINGS = 64 };

static uint32_t *index_bucket(const struct pendings *pendings, uint32_t index)
{
	uint64_t hash;

	crypto_shorthash(
		(uint8_t *)&hash, (const uint8_t *)&index, sizeof index, pendings->hash_key);
	return &pendings->by_index[hash & (pendings->capacity - 1)];
}

static int grow(struct pendings *pendings)
{
	uint32_t had = pendings->capacity;
	uint32_t capacity = had ? 2 * had : FIRST_PENDINGS;
	uint32_t *buckets = chain_buckets(capacity);
	struct pending *all;

	if (!buckets)
		return -ENOMEM;
	all = vault_grow(pendings->all, had * sizeof *all, capacity * sizeof *all);
	if (!all) {
		free(buckets);
		return -ENOMEM;
	}
	free(pendings->by_index);
	pendings->by_index = buckets;
	pendings->all = all;
	pendings->capacity = capacity;
	/* It grows when none is free, so that those it had are all in use. */
	for (uint32_t i = 0; i < capacity; i++)
		chain_push(i < had ? index_bucket(pendings, all[i].index) : &pendings->free,
			&all[i].next_by_index, i);
	return 0;
}

int pendings_init(struct pendings *pendings)
{
	memset(pendings, 0, sizeof *pendings);
	pendings->free = CHAIN_NONE;
	randombytes_buf(pendings->hash_key, sizeof pendings->hash_key);
	return grow(pendings);
}

void pendings_wipe(struct pendings *pendings)
{
	vault_free(pendings->all, pendings->capacity * sizeof *pendings->all);
	free(pendings->by_index);
	memset(pendings, 0, sizeof *pendings);
}

uint32_t pendings_add(struct pendings *pendings, uint32_t index)
{
	struct pending *pending;
	uint32_t number;

	if (pendings->free == CHAIN_NONE && grow(pendings) < 0)
		return CHAIN_NONE;
	number = pendings->free;
	pending = &pendings->all[number];
	pendings->free = pending->next_by_index;
	pending->index = index;
	pending->used = true;
	chain_push(index_bucket(pendings, index), &pending->next_by_index, number);
	pendings->count++;
	return number;
}

uint32_t pendings_find(const struct pendings *pendings, uint32_t index)
{
	uint32_t number = *index_bucket(pendings, index);

	while (number != CHAIN_NONE && pendings->all[number].index != index)
		number = pendings->all[number].next_by_index;
	return number;
}

void pendings_remove(struct pendings *pendings, uint32_t number)
{
	struct pending *pending = &pendings->all[number];

	CHAIN_REMOVE(index_bucket(pendings, pending->index), pendings->all, next_by_index, number);
	sodium_memzero(pending, sizeof *pending);
	chain_push(&pendings->free, &pending->next_by_index, number);
	pendings->count--;
}
