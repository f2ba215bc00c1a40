#include "outbox.h"
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

void outbox_init(struct outbox *outbox, uint64_t next, uint64_t done)
{
	memset(outbox, 0, sizeof *outbox);
	TAILQ_INIT(&outbox->queue);
	TAILQ_INIT(&outbox->finished);
	TAILQ_INIT(&outbox->on_the_way);
	recovery_init(&outbox->recovery);
	outbox->next = next;
	outbox->done = done;
	outbox->lost_ns = MESSAGE_NEVER;
}

static void free_message(struct outgoing *message)
{
	if (message->data)
		sodium_memzero(message->data, message->len);
	free(message->data);
	free(message->fragment);
	free(message);
}

void outbox_wipe(struct outbox *outbox)
{
	struct outgoing *message;
	while ((message = TAILQ_FIRST(&outbox->queue))) {
		outbox_take_out(outbox, message);
		free_message(message);
	}
	while (outbox_pop_finished(outbox))
		;
}

/* What the recipient sets aside for a message: its bytes, or all fragments as full ones. */
static size_t held_bytes(const struct outgoing *message)
{
	return message->fragments == 1 ? message->len
				       : (size_t)message->fragments * SEAL_LARGE_DATA_BYTES;
}

/* Opens queued messages as far as the recipient's memory and window reach. */
static void open_more(struct outbox *outbox)
{
	struct outgoing *message = TAILQ_FIRST(&outbox->queue);
	if (!message)
		return;
	uint64_t floor = message->number;
	while (message && message->open)
		message = TAILQ_NEXT(message, link);
	for (; message; message = TAILQ_NEXT(message, link)) {
		if (outbox->open == MESSAGE_OPEN || message->number - floor >= MESSAGE_WINDOW ||
			outbox->open_bytes + held_bytes(message) > MESSAGE_OPEN_BYTES)
			return;
		message->open = true;
		outbox->open++;
		outbox->open_bytes += held_bytes(message);
		outbox->waiting += message->waiting;
	}
}

int outbox_add(struct outbox *outbox, enum seal_type type, const uint8_t *data, size_t len)
{
	size_t fragments = (len + SEAL_LARGE_DATA_BYTES - 1) / SEAL_LARGE_DATA_BYTES;
	if (fragments == 0)
		fragments = 1;
	struct outgoing *message = calloc(1, sizeof *message);
	if (!message)
		return -ENOMEM;
	message->len = len;
	message->data = malloc(len ? len : 1);
	message->fragment = calloc(fragments, sizeof *message->fragment);
	if (!message->data || !message->fragment) {
		message->len = 0;
		free_message(message);
		return -ENOMEM;
	}
	if (len)
		memcpy(message->data, data, len);
	message->number = outbox->next++;
	message->type = type;
	message->fragments = message->waiting = (uint16_t)fragments;
	for (size_t i = 0; i < fragments; i++) {
		message->fragment[i].message = message;
		message->fragment[i].index = (uint16_t)i;
	}
	TAILQ_INSERT_TAIL(&outbox->queue, message, link);
	outbox->messages++;
	outbox->bytes += len;
	open_more(outbox);
	return 0;
}

static size_t data_bytes(const struct fragment *fragment)
{
	size_t before = (size_t)fragment->index * SEAL_LARGE_DATA_BYTES;
	size_t left = fragment->message->len - before;
	return left < SEAL_LARGE_DATA_BYTES ? left : SEAL_LARGE_DATA_BYTES;
}

uint64_t outbox_frame_bytes(const struct fragment *fragment)
{
	return data_bytes(fragment) <= SEAL_SMALL_DATA_BYTES ? WIRE_SMALL_BYTES : WIRE_LARGE_BYTES;
}

void outbox_take_out(struct outbox *outbox, struct outgoing *message)
{
	for (uint16_t i = 0; i < message->fragments; i++) {
		struct fragment *fragment = &message->fragment[i];
		if (fragment->state != FRAGMENT_ON_THE_WAY)
			continue;
		TAILQ_REMOVE(&outbox->on_the_way, fragment, link);
		recovery_forgot(&outbox->recovery, outbox_frame_bytes(fragment));
	}
	if (message->open) {
		outbox->open--;
		outbox->open_bytes -= held_bytes(message);
		outbox->waiting -= message->waiting;
	}
	outbox->messages--;
	outbox->bytes -= message->len;
	TAILQ_REMOVE(&outbox->queue, message, link);
	open_more(outbox);
}

int outbox_cancel(struct outbox *outbox, uint64_t number)
{
	struct outgoing *message;
	TAILQ_FOREACH (message, &outbox->queue, link) {
		if (message->number != number)
			continue;
		outbox_take_out(outbox, message);
		free_message(message);
		return 0;
	}
	return -ENOENT;
}

uint64_t outbox_pop_finished(struct outbox *outbox)
{
	struct outgoing *message = TAILQ_FIRST(&outbox->finished);
	if (!message)
		return 0;
	uint64_t number = message->number;
	TAILQ_REMOVE(&outbox->finished, message, link);
	free_message(message);
	return number;
}

uint64_t outbox_floor(const struct outbox *outbox)
{
	const struct outgoing *first = TAILQ_FIRST(&outbox->queue);
	return first ? first->number : outbox->next;
}

bool outbox_floor_due(const struct outbox *outbox)
{
	uint64_t floor = outbox_floor(outbox);
	return outbox->open > 0 && floor > outbox->done && floor > outbox->announced;
}

void outbox_lose(struct outbox *outbox, struct fragment *fragment)
{
	struct outgoing *message = fragment->message;
	fragment->state = FRAGMENT_WAITING;
	if (message->waiting++ == 0 || fragment->index < message->first_waiting)
		message->first_waiting = fragment->index;
	outbox->waiting++;
}

/* A transmission that no fragment stands for any more may still be acknowledged, and then tells the
 * round trip time. */
static void remember_replaced(struct outbox *outbox, const struct fragment *fragment)
{
	outbox->replaced[outbox->replaced_next++ % OUTBOX_REPLACED] = fragment->sent;
}

/* unbroken_from and unbroken_to: of the transmissions between these orders (both exclusive) none
 * was acknowledged; if what is lost of them lasted long enough, congestion is persistent
 * (RFC 9002, section 7.6). */
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
		remember_replaced(outbox, fragment);
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
	TAILQ_FOREACH (message, &outbox->queue, link)
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

static void fill_frame(const struct fragment *fragment, struct message_frame *frame)
{
	const struct outgoing *message = fragment->message;
	size_t len = data_bytes(fragment);

	frame->plain_len = seal_plain_bytes(len);
	memset(frame->bytes, 0, frame->plain_len);
	frame->plain.type = (uint8_t)message->type;
	frame->plain.frag = put16(fragment->index);
	frame->plain.frags = put16(message->fragments);
	frame->plain.len = put16((uint16_t)len);
	frame->plain.message = put64(message->number);
	memcpy(frame->plain.data, message->data + (size_t)fragment->index * SEAL_LARGE_DATA_BYTES,
		len);
	randombytes_buf(&frame->frame_id, sizeof frame->frame_id);
}

bool outbox_next(struct outbox *outbox, uint64_t now_ns, struct message_frame *frame)
{
	struct fragment *fragment = pick(outbox, now_ns);
	if (!fragment)
		return false;
	fill_frame(fragment, frame);
	if (fragment->state == FRAGMENT_WAITING) {
		fragment->message->waiting--;
		outbox->waiting--;
	} else if (fragment->state == FRAGMENT_ON_THE_WAY) {
		remember_replaced(outbox, fragment);
		TAILQ_REMOVE(&outbox->on_the_way, fragment, link);
		recovery_forgot(&outbox->recovery, outbox_frame_bytes(fragment));
	}
	if (TAILQ_EMPTY(&outbox->on_the_way) && outbox->recovery.timeouts == 0)
		outbox->heard_ns = now_ns;
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
