/* Session indices that the dataplane has leased to control, by the owner that each names. For
 * table_link.c only, which asks for them and drops them with the connection. */
#ifndef CHAPPE_CONTROL_LEASE_H
#define CHAPPE_CONTROL_LEASE_H

#include "src/table_msg.h"

#include <stdbool.h>

enum {
	LEASE_OWNERS_MAX = 1 << WIRE_INDEX_OWNER_BITS,
	/* Indices asked for at once, whenever half as many are left; fewer where the table is
	 * small, so that one owner does not hold what another needs. */
	LEASE_BLOCK = 2048,
	LEASES_MAX = 4 * LEASE_BLOCK, /* of an owner */
};

struct lease_ring {
	uint32_t first, count;
	bool asked; /* for more */
	uint32_t indices[LEASES_MAX];
};

struct leases {
	uint32_t owners, block; /* of the dataplane that is connected */
	uint32_t count;         /* of all owners */
	struct lease_ring of[LEASE_OWNERS_MAX];
};

/* None is held, and none asked for. */
void lease_reset(struct leases *leases);
/* How many owners there are, at most LEASE_OWNERS_MAX, and devices. */
void lease_limit(struct leases *leases, uint32_t owners, uint32_t devices_max);

/* 0, or -ENOSPC where the owner has as many as there is room for. */
int lease_add(struct leases *leases, uint32_t index);
/* 0, or -ENOSPC where there is none. */
int lease_take(struct leases *leases, uint32_t owner, uint32_t *index);

/* More are to be asked for. */
bool lease_is_low(const struct leases *leases, uint32_t owner);
/* The dataplane has answered: whoever is short may be asked for again. */
void lease_answered(struct leases *leases);

#endif
