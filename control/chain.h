/* Chains of a hash table without allocations: elements lie in an array, and each names the next one
 * of its bucket by number. */
#ifndef CHAPPE_CONTROL_CHAIN_H
#define CHAPPE_CONTROL_CHAIN_H

#include <stdint.h>
#include <stdlib.h>

#define CHAIN_NONE UINT32_MAX

/* Empty buckets, to be free()d; NULL without memory. */
static inline uint32_t *chain_buckets(uint32_t count)
{
	uint32_t *buckets = malloc(count * sizeof *buckets);

	for (uint32_t i = 0; buckets && i < count; i++)
		buckets[i] = CHAIN_NONE;
	return buckets;
}

/* next: the element's own. */
static inline void chain_push(uint32_t *bucket, uint32_t *next, uint32_t number)
{
	*next = *bucket;
	*bucket = number;
}

/* Takes a number that is there out of its chain; next: the member that names the next one. */
#define CHAIN_REMOVE(bucket, array, next, number)                                                  \
	do {                                                                                       \
		uint32_t *place_ = (bucket);                                                       \
		while (*place_ != (number))                                                        \
			place_ = &(array)[*place_].next;                                           \
		*place_ = (array)[number].next;                                                    \
	} while (0)

#endif
