#include "mailbox_private.h"

#include <errno.h>
#include <stdlib.h>

int mailboxes_set_devices(struct mailboxes *boxes, uint32_t devices_max)
{
	struct mailbox_device *devices = malloc(((size_t)devices_max + 1) * sizeof *devices);

	if (!devices)
		return -ENOMEM;
	for (uint32_t i = 0; i < devices_max; i++)
		devices[i] = (struct mailbox_device){ .first = MAILBOX_NONE };
	free(boxes->devices);
	boxes->devices = devices;
	boxes->devices_max = devices_max;
	for (uint32_t i = 0; i < boxes->places; i++) {
		struct mailbox *box = mailbox_at(boxes, i);
		if (box)
			box->device = MAILBOX_NO_DEVICE;
	}
	return 0;
}

void mailbox_leave_device(struct mailboxes *boxes, const struct mailbox *box)
{
	if (box->device == MAILBOX_NO_DEVICE)
		return;
	struct mailbox_device *device = &boxes->devices[box->device];
	if (box->previous == MAILBOX_NONE)
		device->first = box->next;
	else
		mailbox_of(boxes, box->previous)->next = box->next;
	if (box->next != MAILBOX_NONE)
		mailbox_of(boxes, box->next)->previous = box->previous;
	device->load.count -= box->count;
	device->load.large -= box->large;
}

int mailbox_set_device(struct mailboxes *boxes, struct mailbox *box, uint32_t device)
{
	if (device != MAILBOX_NO_DEVICE && device >= boxes->devices_max)
		return -EINVAL;
	if (box->device == device)
		return 0;
	mailbox_leave_device(boxes, box);
	box->device = device;
	box->sent = 0;
	box->tries = 0;
	box->next = MAILBOX_NONE;
	if (device == MAILBOX_NO_DEVICE)
		return 0;
	struct mailbox_device *to = &boxes->devices[device];
	const uint32_t place = mailbox_place(boxes, box);
	if (to->first != MAILBOX_NONE)
		mailbox_of(boxes, to->first)->previous = place;
	box->next = to->first;
	box->previous = MAILBOX_NONE;
	to->first = place;
	to->load.count += box->count;
	to->load.large += box->large;
	return 0;
}

struct mailbox_load mailbox_device_load(const struct mailboxes *boxes, uint32_t device)
{
	return device < boxes->devices_max ? boxes->devices[device].load
					   : (struct mailbox_load){ 0 };
}

struct mailbox *mailbox_first(const struct mailboxes *boxes, uint32_t device)
{
	const uint32_t place =
		device < boxes->devices_max ? boxes->devices[device].first : MAILBOX_NONE;

	return place == MAILBOX_NONE ? NULL : mailbox_of(boxes, place);
}

struct mailbox *mailbox_next(const struct mailboxes *boxes, const struct mailbox *box)
{
	return box->next == MAILBOX_NONE ? NULL : mailbox_of(boxes, box->next);
}
