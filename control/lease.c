#include "lease.h"

#include <errno.h>

void lease_reset(struct leases *leases)
{
	for (uint32_t i = 0; i < LEASE_OWNERS_MAX; i++) {
		leases->of[i].first = leases->of[i].count = 0;
		leases->of[i].asked = false;
	}
	leases->count = 0;
}

void lease_limit(struct leases *leases, uint32_t owners, uint32_t devices_max)
{
	leases->owners = owners;
	leases->block = devices_max / (16 * owners);
	if (leases->block > LEASE_BLOCK)
		leases->block = LEASE_BLOCK;
	if (leases->block == 0)
		leases->block = 1;
}

int lease_add(struct leases *leases, uint32_t index)
{
	struct lease_ring *ring = &leases->of[wire_index_owner(index)];

	ring->asked = false;
	if (ring->count == LEASES_MAX)
		return -ENOSPC;
	ring->indices[(ring->first + ring->count++) % LEASES_MAX] = index;
	leases->count++;
	return 0;
}

int lease_take(struct leases *leases, uint32_t owner, uint32_t *index)
{
	struct lease_ring *ring = &leases->of[owner];

	if (ring->count == 0)
		return -ENOSPC;
	*index = ring->indices[ring->first];
	ring->first = (ring->first + 1) % LEASES_MAX;
	ring->count--;
	leases->count--;
	return 0;
}

bool lease_is_low(const struct leases *leases, uint32_t owner)
{
	const struct lease_ring *ring = &leases->of[owner];

	return !ring->asked && ring->count <= leases->block / 2;
}

void lease_answered(struct leases *leases)
{
	for (uint32_t i = 0; i < leases->owners; i++)
		leases->of[i].asked = false;
}
