#include "daemon/log.h"
#include "state.h"

#include <errno.h>
#include <sodium.h>

/* Enrolments that share a transaction. */
enum { ENROL_BATCH = 64 };

void enrol_unpend(struct control *control, uint32_t number)
{
	uint32_t slot = control->directory.pendings.all[number].slot;
	const struct device *device;

	directory_unpend(&control->directory, number);
	device = directory_device(&control->directory, slot);
	if (device->state != DEVICE_RESERVED || device->pending != DIRECTORY_NONE)
		return;
	table_link_add(control->table, TABLE_DEVICE_REMOVE, &slot, 0);
	directory_release(&control->directory, slot);
}

void enrol_link_down(struct control *control)
{
	for (uint32_t i = 0; i < control->directory.pendings.capacity; i++)
		if (control->directory.pendings.all[i].used)
			enrol_unpend(control, i);
}

static void remove_session(struct control *control, uint32_t index)
{
	table_link_add(control->table, TABLE_SESSION_REMOVE, &index, 0);
}

/* Ends what others tried with the same invitation, before the winner is written: whatever happens
 * to control next, no session of theirs is left in a slot that is a device's. 0, or -errno when the
 * dataplane can't be told. */
static int remove_losers(struct control *control, uint32_t winner)
{
	struct directory *directory = &control->directory;
	const struct pending *won = &directory->pendings.all[winner];
	uint32_t number = directory_device(directory, won->slot)->pending;
	bool told = false;

	while (number != DIRECTORY_NONE) {
		const struct pending *pending = &directory->pendings.all[number];
		uint32_t next = pending->next_of_slot;
		if (sodium_memcmp(pending->key, won->key, sizeof won->key) != 0) {
			if (pending->sent)
				remove_session(control, pending->index);
			told |= pending->sent;
			directory_unpend(directory, number);
			COUNT(control, enrolments_lost);
		}
		number = next;
	}
	return told ? table_link_flush(control->table) : 0;
}

/* A session of a device that is enrolled: its own, or a loser's in the slot it won. */
static void confirm_session(struct control *control, uint32_t number)
{
	const struct pending *pending = &control->directory.pendings.all[number];
	struct device *device = directory_device(&control->directory, pending->slot);

	if (sodium_memcmp(pending->key, device->key, sizeof device->key) == 0) {
		if (pending->attempt > device->attempt)
			device->attempt = pending->attempt;
		directory_session(&control->directory, device, pending->index);
		COUNT(control, sessions_confirmed);
	} else {
		remove_session(control, pending->index);
		COUNT(control, enrolments_lost);
	}
	directory_unpend(&control->directory, number);
}

/* Writes the device that won an invitation. */
static int write_device(
	struct control *control, const struct pending *pending, struct store_device *written)
{
	const struct device *reserved = directory_device(&control->directory, pending->slot);
	struct store_invitation invitation;
	int result = store_invitation_get(control->store, reserved->key, &invitation);

	*written = (struct store_device){
		.slot = pending->slot,
		.created_s = control_now_s(),
		.limits = { STORE_LIMIT_DEFAULT, STORE_LIMIT_DEFAULT, STORE_LIMIT_DEFAULT },
	};
	memcpy(written->key, pending->key, sizeof written->key);
	memcpy(written->psk, invitation.secret, sizeof written->psk);
	if (result == 0 && invitation.used_s)
		result = -ENOENT;
	if (result == 0)
		result = store_device_add(control->store, written);
	if (result == 0)
		result = store_invitation_use(
			control->store, invitation.id, written->id, written->created_s);
	sodium_memzero(&invitation, sizeof invitation);
	return result;
}

/* An enrolment that failed, or came after another one with the same invitation. */
static void refuse(struct control *control, uint32_t number)
{
	remove_session(control, control->directory.pendings.all[number].index);
	COUNT(control, enrolments_lost);
	enrol_unpend(control, number);
}

/* What the store holds now, memory holds too. */
static void enrol(struct control *control, uint32_t number, const struct store_device *written)
{
	if (directory_enrol(&control->directory, written) < 0) {
		log_error("no memory for a device: restart chappe-control to see it");
		return;
	}
	COUNT(control, enrolments);
	if (control->open_invitations)
		control->open_invitations--;
	confirm_session(control, number);
}

/* First confirmations in reserved slots: one transaction consumes their invitations and writes the
 * devices. */
static void confirm_enrolments(struct control *control, const uint32_t *numbers, uint32_t count)
{
	struct store_device written[ENROL_BATCH];
	int result = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct pending *pending = &control->directory.pendings.all[numbers[i]];
		int failed = -ENOENT;
		written[i].slot = STORE_NO_SLOT;
		if (!pending->used) /* lost to one before it */
			continue;
		if (remove_losers(control, numbers[i]) == 0)
			failed = write_device(control, pending, &written[i]);
		if (failed)
			written[i].slot = STORE_NO_SLOT;
		if (failed && failed != -ENOENT && failed != -EEXIST)
			result = failed;
	}
	if (result == 0)
		result = store_commit(control->store);
	if (result < 0) {
		store_rollback(control->store);
		log_error("enrolments could not be written down: %s", strerror(-result));
	}
	for (uint32_t i = 0; i < count; i++) {
		if (result == 0 && written[i].slot != STORE_NO_SLOT)
			enrol(control, numbers[i], &written[i]);
	}
	for (uint32_t i = 0; i < count; i++) {
		if ((result < 0 || written[i].slot == STORE_NO_SLOT) &&
			control->directory.pendings.all[numbers[i]].used)
			refuse(control, numbers[i]);
	}
	sodium_memzero(written, sizeof written);
}

/* At most ENROL_BATCH events. */
static void confirm_some(
	struct control *control, const struct table_confirmed *confirmed, uint32_t count)
{
	uint32_t enrolments[ENROL_BATCH], enrolments_count = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = directory_pending(&control->directory, confirmed[i].index);
		if (number == DIRECTORY_NONE)
			remove_session(control, confirmed[i].index);
		else if (directory_device(
				 &control->directory, control->directory.pendings.all[number].slot)
				 ->state == DEVICE_ENROLLED)
			confirm_session(control, number);
		else
			enrolments[enrolments_count++] = number;
	}
	if (enrolments_count)
		confirm_enrolments(control, enrolments, enrolments_count);
}

void enrol_confirmed(
	struct control *control, const struct table_confirmed *confirmed, uint32_t count)
{
	while (count) {
		uint32_t some = count < ENROL_BATCH ? count : ENROL_BATCH;
		confirm_some(control, confirmed, some);
		confirmed += some;
		count -= some;
	}
}
