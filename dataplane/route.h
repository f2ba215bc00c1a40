/* The table of routes as workers look them up: route -> device slot and flags. One writer (main,
 * routes.c), readers without locks, under QSBR.
 *
 * A route is 16 random bytes, so that its bucket follows from itself; main mixes in a secret of
 * this boot, which keeps that unforeseeable even for whoever knows routes. A bucket is one cache
 * line of three routes. What does not fit into its own goes on into the next ones, and each bucket
 * that it passes counts it: a look-up ends at the first bucket that nothing has passed. With two
 * places in three taken at most, that is one line for six in seven routes, two for nearly all
 * others. A route never moves, so a reader never misses one that stays. */
#ifndef CHAPPE_DATAPLANE_ROUTE_H
#define CHAPPE_DATAPLANE_ROUTE_H

#include "src/wire.h"
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_prefetch.h>
#include <stdbool.h>

enum {
	ROUTE_BUCKET_ROUTES = 3,
	ROUTE_WORDS = WIRE_ROUTE_BYTES / sizeof(uint64_t),
	ROUTE_FLAG_BITS = 8,
	ROUTE_DEVICE_BITS = 21,
	ROUTE_BULK_MAX = 64,
};

/* What a place holds beside its route: device slot << ROUTE_FLAG_BITS | flags, and these. */
#define ROUTE_NONE UINT32_C(0)          /* free */
#define ROUTE_GONE (UINT32_C(1) << 29)  /* removed; free after a grace period */
#define ROUTE_NAMED (UINT32_C(1) << 30) /* since tables_sync_begin(); main's */
#define ROUTE_USED (UINT32_C(1) << 31)  /* there is a route */

struct route_bucket {
	uint64_t routes[ROUTE_BUCKET_ROUTES][ROUTE_WORDS];
	uint32_t values[ROUTE_BUCKET_ROUTES]; /* published last */
	uint32_t passed;                      /* routes that went on beyond this bucket */
} __rte_cache_aligned;
_Static_assert(sizeof(struct route_bucket) == RTE_CACHE_LINE_SIZE, "one line");

struct route_table {
	struct route_bucket *buckets;
	uint32_t count;
	uint64_t secret[ROUTE_WORDS];
};

static inline uint32_t route_device(uint32_t value)
{
	return value >> ROUTE_FLAG_BITS & ((UINT32_C(1) << ROUTE_DEVICE_BITS) - 1);
}

static inline uint32_t route_flags(uint32_t value)
{
	return value & ((UINT32_C(1) << ROUTE_FLAG_BITS) - 1);
}

static inline bool route_is_used(uint32_t value)
{
	return (value & ROUTE_USED) != 0;
}

/* Folded multiplication of both halves (as in wyhash), and its upper half times the buckets. */
static inline uint32_t route_bucket_of(const struct route_table *table, const void *route)
{
	uint64_t half[ROUTE_WORDS];

	memcpy(half, route, sizeof half);
	const unsigned __int128 product = (unsigned __int128)(half[0] ^ table->secret[0]) *
					  ((half[1] ^ table->secret[1]) | 1);
	const uint64_t folded = (uint64_t)(product >> 64) ^ (uint64_t)product;
	return (uint32_t)((folded >> 32) * table->count >> 32);
}

static inline void route_prefetch(const struct route_table *table, uint32_t bucket)
{
	rte_prefetch0(&table->buckets[bucket]);
}

static inline uint32_t route_next(const struct route_table *table, uint32_t bucket)
{
	return bucket + 1 < table->count ? bucket + 1 : 0;
}

/* Looks a route up from its bucket on. Returns its value, and its position where that is not NULL;
 * ROUTE_NONE: there is none. */
static inline uint32_t route_find(
	const struct route_table *table, uint32_t bucket, const void *route, uint32_t *position)
{
	uint64_t half[ROUTE_WORDS];

	memcpy(half, route, sizeof half);
	for (;; bucket = route_next(table, bucket)) {
		const struct route_bucket *at = &table->buckets[bucket];
		for (uint32_t i = 0; i < ROUTE_BUCKET_ROUTES; i++) {
			const uint32_t value = __atomic_load_n(&at->values[i], __ATOMIC_ACQUIRE);
			if (!route_is_used(value) ||
				__atomic_load_n(&at->routes[i][0], __ATOMIC_RELAXED) != half[0] ||
				__atomic_load_n(&at->routes[i][1], __ATOMIC_RELAXED) != half[1])
				continue;
			if (position != NULL)
				*position = bucket * ROUTE_BUCKET_ROUTES + i;
			return value;
		}
		if (likely(__atomic_load_n(&at->passed, __ATOMIC_RELAXED) == 0))
			return ROUTE_NONE;
	}
}

/* Looks n routes up at once, ROUTE_BULK_MAX at most. */
static inline void route_find_bulk(
	const struct route_table *table, const void *const *routes, uint32_t n, uint32_t *values)
{
	uint32_t buckets[ROUTE_BULK_MAX];

	for (uint32_t i = 0; i < n; i++) {
		buckets[i] = route_bucket_of(table, routes[i]);
		route_prefetch(table, buckets[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		values[i] = route_find(table, buckets[i], routes[i], NULL);
}

#endif
