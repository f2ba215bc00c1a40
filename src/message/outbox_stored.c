#include "src/message/outbox.h"

/* After the last progress of a message: from then on an answer of the relay shows that it hears us
 * and could have accepted it. */
#define HEARD_AFTER_NS (2 * UINT64_C(1000000000))

static struct fragment *find_waiting(const struct outbox *outbox, uint64_t frame_id)
{
	struct outgoing *message;
	for (message = TAILQ_FIRST(&outbox->queue); message; message = TAILQ_NEXT(message, link)) {
		if (!message->open)
			return NULL;
		for (uint16_t i = 0; message->waiting && i < message->fragments; i++)
			if (message->fragment[i].state == FRAGMENT_WAITING &&
				message->fragment[i].sent.frame_id == frame_id)
				return &message->fragment[i];
	}
	return NULL;
}

static struct fragment *find(const struct outbox *outbox, uint64_t frame_id)
{
	struct fragment *fragment;
	for (fragment = TAILQ_FIRST(&outbox->on_the_way); fragment;
		fragment = TAILQ_NEXT(fragment, link))
		if (fragment->sent.frame_id == frame_id)
			return fragment;
	return frame_id ? find_waiting(outbox, frame_id) : NULL;
}

/* Takes it off the way; of a frame that was sent twice nobody knows which one was accepted, so it
 * tells no round trip time. Nor what was lost before it, unless a probe timeout has passed: then
 * what was sent before the probe is taken for lost, as it is after an outage. If it was not, the
 * relay knows a repetition; else each pair of frames would wait for a timeout of its own. */
static void take(struct outbox *outbox, struct fragment *fragment, uint64_t now_ns)
{
	struct outgoing *message = fragment->message;
	struct outbox_sent sent = fragment->sent;
	uint64_t before = outbox->acked_order;

	if (fragment->state == FRAGMENT_WAITING) { /* thought to be lost, but it has come */
		message->waiting--;
		outbox->waiting--;
	} else {
		TAILQ_REMOVE(&outbox->on_the_way, fragment, link);
		recovery_acked(&outbox->recovery, sent.sent_ns, outbox_frame_bytes(fragment));
	}
	fragment->state = FRAGMENT_HELD;
	message->held++;
	message->progress_ns = now_ns;
	if (!fragment->repeated && sent.order > before)
		recovery_sample(&outbox->recovery, now_ns, now_ns - sent.sent_ns, 0);
	if ((!fragment->repeated || outbox->recovery.timeouts > 0) && sent.order > before)
		outbox->acked_order = sent.order;
	outbox->recovery.timeouts = 0;
	outbox->heard_ns = now_ns;
	outbox_detect_losses(outbox, now_ns, before, sent.order);
}

void outbox_accepted(struct outbox *outbox, uint64_t frame_id, uint64_t now_ns)
{
	struct fragment *fragment = find(outbox, frame_id);
	struct outgoing *message;

	if (!fragment)
		return;
	message = fragment->message;
	take(outbox, fragment, now_ns);
	if (message->held == message->fragments) {
		outbox_take_out(outbox, message);
		TAILQ_INSERT_TAIL(&outbox->finished, message, link);
	}
}

static uint64_t expires_ns(const struct outgoing *message, uint64_t heard_ns)
{
	if (!message->progress_ns || !message->way.accept_ns || message->late ||
		heard_ns < message->progress_ns + HEARD_AFTER_NS)
		return MESSAGE_NEVER;
	return message->progress_ns + message->way.accept_ns;
}

/* What is at the relay of a large message stays there until its recipient is told; and who has the
 * next one already would wait for it. */
struct outgoing *outbox_make_notice(const struct outbox *outbox, uint64_t number)
{
	const struct message_way way = { .stored = true };

	return outbox_make(outbox, number, SEAL_GIVEN_UP, &way, NULL, 0);
}

void outbox_notify(struct outbox *outbox, uint64_t number)
{
	struct outgoing *notice = outbox_make_notice(outbox, number);

	if (!notice)
		return; /* with the next start */
	notice->open = true;
	outbox->open++;
	outbox->waiting++;
	outbox->messages++;
	TAILQ_INSERT_HEAD(&outbox->queue, notice, link);
}

void outbox_expire(struct outbox *outbox, uint64_t now_ns, uint64_t heard_ns)
{
	struct outgoing *message, *next;

	for (message = TAILQ_FIRST(&outbox->queue); message && message->open; message = next) {
		next = TAILQ_NEXT(message, link);
		if (message->kept || expires_ns(message, heard_ns) > now_ns)
			continue;
		outbox_take_out(outbox, message);
		TAILQ_INSERT_TAIL(&outbox->expired, message, link);
	}
}

uint64_t outbox_late(const struct outbox *outbox, uint64_t now_ns, uint64_t heard_ns)
{
	struct outgoing *message;

	for (message = TAILQ_FIRST(&outbox->queue); message && message->open;
		message = TAILQ_NEXT(message, link))
		if (message->kept && expires_ns(message, heard_ns) <= now_ns) {
			message->late = true;
			return message->number;
		}
	return 0;
}

uint64_t outbox_expiry(const struct outbox *outbox, uint64_t heard_ns)
{
	uint64_t due_ns = MESSAGE_NEVER;
	const struct outgoing *message;

	for (message = TAILQ_FIRST(&outbox->queue); message && message->open;
		message = TAILQ_NEXT(message, link))
		if (expires_ns(message, heard_ns) < due_ns)
			due_ns = expires_ns(message, heard_ns);
	return due_ns;
}

uint64_t outbox_first_partial(const struct outbox *outbox)
{
	const struct outgoing *message;

	for (message = TAILQ_FIRST(&outbox->queue); message; message = TAILQ_NEXT(message, link))
		if (message->type == SEAL_GIVEN_UP && !message->kept)
			return message->number;
	return 0;
}
