/* Routes as workers look them up: route -> device slot and flags. */
#ifndef CHAPPE_DATAPLANE_ROUTE_H
#define CHAPPE_DATAPLANE_ROUTE_H

#include <stdint.h>

/* The value lies in the data pointer of rte_hash: no further cache line. */
enum { ROUTE_FLAG_BITS = 8 };

static inline void *route_data(uint32_t device, uint32_t flags)
{
	return (void *)((uintptr_t)device << ROUTE_FLAG_BITS | flags);
}

static inline uint32_t route_device(const void *data)
{
	return (uint32_t)((uintptr_t)data >> ROUTE_FLAG_BITS);
}

static inline uint32_t route_flags(const void *data)
{
	return (uint32_t)((uintptr_t)data & ((1u << ROUTE_FLAG_BITS) - 1));
}

#endif
