#include "src/message/outbox.h"
#include <sodium.h>

/* Nothing is to be sent, and what was sent, or what is held, may have been forgotten. */
static bool awaits(const struct outbox *outbox)
{
	return outbox->open > 0 && !outbox->probes &&
	       (!TAILQ_EMPTY(&outbox->on_the_way) || outbox->waiting == 0);
}

static uint64_t timeout_at_ns(const struct outbox *outbox)
{
	uint64_t since_ns = outbox->sent_ns > outbox->heard_ns ? outbox->sent_ns : outbox->heard_ns;
	return since_ns + recovery_backed_off_ns(&outbox->recovery, since_ns - outbox->heard_ns);
}

void outbox_tick(struct outbox *outbox, uint64_t now_ns)
{
	if (outbox->lost_ns <= now_ns)
		outbox_detect_losses(outbox, now_ns, 0, 0);
	if (awaits(outbox) && outbox->lost_ns == MESSAGE_NEVER && timeout_at_ns(outbox) <= now_ns) {
		outbox->recovery.timeouts++;
		outbox->probes = 2;
		outbox->announced = 0;
	}
}

void outbox_probe(struct outbox *outbox, uint64_t now_ns)
{
	struct outgoing *message;
	for (message = TAILQ_FIRST(&outbox->queue); message; message = TAILQ_NEXT(message, link))
		if (message->progress_ns)
			message->progress_ns = now_ns;
	outbox->recovery.timeouts = 0;
	outbox->heard_ns = now_ns;
	if (outbox->open > 0) {
		outbox->probes = 2;
		outbox->announced = 0;
	}
}

static struct fragment *first_waiting(const struct outbox *outbox)
{
	struct outgoing *message;
	if (outbox->waiting == 0)
		return NULL;
	for (message = TAILQ_FIRST(&outbox->queue); message; message = TAILQ_NEXT(message, link))
		if (message->waiting)
			break;
	while (message->fragment[message->first_waiting].state != FRAGMENT_WAITING)
		message->first_waiting++;
	return &message->fragment[message->first_waiting];
}

/* What to ask with: new data, the oldest on the way, or what the contact holds of the first
 * message, the last fragment of it, the smallest. */
static struct fragment *pick_probe(const struct outbox *outbox, uint64_t now_ns)
{
	struct fragment *fragment = first_waiting(outbox);
	if (fragment)
		return fragment;
	fragment = TAILQ_FIRST(&outbox->on_the_way);
	if (fragment)
		return fragment->sent.sent_ns < now_ns ? fragment : NULL;
	struct outgoing *first = TAILQ_FIRST(&outbox->queue);
	return first ? &first->fragment[first->fragments - 1] : NULL;
}

static struct fragment *pick(struct outbox *outbox, uint64_t now_ns)
{
	if (outbox->probes > 0) {
		struct fragment *fragment = pick_probe(outbox, now_ns);
		outbox->probes = fragment ? outbox->probes - 1 : 0;
		if (fragment)
			return fragment;
	}
	struct fragment *fragment = first_waiting(outbox);
	if (!fragment) {
		outbox->recovery.full = false;
		return NULL;
	}
	if (!recovery_has_room(&outbox->recovery, outbox_frame_bytes(fragment))) {
		outbox->recovery.full = true;
		return NULL;
	}
	return outbox->recovery.pace_ns <= now_ns ? fragment : NULL;
}

void message_fill(const struct outgoing *message, uint16_t index, struct message_frame *frame)
{
	const struct fragment *fragment = &message->fragment[index];
	size_t len = outbox_data_bytes(fragment);

	frame->plain_len = seal_plain_bytes(len);
	frame->way = message->way;
	frame->kept = message->kept;
	frame->index = index;
	frame->number = message->number;
	memset(frame->bytes, 0, frame->plain_len);
	frame->frame_id = fragment->sent.frame_id;
	if (!message->way.stored || !frame->frame_id)
		randombytes_buf(&frame->frame_id, sizeof frame->frame_id);
	if (message->kept)
		return;
	frame->plain.type = (uint8_t)message->type;
	frame->plain.skip = message->skip;
	frame->plain.frag = put16(fragment->index);
	frame->plain.frags = put16(message->fragments);
	frame->plain.len = put16((uint16_t)len);
	frame->plain.message = put64(message->type == SEAL_ACK ? 0 : message->number);
	if (len)
		memcpy(frame->plain.data, message->data + (size_t)index * SEAL_LARGE_DATA_BYTES,
			len);
}

bool outbox_next(struct outbox *outbox, uint64_t now_ns, struct message_frame *frame)
{
	struct fragment *fragment = pick(outbox, now_ns);
	if (!fragment)
		return false;
	message_fill(fragment->message, fragment->index, frame);
	if (fragment->state == FRAGMENT_WAITING) {
		fragment->message->waiting--;
		outbox->waiting--;
	} else if (fragment->state == FRAGMENT_ON_THE_WAY) {
		outbox_remember_replaced(outbox, fragment);
		TAILQ_REMOVE(&outbox->on_the_way, fragment, link);
		recovery_forgot(&outbox->recovery, outbox_frame_bytes(fragment));
	}
	if (TAILQ_EMPTY(&outbox->on_the_way) && outbox->recovery.timeouts == 0)
		outbox->heard_ns = now_ns;
	if (!fragment->message->progress_ns)
		fragment->message->progress_ns = now_ns;
	fragment->repeated = fragment->sent.order && fragment->sent.frame_id == frame->frame_id;
	fragment->asks = fragment->state == FRAGMENT_HELD;
	fragment->state = FRAGMENT_ON_THE_WAY;
	fragment->sent = (struct outbox_sent){ frame->frame_id, now_ns, ++outbox->order };
	TAILQ_INSERT_TAIL(&outbox->on_the_way, fragment, link);
	outbox->sent_ns = now_ns;
	recovery_sent(&outbox->recovery, now_ns, outbox_frame_bytes(fragment));
	return true;
}

uint64_t outbox_deadline(const struct outbox *outbox)
{
	uint64_t deadline_ns = outbox->lost_ns;
	if (outbox->probes > 0)
		return 0;
	const struct fragment *waiting = first_waiting(outbox);
	if (waiting && recovery_has_room(&outbox->recovery, outbox_frame_bytes(waiting)) &&
		outbox->recovery.pace_ns < deadline_ns)
		deadline_ns = outbox->recovery.pace_ns;
	if (awaits(outbox) && outbox->lost_ns == MESSAGE_NEVER &&
		timeout_at_ns(outbox) < deadline_ns)
		deadline_ns = timeout_at_ns(outbox);
	return deadline_ns;
}
