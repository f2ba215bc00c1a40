#include "src/message/outbox.h"

/* What one ack brought. */
struct news {
	uint64_t newest;        /* the frame it was sent for */
	struct outbox_sent hit; /* the transmission that frame was; order 0 = unknown */
	uint64_t lowest_order;  /* of the transmissions that it acknowledges */
	bool any;
	bool progress; /* more than that what was held still is */
};

static void take_fragment(struct outbox *outbox, struct fragment *fragment, struct news *news)
{
	struct outgoing *message = fragment->message;
	switch ((enum fragment_state)fragment->state) {
	case FRAGMENT_HELD:
		return;
	case FRAGMENT_WAITING: /* thought to be lost, but it has come */
		message->waiting--;
		outbox->waiting--;
		break;
	case FRAGMENT_ON_THE_WAY:
		TAILQ_REMOVE(&outbox->on_the_way, fragment, link);
		recovery_acked(
			&outbox->recovery, fragment->sent.sent_ns, outbox_frame_bytes(fragment));
		if (fragment->sent.frame_id == news->newest)
			news->hit = fragment->sent;
		if (fragment->sent.order < news->lowest_order)
			news->lowest_order = fragment->sent.order;
		break;
	}
	news->progress = news->progress || !fragment->asks;
	fragment->asks = false;
	fragment->state = FRAGMENT_HELD;
	news->any = true;
}

static void take_range(struct outbox *outbox, struct outgoing *message, uint16_t first,
	uint16_t last, struct news *news)
{
	for (uint32_t i = first; i <= last && i < message->fragments; i++)
		take_fragment(outbox, &message->fragment[i], news);
}

static void finish(struct outbox *outbox, struct outgoing *message, struct news *news)
{
	take_range(outbox, message, 0, ACK_WHOLE, news);
	news->any = news->progress = true;
	outbox_take_out(outbox, message);
	TAILQ_INSERT_TAIL(&outbox->finished, message, link);
}

/* The open message of that number. */
static struct outgoing *find(const struct outbox *outbox, uint64_t number)
{
	struct outgoing *message;
	for (message = TAILQ_FIRST(&outbox->queue); message; message = TAILQ_NEXT(message, link)) {
		if (!message->open || message->number > number)
			return NULL;
		if (message->number == number)
			return message;
	}
	return NULL;
}

/* The contact has forgotten what it held: all of it is to be sent again. */
static void forget_held(struct outbox *outbox)
{
	struct outgoing *message;
	for (message = TAILQ_FIRST(&outbox->queue); message; message = TAILQ_NEXT(message, link))
		for (uint16_t i = 0; message->open && i < message->fragments; i++)
			if (message->fragment[i].state == FRAGMENT_HELD)
				outbox_lose(outbox, &message->fragment[i]);
}

/* The transmission that newest names, if another has taken its place since. */
static void find_replaced(const struct outbox *outbox, struct news *news)
{
	for (unsigned i = 0; i < OUTBOX_REPLACED && news->hit.order == 0; i++)
		if (outbox->replaced[i].order && outbox->replaced[i].frame_id == news->newest)
			news->hit = outbox->replaced[i];
}

void outbox_remember_replaced(struct outbox *outbox, const struct fragment *fragment)
{
	outbox->replaced[outbox->replaced_next++ % OUTBOX_REPLACED] = fragment->sent;
}

void outbox_detect_losses(
	struct outbox *outbox, uint64_t now_ns, uint64_t unbroken_from, uint64_t unbroken_to)
{
	uint64_t delay_ns = recovery_loss_delay_ns(&outbox->recovery);
	uint64_t bytes = 0, last_ns = 0, first_unbroken_ns = MESSAGE_NEVER, last_unbroken_ns = 0;
	struct fragment *fragment, *next;

	outbox->lost_ns = MESSAGE_NEVER;
	for (fragment = TAILQ_FIRST(&outbox->on_the_way); fragment; fragment = next) {
		const struct outbox_sent *sent = &fragment->sent;
		next = TAILQ_NEXT(fragment, link);
		if (sent->order >= outbox->acked_order)
			break;
		if (sent->order + RECOVERY_PACKET_THRESHOLD > outbox->acked_order &&
			sent->sent_ns + delay_ns > now_ns) {
			if (sent->sent_ns + delay_ns < outbox->lost_ns)
				outbox->lost_ns = sent->sent_ns + delay_ns;
			continue;
		}
		bytes += outbox_frame_bytes(fragment);
		last_ns = sent->sent_ns;
		if (sent->order > unbroken_from && sent->order < unbroken_to &&
			sent->sent_ns >= outbox->recovery.first_sample_ns) {
			if (first_unbroken_ns == MESSAGE_NEVER)
				first_unbroken_ns = sent->sent_ns;
			last_unbroken_ns = sent->sent_ns;
		}
		TAILQ_REMOVE(&outbox->on_the_way, fragment, link);
		outbox_remember_replaced(outbox, fragment);
		outbox_lose(outbox, fragment);
	}
	if (bytes) {
		bool persistent =
			outbox->recovery.sampled && last_unbroken_ns > first_unbroken_ns &&
			last_unbroken_ns - first_unbroken_ns >
				RECOVERY_PERSISTENT_PTOS * recovery_timeout_ns(&outbox->recovery);
		recovery_lost(&outbox->recovery, now_ns, last_ns, bytes, persistent);
	}
}

void outbox_ack(struct outbox *outbox, const struct ack *ack, uint64_t now_ns)
{
	struct news news = { .newest = ack->newest, .lowest_order = UINT64_MAX };
	struct outgoing *message, *next;
	bool stale = ack->epoch < outbox->epoch;

	if (ack->epoch > outbox->epoch) {
		if (outbox->epoch)
			forget_held(outbox);
		outbox->epoch = ack->epoch;
	}
	if (ack->done > outbox->done && ack->done <= outbox->ledger->next)
		outbox->done = ack->done;
	for (message = TAILQ_FIRST(&outbox->queue); message; message = next) {
		next = TAILQ_NEXT(message, link);
		if (message->number >= ack->done || !message->open)
			break;
		finish(outbox, message, &news);
	}
	for (unsigned i = 0; i < ack->count; i++) {
		message = find(outbox, ack->ranges[i].message);
		if (!message)
			continue;
		if (ack->ranges[i].last == ACK_WHOLE)
			finish(outbox, message, &news);
		else if (!stale)
			take_range(
				outbox, message, ack->ranges[i].first, ack->ranges[i].last, &news);
	}
	if (!news.any)
		return;
	if (news.hit.order == 0)
		find_replaced(outbox, &news);
	if (news.hit.order > outbox->acked_order && news.hit.sent_ns <= now_ns)
		recovery_sample(&outbox->recovery, now_ns, now_ns - news.hit.sent_ns,
			(uint64_t)ack->delay_us * 1000);
	uint64_t before = outbox->acked_order;
	if (news.hit.order > outbox->acked_order)
		outbox->acked_order = news.hit.order;
	if (news.progress)
		outbox->recovery.timeouts = 0;
	outbox->heard_ns = now_ns;
	outbox_detect_losses(outbox, now_ns, before, news.lowest_order);
}
