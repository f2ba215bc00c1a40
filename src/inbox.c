#include "inbox.h"
#include <errno.h>
#include <sodium.h>
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

void inbox_drop(struct inbox *inbox, struct incoming *incoming)
{
	TAILQ_REMOVE(&inbox->held, incoming, link);
	inbox->held_count--;
	inbox->held_bytes -= incoming->size;
	if (incoming->data)
		sodium_memzero(incoming->data, incoming->size);
	free(incoming->data);
	free(incoming);
}

void inbox_forget(struct inbox *inbox, struct incoming *incoming)
{
	inbox_drop(inbox, incoming);
	inbox->epoch++;
}

void inbox_wipe(struct inbox *inbox)
{
	struct incoming *incoming, *next;
	for (incoming = TAILQ_FIRST(&inbox->held); incoming; incoming = next) {
		next = TAILQ_NEXT(incoming, link);
		inbox_drop(inbox, incoming);
	}
}

static struct incoming *untouched_longest(const struct inbox *inbox)
{
	struct incoming *oldest = TAILQ_FIRST(&inbox->held), *other;
	for (other = TAILQ_FIRST(&inbox->held); other; other = TAILQ_NEXT(other, link))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not follow TAILQ_REMOVE */
		if (other->touched_ns < oldest->touched_ns)
			oldest = other;
	return oldest;
}

/* Makes room for size bytes by dropping what was touched longest ago. */
static void make_room(struct inbox *inbox, size_t size)
{
	while (inbox->held_count == MESSAGE_HELD || inbox->held_bytes + size > MESSAGE_HELD_BYTES)
		inbox_forget(inbox, untouched_longest(inbox));
}

static struct incoming *create(struct inbox *inbox, const struct seal_plain *plain)
{
	uint16_t fragments = get16(plain->frags);
	size_t size =
		fragments == 1 ? get16(plain->len) : (size_t)fragments * SEAL_LARGE_DATA_BYTES;
	make_room(inbox, size);
	struct incoming *incoming = calloc(1, sizeof *incoming);
	if (!incoming)
		return NULL;
	if (size > 0 && !(incoming->data = malloc(size))) {
		free(incoming);
		return NULL;
	}
	incoming->number = get64(plain->message);
	incoming->type = (enum seal_type)plain->type;
	incoming->fragments = incoming->missing = fragments;
	incoming->size = size;
	incoming->quiet_ns = MESSAGE_NEVER;
	inbox->held_count++;
	inbox->held_bytes += size;
	return incoming;
}

struct incoming *inbox_find(const struct inbox *inbox, uint64_t number)
{
	struct incoming *incoming = TAILQ_LAST(&inbox->held, incoming_list);
	while (incoming && incoming->number > number)
		incoming = TAILQ_PREV(incoming, incoming_list, link);
	return incoming && incoming->number == number ? incoming : NULL;
}

/* The message of that number, made if it is new. */
static struct incoming *find_or_create(struct inbox *inbox, const struct seal_plain *plain)
{
	uint64_t number = get64(plain->message);
	struct incoming *at = inbox_find(inbox, number);
	if (at)
		return at;
	struct incoming *incoming = create(inbox, plain);
	if (!incoming)
		return NULL;
	at = TAILQ_LAST(&inbox->held, incoming_list);
	while (at && at->number > number)
		at = TAILQ_PREV(at, incoming_list, link);
	if (at)
		TAILQ_INSERT_AFTER(&inbox->held, at, incoming, link);
	else
		TAILQ_INSERT_HEAD(&inbox->held, incoming, link);
	return incoming;
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

int inbox_add(
	struct inbox *inbox, uint64_t now_ns, uint64_t frame_id, const struct seal_plain *plain)
{
	uint64_t number = get64(plain->message);
	uint16_t fragment = get16(plain->frag);

	if (!window_reaches(&inbox->window, number))
		return 0; /* until the sender's floor brings it within reach */
	if (window_has(&inbox->window, number)) {
		owe_ack(inbox, now_ns, frame_id, plain);
		ack_by(inbox, now_ns);
		return 0;
	}
	struct incoming *incoming = find_or_create(inbox, plain);
	if (!incoming)
		return -ENOMEM;
	if (incoming->fragments != get16(plain->frags) || incoming->type != plain->type ||
		(incoming->fragments == 1 && incoming->size != get16(plain->len)))
		return -EPROTO;
	incoming->touched_ns = now_ns;
	for (struct incoming *higher = TAILQ_NEXT(incoming, link); higher;
		higher = TAILQ_NEXT(higher, link))
		if (higher->missing == 0)
			higher->quiet_ns = now_ns;
	owe_ack(inbox, now_ns, frame_id, plain);
	if (inbox_has(incoming, fragment))
		ack_by(inbox, now_ns);
	else
		take(incoming, now_ns, plain);
	if (incoming->missing == 0)
		ack_by(inbox, now_ns);
	return 0;
}

void inbox_set_floor(struct inbox *inbox, uint64_t floor)
{
	if (floor > inbox->floor)
		inbox->floor = floor;
}
