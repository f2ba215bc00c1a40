#include "src/message/inbox.h"
#include <errno.h>

static struct incoming *first_complete(const struct inbox *inbox)
{
	struct incoming *incoming;
	for (incoming = TAILQ_FIRST(&inbox->held); incoming; incoming = TAILQ_NEXT(incoming, link))
		if (incoming->missing == 0)
			return incoming;
	return NULL;
}

/* Moves the window to the contact's floor, but not past a complete message: that is delivered. */
static void advance(struct inbox *inbox)
{
	uint64_t target = inbox->floor;
	struct incoming *complete = first_complete(inbox), *first;

	if (complete && complete->number < target)
		target = complete->number;
	window_advance(&inbox->window, target);
	while ((first = TAILQ_FIRST(&inbox->held)) && first->number < target) {
		inbox_add_receipts(inbox, first);
		inbox_drop(inbox, first);
	}
}

/* When a lower number that has not come is no longer waited for: at once where the one it follows
 * is done. */
static uint64_t deliver_ns(const struct inbox *inbox, const struct incoming *incoming)
{
	uint64_t skip = incoming->skip & SEAL_SKIP_MAX;

	if (window_has(&inbox->window, incoming->number - 1 - skip))
		return 0;
	return incoming->quiet_ns + (incoming->stored ? MESSAGE_STORED_GAP_NS : MESSAGE_GAP_NS);
}

static void done(struct inbox *inbox, struct incoming *incoming, uint64_t now_ns)
{
	window_mark(&inbox->window, incoming->number);
	inbox->stirred_ns = now_ns;
	inbox_add_receipts(inbox, incoming);
	if (!incoming->stored) {
		inbox->ack_ns = 0;
	} else if (incoming->type != SEAL_GIVEN_UP) { /* who gave it up waits for no answer */
		inbox->owes = true;
		inbox->owes_at_once = inbox->owes_at_once || incoming->type == SEAL_HELLO;
	}
	inbox_drop(inbox, incoming);
}

void inbox_deliver(
	struct inbox *inbox, uint64_t now_ns, const struct message_calls *calls, void *context)
{
	while (!inbox->blocked) {
		advance(inbox);
		struct incoming *incoming = first_complete(inbox);
		if (!incoming || deliver_ns(inbox, incoming) > now_ns)
			return;
		int error = incoming->type == SEAL_GIVEN_UP
				    ? 0
				    : calls->deliver(context, incoming->type, incoming->number,
					      incoming->data, incoming->len);
		if (error == -EAGAIN) {
			inbox->blocked = true;
			return;
		}
		if (error) {
			if (error == -EPROTO) /* the store would bring it again for nothing */
				inbox_add_receipts(inbox, incoming);
			inbox_forget(inbox, incoming);
			continue;
		}
		done(inbox, incoming, now_ns);
	}
}

uint64_t inbox_deliver_deadline(const struct inbox *inbox)
{
	const struct incoming *incoming = first_complete(inbox);
	if (inbox->blocked || !incoming)
		return MESSAGE_NEVER;
	return incoming->number < inbox->floor ? 0 : deliver_ns(inbox, incoming);
}

/* The run of fragments that have come around one of them. */
static void add_around(struct ack *ack, const struct incoming *incoming, uint16_t fragment)
{
	uint16_t first = fragment, last = fragment;
	while (first > 0 && inbox_has(incoming, (uint16_t)(first - 1)))
		first--;
	while (last + 1 < incoming->fragments && inbox_has(incoming, (uint16_t)(last + 1)))
		last++;
	ack_add(ack, incoming->number, first, last);
}

static void add_recent(const struct inbox *inbox, struct ack *ack)
{
	for (unsigned i = 0; i < inbox->unacked && i < INBOX_RECENT; i++) {
		uint64_t number = inbox->recent[i].message;
		if (number < inbox->window.base)
			continue;
		if (window_has(&inbox->window, number)) {
			ack_add(ack, number, 0, ACK_WHOLE);
			continue;
		}
		const struct incoming *incoming = inbox_find(inbox, number);
		if (incoming && inbox_has(incoming, inbox->recent[i].fragment))
			add_around(ack, incoming, inbox->recent[i].fragment);
	}
}

static void add_held(const struct inbox *inbox, struct ack *ack)
{
	const struct incoming *incoming;
	for (incoming = TAILQ_FIRST(&inbox->held); incoming;
		incoming = TAILQ_NEXT(incoming, link)) {
		for (uint16_t i = 0; i < incoming->fragments; i++) {
			if (!inbox_has(incoming, i) ||
				(i > 0 && inbox_has(incoming, (uint16_t)(i - 1))))
				continue;
			if (ack->count == ACK_RANGES_MAX)
				return;
			add_around(ack, incoming, i);
		}
	}
}

static void add_done(const struct inbox *inbox, struct ack *ack)
{
	for (uint64_t n = inbox->window.base; n < inbox->window.base + MESSAGE_WINDOW; n++)
		if (window_has(&inbox->window, n))
			ack_add(ack, n, 0, ACK_WHOLE);
}

void inbox_make_ack(struct inbox *inbox, uint64_t now_ns, struct ack *ack)
{
	uint64_t delay_us = (now_ns - inbox->newest_ns) / 1000;

	ack->done = inbox->window.base;
	ack->epoch = inbox->epoch;
	ack->newest = inbox->newest;
	ack->delay_us = inbox->newest == 0      ? 0
			: delay_us > UINT32_MAX ? UINT32_MAX
						: (uint32_t)delay_us;
	ack->count = 0;
	/* What has just come first: it is news; the rest repeats what a lost ack may have said. */
	add_recent(inbox, ack);
	add_held(inbox, ack);
	add_done(inbox, ack);
	inbox->ack_ns = MESSAGE_NEVER;
	inbox->unacked = 0;
}

void inbox_make_stored_ack(const struct inbox *inbox, struct ack *ack)
{
	const struct window *window = &inbox->window;

	ack->done = window->base;
	ack->epoch = inbox->epoch;
	ack->newest = 0;
	ack->delay_us = 0;
	ack->count = 0;
	for (uint64_t n = window->base + MESSAGE_WINDOW; n-- > window->base;)
		if (window_has(window, n))
			ack_add(ack, n, 0, ACK_WHOLE);
}
