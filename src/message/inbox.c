#include "src/message/inbox.h"
#include <errno.h>
#include <stdlib.h>

void inbox_init(struct inbox *inbox, const struct window *window, uint32_t run)
{
	memset(inbox, 0, sizeof *inbox);
	TAILQ_INIT(&inbox->held);
	inbox->window = *window;
	inbox->epoch = (uint64_t)run << 32;
	inbox->ack_ns = MESSAGE_NEVER;
	inbox->expected_message = window->base;
}

void inbox_wipe(struct inbox *inbox)
{
	struct incoming *incoming, *next;
	for (incoming = TAILQ_FIRST(&inbox->held); incoming; incoming = next) {
		next = TAILQ_NEXT(incoming, link);
		inbox_drop(inbox, incoming);
	}
	receipts_wipe(&inbox->receipts);
}

void inbox_add_receipts(struct inbox *inbox, const struct incoming *incoming)
{
	for (uint16_t i = 0; incoming->frame_ids && i < incoming->fragments; i++)
		if (incoming->frame_ids[i])
			receipts_add(&inbox->receipts, incoming->frame_ids[i]);
}

static void ack_by(struct inbox *inbox, uint64_t when_ns)
{
	if (when_ns < inbox->ack_ns)
		inbox->ack_ns = when_ns;
}

/* Notes that an acknowledgement is owed (RFC 9000, section 13.2): at once for every second frame
 * and for one out of order, else soon. */
static void owe_ack(
	struct inbox *inbox, uint64_t now_ns, uint64_t frame_id, const struct seal_plain *plain)
{
	uint64_t number = get64(plain->message);
	uint16_t fragment = get16(plain->frag);
	bool in_order = number == inbox->expected_message && fragment == inbox->expected_fragment;
	bool last = fragment + 1 == get16(plain->frags);

	inbox->expected_message = last ? number + 1 : number;
	inbox->expected_fragment = last ? 0 : (uint16_t)(fragment + 1);
	inbox->newest = frame_id;
	inbox->newest_ns = now_ns;
	inbox->recent[inbox->unacked % INBOX_RECENT].message = number;
	inbox->recent[inbox->unacked % INBOX_RECENT].fragment = fragment;
	if (++inbox->unacked >= INBOX_ACK_EVERY || !in_order)
		ack_by(inbox, now_ns);
	else
		ack_by(inbox, now_ns + MESSAGE_ACK_DELAY_NS);
}

static void take(struct incoming *incoming, uint64_t now_ns, const struct seal_plain *plain)
{
	uint16_t fragment = get16(plain->frag), len = get16(plain->len);
	size_t at = (size_t)fragment * SEAL_LARGE_DATA_BYTES;

	if (incoming->data) /* of an empty message there is none */
		memcpy(incoming->data + at, plain->data, len);
	if (fragment + 1 == incoming->fragments)
		incoming->len = at + len;
	incoming->have[fragment / 64] |= UINT64_C(1) << fragment % 64;
	incoming->missing--;
	if (incoming->missing == 0)
		incoming->quiet_ns = now_ns;
}

/* The contact has given up one message: what has come of it is forgotten, unless it is complete. */
static void give_up(struct inbox *inbox, uint64_t number)
{
	struct incoming *incoming = inbox_find(inbox, number);

	if (!window_reaches(&inbox->window, number) || window_has(&inbox->window, number) ||
		(incoming && incoming->missing == 0))
		return;
	if (incoming) {
		inbox_add_receipts(inbox, incoming);
		inbox_drop(inbox, incoming);
	}
	window_mark(&inbox->window, number);
}

static void take_skip(struct inbox *inbox, const struct seal_plain *plain)
{
	uint64_t number = get64(plain->message);

	for (uint64_t n = number - (plain->skip & SEAL_SKIP_MAX); n < number; n++)
		if (plain->skip & SEAL_SKIP_GIVEN_UP)
			give_up(inbox, n);
}

/* Nothing below has come for long: a sender never begins a number so far above one that it has not
 * finished, so what is missing will never come. */
static void slide(struct inbox *inbox, uint64_t now_ns, uint64_t number)
{
	if (!inbox->blocked && inbox->stirred_ns &&
		now_ns - inbox->stirred_ns >= MESSAGE_STORED_GAP_NS)
		inbox_set_floor(inbox, number - MESSAGE_WINDOW + 1);
}

static bool note_frame(struct incoming *incoming, uint16_t fragment, uint64_t frame_id)
{
	if (!incoming->frame_ids)
		incoming->frame_ids = calloc(incoming->fragments, sizeof *incoming->frame_ids);
	if (!incoming->frame_ids)
		return false;
	incoming->frame_ids[fragment] = frame_id;
	return true;
}

/* Who waits for lower numbers goes on waiting: one has come. */
static void stir(struct inbox *inbox, struct incoming *incoming, uint64_t now_ns)
{
	incoming->touched_ns = inbox->stirred_ns = now_ns;
	for (struct incoming *higher = TAILQ_NEXT(incoming, link); higher;
		higher = TAILQ_NEXT(higher, link))
		if (higher->missing == 0)
			higher->quiet_ns = now_ns;
}

static int add_fragment(struct inbox *inbox, struct incoming *incoming, uint64_t now_ns,
	uint64_t frame_id, bool stored, const struct seal_plain *plain)
{
	uint16_t fragment = get16(plain->frag);

	if (incoming->fragments != get16(plain->frags) || incoming->type != plain->type ||
		(incoming->fragments == 1 && incoming->size != get16(plain->len)))
		return -EPROTO;
	if (stored && !note_frame(incoming, fragment, frame_id))
		return -ENOMEM;
	incoming->skip = plain->skip;
	stir(inbox, incoming, now_ns);
	if (!stored)
		owe_ack(inbox, now_ns, frame_id, plain);
	if (!inbox_has(incoming, fragment))
		take(incoming, now_ns, plain);
	else if (!stored)
		ack_by(inbox, now_ns);
	if (incoming->missing == 0 && !stored)
		ack_by(inbox, now_ns);
	return 0;
}

/* A message, and the notice that it was given up: the first to be complete stays. The notice waits
 * for its turn like a message, or who follows it would not wait for those before it. Returns
 * whether the frame is of no use. */
static bool is_settled(struct inbox *inbox, const struct seal_plain *plain)
{
	struct incoming *held = inbox_find(inbox, get64(plain->message));

	if (!held || (held->type == SEAL_GIVEN_UP) == (plain->type == SEAL_GIVEN_UP))
		return false;
	if (held->missing == 0)
		return true;
	inbox_add_receipts(inbox, held);
	inbox_drop(inbox, held);
	return false;
}

int inbox_add(struct inbox *inbox, uint64_t now_ns, uint64_t frame_id, bool stored,
	const struct seal_plain *plain)
{
	uint64_t number = get64(plain->message);

	if (!inbox->stirred_ns)
		inbox->stirred_ns = now_ns;
	if (!window_reaches(&inbox->window, number)) {
		slide(inbox, now_ns, number);
		return 0; /* until the sender's floor brings it within reach */
	}
	if (window_has(&inbox->window, number)) {
		if (stored) {
			receipts_add(&inbox->receipts, frame_id);
			/* its sender may not wait for a live ack any more, which may be lost */
			if (plain->type == SEAL_HELLO)
				inbox->owes = inbox->owes_at_once = true;
			return 0;
		}
		owe_ack(inbox, now_ns, frame_id, plain);
		ack_by(inbox, now_ns);
		return 0;
	}
	take_skip(inbox, plain);
	if (is_settled(inbox, plain)) {
		if (stored)
			receipts_add(&inbox->receipts, frame_id);
		return 0;
	}
	struct incoming *incoming = inbox_find_or_create(inbox, now_ns, stored, plain);
	if (!incoming)
		return stored ? 0 : -ENOMEM; /* the relay sends it again */
	return add_fragment(inbox, incoming, now_ns, frame_id, stored, plain);
}

void inbox_set_floor(struct inbox *inbox, uint64_t floor)
{
	if (floor > inbox->floor)
		inbox->floor = floor;
}

void inbox_restored(struct inbox *inbox, uint64_t now_ns)
{
	struct incoming *incoming;

	inbox->stirred_ns = now_ns;
	for (incoming = TAILQ_FIRST(&inbox->held); incoming; incoming = TAILQ_NEXT(incoming, link))
		if (incoming->missing == 0 && incoming->stored)
			incoming->quiet_ns = now_ns;
}
