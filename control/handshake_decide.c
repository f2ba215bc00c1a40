#include "handshake_decide.h"

#include "state.h"

#include <sodium.h>

static bool attempt_is_new(struct control *control, const struct device *device,
	const struct job *job, enum wire_status *status)
{
	uint64_t attempt = get64(job->asked.attempt);

	for (uint32_t i = device->pending; i != DIRECTORY_NONE;
		i = control->directory.pendings.all[i].next_of_slot) {
		const struct pending *pending = &control->directory.pendings.all[i];
		if (attempt <= pending->attempt &&
			sodium_memcmp(
				pending->key, job->noise.remote_static, sizeof pending->key) == 0)
			return false;
	}
	if (attempt < device->attempt)
		*status = WIRE_STATUS_STALE_ATTEMPT;
	return device->state != DEVICE_ENROLLED || attempt != device->attempt;
}

static bool decide_device(struct control *control, struct job *job, uint32_t slot,
	struct handshake_decision *decision)
{
	const struct device *device = directory_device(&control->directory, slot);

	memcpy(job->psk, device->psk, sizeof job->psk);
	decision->slot = slot;
	if (!attempt_is_new(control, device, job, &decision->status)) {
		COUNT(control, drop_repeated_init);
		return false;
	}
	return true;
}

/* A key that no live device has, and no invitation: perhaps it was revoked. */
static bool decide_stranger(
	struct control *control, struct job *job, struct handshake_decision *decision)
{
	struct store_device device;
	int result = store_device_by_key(control->store, job->noise.remote_static, &device);

	memcpy(job->psk, device.psk, sizeof job->psk);
	decision->status = WIRE_STATUS_REVOKED;
	sodium_memzero(&device, sizeof device);
	if (result < 0)
		COUNT(control, drop_unknown_key);
	return result == 0;
}

/* The secret of a used invitation lives on as its device's psk. */
static bool decide_used(struct control *control, struct job *job,
	const struct store_invitation *invitation, struct handshake_decision *decision)
{
	struct store_device device;
	int result = store_device_get(control->store, invitation->device, &device);

	memcpy(job->psk, device.psk, sizeof job->psk);
	decision->status = WIRE_STATUS_INVITATION_USED;
	/* A device that was revoked while it still named its invitation. */
	if (device.revoked_s &&
		sodium_memcmp(device.key, job->noise.remote_static, sizeof device.key) == 0)
		decision->status = WIRE_STATUS_REVOKED;
	sodium_memzero(&device, sizeof device);
	if (result < 0)
		COUNT(control, drop_unknown_invitation);
	return result == 0;
}

static bool decide_open_invitation(struct control *control, struct job *job,
	const struct store_invitation *invitation, struct handshake_decision *decision)
{
	struct store_device device;
	uint32_t slot = directory_find_reserved(&control->directory, invitation->id);

	memcpy(job->psk, invitation->secret, sizeof job->psk);
	decision->slot = slot;
	if (invitation->expires_s <= control_now_s())
		decision->status = WIRE_STATUS_INVITATION_USED;
	else if (store_device_by_key(control->store, job->noise.remote_static, &device) == 0)
		decision->status = WIRE_STATUS_REVOKED;
	else if (slot == DIRECTORY_NONE && control->sync.phase != SYNC_DONE)
		decision->status = WIRE_STATUS_FULL;
	sodium_memzero(&device, sizeof device);
	if (slot != DIRECTORY_NONE &&
		!attempt_is_new(control, directory_device(&control->directory, slot), job,
			&decision->status)) {
		COUNT(control, drop_repeated_init);
		return false;
	}
	return true;
}

static bool decide_invitation(
	struct control *control, struct job *job, struct handshake_decision *decision)
{
	struct store_invitation invitation;
	bool known =
		store_invitation_get(control->store, job->asked.invitation_id, &invitation) == 0;
	bool answered = false;

	if (!known)
		COUNT(control, drop_unknown_invitation);
	else if (invitation.used_s)
		answered = decide_used(control, job, &invitation, decision);
	else
		answered = decide_open_invitation(control, job, &invitation, decision);
	sodium_memzero(&invitation, sizeof invitation);
	return answered;
}

bool handshake_decide(struct control *control, struct job *job, struct handshake_decision *decision)
{
	uint32_t slot = directory_find(&control->directory, job->noise.remote_static);

	*decision = (struct handshake_decision){ .status = WIRE_STATUS_OK, .slot = DIRECTORY_NONE };
	if (slot != DIRECTORY_NONE)
		return decide_device(control, job, slot, decision);
	if (sodium_is_zero(job->asked.invitation_id, sizeof job->asked.invitation_id))
		return decide_stranger(control, job, decision);
	return decide_invitation(control, job, decision);
}
