#include "directory.h"
#include "chain.h"
#include "vault.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

enum { FIRST_DEVICES = 64 };

static uint32_t *key_bucket(const struct directory *directory, const uint8_t *key)
{
	uint64_t hash;

	crypto_shorthash((uint8_t *)&hash, key, WIRE_KEY_BYTES, directory->hash_key);
	return &directory->by_key[hash & (directory->capacity - 1)];
}

/* Ids count up, so that they spread by themselves. */
static uint32_t *id_bucket(const struct directory *directory, uint32_t id)
{
	return &directory->by_id[id & (directory->capacity - 1)];
}

static void link_key(struct directory *directory, uint32_t slot)
{
	struct device *device = &directory->devices[slot];

	chain_push(key_bucket(directory, device->key), &device->next_by_key, slot);
}

static void unlink_key(struct directory *directory, uint32_t slot)
{
	CHAIN_REMOVE(key_bucket(directory, directory->devices[slot].key), directory->devices,
		next_by_key, slot);
}

static void link_id(struct directory *directory, uint32_t slot)
{
	struct device *device = &directory->devices[slot];

	chain_push(id_bucket(directory, device->id), &device->next_by_id, slot);
}

static void unlink_id(struct directory *directory, uint32_t slot)
{
	CHAIN_REMOVE(id_bucket(directory, directory->devices[slot].id), directory->devices,
		next_by_id, slot);
}

static int grow_devices(struct directory *directory, uint32_t slots)
{
	uint32_t capacity = directory->capacity ? directory->capacity : FIRST_DEVICES;
	struct device *devices = NULL;
	uint32_t *by_key, *by_id;

	while (capacity < slots && capacity < UINT32_C(1) << 31)
		capacity *= 2;
	if (capacity == directory->capacity)
		return 0;
	by_key = chain_buckets(capacity);
	by_id = chain_buckets(capacity);
	if (by_key && by_id)
		devices = vault_grow(directory->devices, directory->capacity * sizeof *devices,
			capacity * sizeof *devices);
	if (!devices) {
		free(by_key);
		free(by_id);
		return -ENOMEM;
	}
	free(directory->by_key);
	free(directory->by_id);
	directory->by_key = by_key;
	directory->by_id = by_id;
	directory->devices = devices;
	directory->capacity = capacity;
	for (uint32_t slot = 0; slot < capacity; slot++) {
		if (devices[slot].state != DEVICE_FREE)
			link_key(directory, slot);
		if (devices[slot].state == DEVICE_ENROLLED)
			link_id(directory, slot);
	}
	return 0;
}

int directory_init(struct directory *directory)
{
	memset(directory, 0, sizeof *directory);
	randombytes_buf(directory->hash_key, sizeof directory->hash_key);
	if (pendings_init(&directory->pendings) == 0 && grow_devices(directory, FIRST_DEVICES) == 0)
		return 0;
	directory_wipe(directory);
	return -ENOMEM;
}

void directory_wipe(struct directory *directory)
{
	vault_free(directory->devices, directory->capacity * sizeof *directory->devices);
	pendings_wipe(&directory->pendings);
	free(directory->by_key);
	free(directory->by_id);
	free(directory->free_slots);
	memset(directory, 0, sizeof *directory);
}

static void free_slot(struct directory *directory, uint32_t slot)
{
	uint32_t place = directory->free_head + directory->free_count;

	if (slot >= directory->limit)
		return;
	directory->free_slots[place % directory->limit] = slot;
	directory->free_count++;
}

int directory_limit(struct directory *directory, uint32_t slots)
{
	uint32_t *ring;

	if (slots == directory->limit)
		return 0;
	ring = malloc((slots ? slots : 1) * sizeof *ring);
	if (!ring || grow_devices(directory, slots) < 0) {
		free(ring);
		return -ENOMEM;
	}
	free(directory->free_slots);
	directory->free_slots = ring;
	directory->limit = slots;
	directory->free_head = directory->free_count = 0;
	for (uint32_t slot = 0; slot < slots; slot++)
		if (directory->devices[slot].state == DEVICE_FREE)
			free_slot(directory, slot);
	return 0;
}

struct device *directory_device(const struct directory *directory, uint32_t slot)
{
	return slot < directory->capacity ? &directory->devices[slot] : NULL;
}

static uint32_t find(const struct directory *directory, const uint8_t *key, enum device_state state)
{
	uint32_t slot = *key_bucket(directory, key);

	while (slot != DIRECTORY_NONE) {
		const struct device *device = &directory->devices[slot];
		if (device->state == state && sodium_memcmp(device->key, key, WIRE_KEY_BYTES) == 0)
			break;
		slot = device->next_by_key;
	}
	return slot;
}

uint32_t directory_find(const struct directory *directory, const uint8_t key[WIRE_KEY_BYTES])
{
	return find(directory, key, DEVICE_ENROLLED);
}

/* One pass a step of the way, so that the processor fetches for all of them at once. */
void directory_find_ids(
	const struct directory *directory, const uint32_t *ids, uint32_t *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		__builtin_prefetch(id_bucket(directory, ids[i]));
	for (uint32_t i = 0; i < count; i++) {
		slots[i] = *id_bucket(directory, ids[i]);
		if (slots[i] != DIRECTORY_NONE)
			__builtin_prefetch(&directory->devices[slots[i]].id);
	}
	for (uint32_t i = 0; i < count; i++)
		while (slots[i] != DIRECTORY_NONE && directory->devices[slots[i]].id != ids[i])
			slots[i] = directory->devices[slots[i]].next_by_id;
}

uint32_t directory_find_reserved(
	const struct directory *directory, const uint8_t id[WIRE_INVITATION_ID_BYTES])
{
	uint8_t key[WIRE_KEY_BYTES] = { 0 };

	memcpy(key, id, WIRE_INVITATION_ID_BYTES);
	return find(directory, key, DEVICE_RESERVED);
}

void directory_set_limits(struct device *device, const struct store_limits *limits)
{
	device->routes_max = (int32_t)limits->routes_max;
	device->frames_per_s = limits->frames_per_s;
	device->bytes_per_s = limits->bytes_per_s;
}

/* Takes a slot that is not the first of the ring out of it; only while loading. */
static void take_free(struct directory *directory, uint32_t slot)
{
	for (uint32_t i = 0; i < directory->free_count; i++) {
		uint32_t at = (directory->free_head + i) % directory->limit;
		if (directory->free_slots[at] != slot)
			continue;
		directory->free_slots[at] = directory->free_slots[directory->free_head];
		directory->free_head = (directory->free_head + 1) % directory->limit;
		directory->free_count--;
		return;
	}
}

int directory_enrol(struct directory *directory, const struct store_device *enrolled)
{
	uint32_t slot = enrolled->slot;
	struct device *device;

	if (slot == UINT32_MAX || grow_devices(directory, slot + 1) < 0)
		return -ENOMEM;
	device = &directory->devices[slot];
	if (device->state == DEVICE_ENROLLED)
		return -EEXIST;
	if (device->state == DEVICE_RESERVED) {
		unlink_key(directory, slot);
		directory->reserved--;
	} else {
		take_free(directory, slot);
		device->pending = DIRECTORY_NONE;
	}
	memcpy(device->key, enrolled->key, sizeof device->key);
	memcpy(device->psk, enrolled->psk, sizeof device->psk);
	device->id = enrolled->id;
	directory_set_limits(device, &enrolled->limits);
	device->state = DEVICE_ENROLLED;
	link_key(directory, slot);
	link_id(directory, slot);
	directory->enrolled++;
	return 0;
}

int directory_reserve(
	struct directory *directory, const uint8_t id[WIRE_INVITATION_ID_BYTES], uint32_t *slot)
{
	const struct store_limits limits = { STORE_LIMIT_DEFAULT, STORE_LIMIT_DEFAULT,
		STORE_LIMIT_DEFAULT };
	struct device *device;

	if (directory->free_count == 0)
		return -ENOSPC;
	*slot = directory->free_slots[directory->free_head];
	directory->free_head = (directory->free_head + 1) % directory->limit;
	directory->free_count--;
	device = &directory->devices[*slot];
	memcpy(device->key, id, WIRE_INVITATION_ID_BYTES);
	directory_set_limits(device, &limits);
	device->pending = DIRECTORY_NONE;
	device->state = DEVICE_RESERVED;
	link_key(directory, *slot);
	directory->reserved++;
	return 0;
}

void directory_release(struct directory *directory, uint32_t slot)
{
	struct device *device = directory_device(directory, slot);

	if (!device || device->state == DEVICE_FREE)
		return;
	while (device->pending != DIRECTORY_NONE)
		directory_unpend(directory, device->pending);
	unlink_key(directory, slot);
	if (device->state == DEVICE_ENROLLED) {
		unlink_id(directory, slot);
		directory->enrolled--;
	} else {
		directory->reserved--;
	}
	directory->sessions -= device_sessions(device);
	sodium_memzero(device, sizeof *device);
	free_slot(directory, slot);
}
