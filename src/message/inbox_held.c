#include "src/message/inbox.h"
#include <sodium.h>
#include <stdlib.h>

void inbox_drop(struct inbox *inbox, struct incoming *incoming)
{
	TAILQ_REMOVE(&inbox->held, incoming, link);
	inbox->held_count--;
	inbox->held_bytes -= incoming->size;
	if (incoming->stored) {
		inbox->stored_count--;
		inbox->stored_bytes -= incoming->size;
	}
	free(incoming->frame_ids);
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

/* The same for a stored message. Order is kept: only higher numbers give way, which the relay will
 * send again, as it will this one where there are none. */
static bool make_stored_room(struct inbox *inbox, uint64_t now_ns, uint64_t number, size_t size)
{
	struct incoming *last = TAILQ_LAST(&inbox->held, incoming_list), *before;
	while (inbox->stored_count == INBOX_STORED ||
		inbox->stored_bytes + size > INBOX_STORED_BYTES) {
		while (last && last->number > number && !last->stored)
			last = TAILQ_PREV(last, incoming_list, link);
		if (!last || last->number < number) {
			inbox->stirred_ns = now_ns; /* it comes again, and is no gap */
			return false;
		}
		before = TAILQ_PREV(last, incoming_list, link);
		inbox_forget(inbox, last);
		last = before;
	}
	return true;
}

static struct incoming *create(
	struct inbox *inbox, uint64_t now_ns, bool stored, const struct seal_plain *plain)
{
	uint16_t fragments = get16(plain->frags);
	size_t size =
		fragments == 1 ? get16(plain->len) : (size_t)fragments * SEAL_LARGE_DATA_BYTES;
	if (stored && !make_stored_room(inbox, now_ns, get64(plain->message), size))
		return NULL;
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
	incoming->stored = stored;
	inbox->held_count++;
	inbox->held_bytes += size;
	if (stored) {
		inbox->stored_count++;
		inbox->stored_bytes += size;
	}
	return incoming;
}

struct incoming *inbox_find(const struct inbox *inbox, uint64_t number)
{
	struct incoming *incoming = TAILQ_LAST(&inbox->held, incoming_list);
	while (incoming && incoming->number > number)
		incoming = TAILQ_PREV(incoming, incoming_list, link);
	return incoming && incoming->number == number ? incoming : NULL;
}

struct incoming *inbox_find_or_create(
	struct inbox *inbox, uint64_t now_ns, bool stored, const struct seal_plain *plain)
{
	uint64_t number = get64(plain->message);
	struct incoming *at = inbox_find(inbox, number);
	if (at)
		return at;
	struct incoming *incoming = create(inbox, now_ns, stored, plain);
	if (!incoming)
		return NULL;
	at = TAILQ_LAST(&inbox->held, incoming_list);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not follow TAILQ_REMOVE */
	while (at && at->number > number)
		at = TAILQ_PREV(at, incoming_list, link);
	if (at)
		TAILQ_INSERT_AFTER(&inbox->held, at, incoming, link);
	else
		TAILQ_INSERT_HEAD(&inbox->held, incoming, link);
	return incoming;
}
