/* Sessions of devices in the directory: those to be, and the confirmed ones. */
#include "chain.h"
#include "directory.h"

uint32_t directory_pend(struct directory *directory, uint32_t slot, uint32_t index,
	const uint8_t key[WIRE_KEY_BYTES], uint64_t attempt)
{
	uint32_t number = pendings_add(&directory->pendings, index);
	struct pending *pending;

	if (number == DIRECTORY_NONE)
		return DIRECTORY_NONE;
	pending = &directory->pendings.all[number];
	memcpy(pending->key, key, sizeof pending->key);
	pending->attempt = attempt;
	pending->slot = slot;
	chain_push(&directory->devices[slot].pending, &pending->next_of_slot, number);
	return number;
}

uint32_t directory_pending(const struct directory *directory, uint32_t index)
{
	return pendings_find(&directory->pendings, index);
}

void directory_unpend(struct directory *directory, uint32_t number)
{
	const struct pending *all = directory->pendings.all;

	CHAIN_REMOVE(&directory->devices[all[number].slot].pending, directory->pendings.all,
		next_of_slot, number);
	pendings_remove(&directory->pendings, number);
}

void directory_session(struct directory *directory, struct device *device, uint32_t index)
{
	directory->sessions -= device_sessions(device);
	if (device->has_session) {
		device->earlier = device->session;
		device->has_earlier = true;
	}
	device->session = index;
	device->has_session = true;
	directory->sessions += device_sessions(device);
}

void directory_session_ended(struct directory *directory, struct device *device, uint32_t index)
{
	directory->sessions -= device_sessions(device);
	if (device->has_earlier && device->earlier == index)
		device->has_earlier = false;
	if (device->has_session && device->session == index) {
		device->session = device->earlier;
		device->has_session = device->has_earlier;
		device->has_earlier = false;
	}
	directory->sessions += device_sessions(device);
}

void directory_sessions_forgotten(struct directory *directory)
{
	for (uint32_t slot = 0; slot < directory->capacity; slot++) {
		directory->devices[slot].has_session = false;
		directory->devices[slot].has_earlier = false;
	}
	directory->sessions = 0;
}
