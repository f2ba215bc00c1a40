/* What one device is sent when it has its turn. */
#include "deliver_private.h"

#include <errno.h>

enum { AT_ONCE = 16 /* frames of a mailbox before the device's next one has its turn */ };

/* How many of the first frames of a mailbox may be out. */
static uint32_t window(const struct mailbox *box)
{
	return (uint32_t)DELIVER_WINDOW << (box->tries < 24 ? box->tries / 4 : 6);
}

/* The next frame of a mailbox. */
static enum deliver_outcome send_one(
	struct deliver *deliver, struct mailbox *box, struct ring *down)
{
	const int result = depot_read(deliver->depot, box, box->sent, &deliver->frame);

	if (result < 0) /* damaged, or the cell is not where the index says it is */
		return result == -EBADMSG || result == -ENOENT ? DELIVER_UNREADABLE
							       : DELIVER_TROUBLE;
	struct share_down *record = ring_claim(down);
	if (!record)
		return DELIVER_RING_FULL;
	memset(record, 0, offsetof(struct share_down, frame));
	record->kind = SHARE_DELIVER;
	record->len = (uint16_t)deliver->frame.len;
	memcpy(record->frame, deliver->frame.bytes, deliver->frame.len);
	ring_publish(down);
	if (box->sent++ == 0)
		box->since_ms = (uint32_t)(deliver->now_us / 1000);
	deliver->sent++;
	return DELIVER_OUT;
}

/* A few frames of a mailbox, which may be gone afterwards. */
static enum deliver_outcome send_some(struct deliver *deliver, struct deliver_device *device,
	struct mailbox *box, struct ring *down)
{
	enum deliver_outcome outcome = DELIVER_NOTHING, last = DELIVER_OUT;

	for (int i = 0; i < AT_ONCE && device->left > 0 && last == DELIVER_OUT; i++) {
		if (box->sent >= window(box) || box->sent >= depot_committed(deliver->depot, box))
			break;
		if (ring_waiting(down) >= DELIVER_RING_MAX)
			return DELIVER_RING_FULL;
		last = send_one(deliver, box, down);
		if (last == DELIVER_OUT)
			device->left--;
		outcome = last == DELIVER_RING_FULL || last == DELIVER_TROUBLE ||
					  outcome == DELIVER_NOTHING
				  ? last
				  : outcome;
		if (last == DELIVER_UNREADABLE) {
			deliver->unreadable++;
			(void)depot_give_up(deliver->depot, box, box->sent);
		}
	}
	return outcome;
}

/* The mailbox that the device goes on with. */
static struct mailbox *mailbox_to_serve(
	const struct mailboxes *boxes, uint32_t number, uint32_t place)
{
	struct mailbox *box = place < mailboxes_places(boxes) ? mailbox_at(boxes, place) : NULL;

	return box && box->device == number ? box : mailbox_first(boxes, number);
}

enum deliver_outcome deliver_serve(struct deliver *deliver, uint32_t number, struct ring *down)
{
	struct mailboxes *boxes = depot_mailboxes(deliver->depot);
	struct deliver_device *device = &deliver->devices[number];
	struct mailbox *box = mailbox_to_serve(boxes, number, device->at);
	bool whole = box == mailbox_first(boxes, number), sent = false;

	while (box && device->left > 0) {
		struct mailbox *next = mailbox_next(boxes, box);
		device->at = mailbox_place(boxes, box);
		const enum deliver_outcome outcome = send_some(deliver, device, box, down);
		if (outcome == DELIVER_RING_FULL || outcome == DELIVER_TROUBLE)
			return outcome;
		sent |= outcome != DELIVER_NOTHING;
		box = next;
		if (box)
			continue;
		if (whole && !sent)
			return DELIVER_NOTHING;
		whole = true;
		sent = false;
		box = mailbox_first(boxes, number);
	}
	device->at = box ? mailbox_place(boxes, box) : DELIVER_NONE;
	return box ? DELIVER_OUT : DELIVER_NOTHING;
}
