#include "resolve.h"

#include "depot.h"

enum {
	PLACES_A_TURN = 4096, /* looked at; most need no question */
};

void resolve_init(struct resolve *resolve, struct depot *depot, struct deliver *deliver)
{
	*resolve = (struct resolve){ .depot = depot, .deliver = deliver, .again_us = UINT64_MAX };
}

void resolve_reset(struct resolve *resolve)
{
	resolve->place = 0;
	resolve->asked = 0;
	resolve->left = 0;
	resolve->passing = true;
	resolve->again_us = UINT64_MAX;
	resolve->wait_us = RESOLVE_AGAIN_FIRST_US;
}

static bool ask(struct ring *down, const struct mailbox *box)
{
	struct share_down *record = ring_waiting(down) < DELIVER_RING_MAX ? ring_claim(down) : NULL;

	if (!record)
		return false;
	struct wire_inner *inner = (struct wire_inner *)record->frame;
	memset(record, 0, offsetof(struct share_down, frame) + sizeof *inner);
	record->kind = SHARE_RESOLVE;
	record->len = WIRE_INNER_HEADER_BYTES;
	memcpy(inner->route, box->route, sizeof inner->route);
	ring_publish(down);
	return true;
}

static void end_pass(struct resolve *resolve, uint64_t now_us)
{
	uint64_t longest_us = (uint64_t)resolve->left * RESOLVE_AGAIN_EACH_US;

	if (longest_us < RESOLVE_AGAIN_FEW_US)
		longest_us = RESOLVE_AGAIN_FEW_US;
	if (longest_us > RESOLVE_AGAIN_LAST_US)
		longest_us = RESOLVE_AGAIN_LAST_US;
	if (resolve->wait_us > longest_us)
		resolve->wait_us = (uint32_t)longest_us;
	resolve->passing = false;
	resolve->again_us = resolve->left > 0 ? now_us + resolve->wait_us : UINT64_MAX;
	resolve->wait_us *= 2;
}

void resolve_turn(struct resolve *resolve, struct ring *down, uint64_t now_us)
{
	const struct mailboxes *boxes = depot_mailboxes(resolve->depot);

	resolve->now_us = now_us;
	if (!resolve->passing && now_us >= resolve->again_us) {
		resolve->passing = true;
		resolve->left = 0;
		resolve->place = 0;
	}
	if (resolve->asked > 0 && now_us >= resolve->answer_due_us) {
		resolve->left += resolve->asked;
		resolve->asked = 0;
	}
	for (uint32_t i = 0; resolve->passing && i < PLACES_A_TURN; i++) {
		if (resolve->asked >= RESOLVE_ASKED_MAX)
			return;
		if (resolve->place >= mailboxes_places(boxes)) {
			if (resolve->asked == 0)
				end_pass(resolve, now_us);
			return;
		}
		const struct mailbox *box = mailbox_at(boxes, resolve->place);
		if (box && box->device == MAILBOX_NO_DEVICE) {
			if (!ask(down, box))
				return;
			resolve->asked++;
			resolve->answer_due_us = now_us + RESOLVE_ANSWER_US;
		}
		resolve->place++;
	}
}

void resolve_answer(struct resolve *resolve, const struct share_event *event)
{
	struct mailboxes *boxes = depot_mailboxes(resolve->depot);
	struct mailbox *box = mailbox_find(boxes, event->route);

	/* Also the dataplane's way to say that a delivery found no route; that was not asked. */
	if (resolve->asked > 0)
		resolve->asked--;
	if (!box)
		return;
	if (event->kind == SHARE_RESOLVED) {
		(void)mailbox_set_device(boxes, box, event->device);
		deliver_waits(resolve->deliver, event->device);
		return;
	}
	const bool led_somewhere = box->device != MAILBOX_NO_DEVICE;
	(void)mailbox_set_device(boxes, box, MAILBOX_NO_DEVICE);
	resolve->left++;
	if (resolve->passing)
		return;
	if (resolve->again_us == UINT64_MAX) {
		resolve->again_us = 0;
		resolve->wait_us = RESOLVE_AGAIN_FIRST_US;
	} else if (led_somewhere && resolve->again_us > resolve->now_us + RESOLVE_AGAIN_FIRST_US) {
		resolve->again_us = resolve->now_us + RESOLVE_AGAIN_FIRST_US;
		resolve->wait_us = RESOLVE_AGAIN_FIRST_US;
	}
}

void resolve_learn(struct resolve *resolve, const struct share_event *event)
{
	struct mailboxes *boxes = depot_mailboxes(resolve->depot);
	struct mailbox *box = mailbox_find(boxes, event->route);

	if (box)
		(void)mailbox_set_device(boxes, box, event->device);
}

uint64_t resolve_due_us(const struct resolve *resolve)
{
	if (!resolve->passing)
		return resolve->again_us;
	return resolve->asked >= RESOLVE_ASKED_MAX ? resolve->answer_due_us : 0;
}
