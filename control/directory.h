/* What control holds in memory about devices: who sits in which slot of the dataplane's tables, by
 * which key it is found, its sessions, and the handshakes that wait to be confirmed. Filled from
 * the store; the event-loop thread alone reads and writes it. Memory grows by doubling; nothing is
 * allocated per handshake. */
#ifndef CHAPPE_CONTROL_DIRECTORY_H
#define CHAPPE_CONTROL_DIRECTORY_H

#include "pending.h"
#include "store.h"

#define DIRECTORY_NONE UINT32_MAX /* CHAIN_NONE */

enum device_state {
	DEVICE_FREE = 0,     /* nobody in this slot */
	DEVICE_RESERVED = 1, /* kept for an invitation with a handshake on its way */
	DEVICE_ENROLLED = 2,
};

struct device {
	uint8_t key[WIRE_KEY_BYTES]; /* reserved: the invitation's id, then zeros */
	uint8_t psk[WIRE_KEY_BYTES]; /* reserved: zeros */
	uint64_t attempt;            /* highest confirmed since control started */
	/* limits of its own, or STORE_LIMIT_DEFAULT */
	int64_t frames_per_s, bytes_per_s;
	int32_t routes_max;
	uint32_t id;               /* reserved: 0 */
	uint32_t session, earlier; /* indices of confirmed sessions, where the flags say so */
	uint32_t pending;          /* newest of its pending sessions, or DIRECTORY_NONE */
	uint32_t next_by_key, next_by_id;
	uint8_t state; /* enum device_state */
	bool has_session, has_earlier;
};

/* Confirmed ones. */
static inline uint32_t device_sessions(const struct device *device)
{
	return (uint32_t)device->has_session + device->has_earlier;
}

struct directory {
	struct device *devices; /* by slot */
	uint32_t *by_key;       /* chains of slots; as many buckets as slots */
	uint32_t *by_id;        /* the same, of enrolled ones */
	uint32_t capacity;      /* slots there is memory for, a power of two */
	uint32_t limit;         /* slots the dataplane has; 0 until it said so */
	uint32_t *free_slots;   /* ring of limit entries, first in first out */
	uint32_t free_head, free_count;
	uint32_t enrolled, reserved;
	uint32_t sessions; /* confirmed ones that have not ended */

	struct pendings pendings;
	uint8_t hash_key[16];
};

/* Returns 0 or -ENOMEM. */
int directory_init(struct directory *directory);
void directory_wipe(struct directory *directory);

/* How many slots the dataplane has: the free ones may be handed out from now on. */
int directory_limit(struct directory *directory, uint32_t slots);

/* NULL for a slot that was never in use. Valid until a device is added. */
struct device *directory_device(const struct directory *directory, uint32_t slot);
/* Slot of an enrolled device's public key, or DIRECTORY_NONE. */
uint32_t directory_find(const struct directory *directory, const uint8_t key[WIRE_KEY_BYTES]);
/* Slots of enrolled devices by their ids, DIRECTORY_NONE where there is none: many at once, because
 * each is a few places of memory far apart. */
void directory_find_ids(
	const struct directory *directory, const uint32_t *ids, uint32_t *slots, uint32_t count);
/* Slot reserved for an invitation, or DIRECTORY_NONE. */
uint32_t directory_find_reserved(
	const struct directory *directory, const uint8_t id[WIRE_INVITATION_ID_BYTES]);

/* Puts a device of the store into its slot, which is free or reserved (then pending sessions of
 * the slot stay). -EEXIST when it is taken, -ENOMEM. */
int directory_enrol(struct directory *directory, const struct store_device *device);
/* Takes a free slot for an invitation. -ENOSPC when there is none. */
int directory_reserve(
	struct directory *directory, const uint8_t id[WIRE_INVITATION_ID_BYTES], uint32_t *slot);
/* Wipes what is in the slot, drops its pending sessions and frees it. */
void directory_release(struct directory *directory, uint32_t slot);
void directory_set_limits(struct device *device, const struct store_limits *limits);

/* Adds a pending session; returns its number, or DIRECTORY_NONE without memory. */
uint32_t directory_pend(struct directory *directory, uint32_t slot, uint32_t index,
	const uint8_t key[WIRE_KEY_BYTES], uint64_t attempt);
/* The pending session of an index, or DIRECTORY_NONE. */
uint32_t directory_pending(const struct directory *directory, uint32_t index);
void directory_unpend(struct directory *directory, uint32_t number);

/* A confirmed session becomes the device's current one. */
void directory_session(struct directory *directory, struct device *device, uint32_t index);
/* A session has ended. */
void directory_session_ended(struct directory *directory, struct device *device, uint32_t index);
/* All of them have, as far as is known. */
void directory_sessions_forgotten(struct directory *directory);

#endif
