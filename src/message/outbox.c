#include "src/message/outbox.h"
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

void outbox_init(struct outbox *outbox, struct ledger *ledger, bool stored, uint64_t done)
{
	memset(outbox, 0, sizeof *outbox);
	TAILQ_INIT(&outbox->queue);
	TAILQ_INIT(&outbox->finished);
	TAILQ_INIT(&outbox->expired);
	TAILQ_INIT(&outbox->on_the_way);
	recovery_init(&outbox->recovery);
	outbox->ledger = ledger;
	outbox->stored = stored;
	outbox->done = done;
	outbox->lost_ns = MESSAGE_NEVER;
}

void outbox_free(struct outgoing *message)
{
	if (message->data)
		sodium_memzero(message->data, message->len);
	free(message->data);
	free(message->fragment);
	free(message);
}

static void free_all(struct outgoing_list *list)
{
	struct outgoing *message, *next;
	for (message = TAILQ_FIRST(list); message; message = next) {
		next = TAILQ_NEXT(message, link);
		outbox_free(message);
	}
	TAILQ_INIT(list);
}

void outbox_wipe(struct outbox *outbox)
{
	free_all(&outbox->queue);
	free_all(&outbox->finished);
	free_all(&outbox->expired);
}

/* What the recipient sets aside for a message: its bytes, or all fragments as full ones. */
static size_t held_bytes(const struct outgoing *message)
{
	return message->fragments == 1 ? message->len
				       : (size_t)message->fragments * SEAL_LARGE_DATA_BYTES;
}

/* The recipient's memory and window reach so far. Stored messages: a large one goes alone. */
static bool may_open(const struct outbox *outbox, const struct outgoing *message)
{
	const struct outgoing *first = TAILQ_FIRST(&outbox->queue);
	bool alone = outbox->stored && (first->fragments > 1 || message->fragments > 1);

	return outbox->open < MESSAGE_OPEN && message->number - first->number < MESSAGE_WINDOW &&
	       outbox->open_bytes + held_bytes(message) <= MESSAGE_OPEN_BYTES &&
	       !(alone && outbox->open > 0);
}

static void open_more(struct outbox *outbox)
{
	struct outgoing *message = TAILQ_FIRST(&outbox->queue);
	while (message && message->open)
		message = TAILQ_NEXT(message, link);
	for (; message && may_open(outbox, message); message = TAILQ_NEXT(message, link)) {
		message->open = true;
		if (message->type != SEAL_ACK && message->number > outbox->begun)
			outbox->begun = message->number;
		if (!outbox->stored && message->type != SEAL_ACK)
			message->skip = ledger_skip(outbox->ledger, message->number, false);
		outbox->open++;
		outbox->open_bytes += held_bytes(message);
		outbox->waiting += message->waiting;
	}
}

static void name_frames(const struct outbox *outbox, struct outgoing *message)
{
	if (message->type != SEAL_ACK)
		message->skip = ledger_skip(outbox->ledger, message->number, true);
	for (size_t i = 0; i < message->fragments; i++)
		randombytes_buf(&message->fragment[i].sent.frame_id,
			sizeof message->fragment[i].sent.frame_id);
}

struct outgoing *outbox_make(const struct outbox *outbox, uint64_t number, enum seal_type type,
	const struct message_way *way, const uint8_t *data, size_t len)
{
	size_t fragments = (len + SEAL_LARGE_DATA_BYTES - 1) / SEAL_LARGE_DATA_BYTES;
	if (fragments == 0)
		fragments = 1;
	struct outgoing *message = calloc(1, sizeof *message);
	if (!message)
		return NULL;
	message->data = data && len ? malloc(len) : NULL;
	message->fragment = calloc(fragments, sizeof *message->fragment);
	if ((data && len && !message->data) || !message->fragment) {
		outbox_free(message);
		return NULL;
	}
	message->len = len;
	if (message->data)
		memcpy(message->data, data, len);
	message->number = number;
	message->type = type;
	message->way = *way;
	message->fragments = message->waiting = (uint16_t)fragments;
	for (size_t i = 0; i < fragments; i++) {
		message->fragment[i].message = message;
		message->fragment[i].index = (uint16_t)i;
	}
	if (outbox->stored)
		name_frames(outbox, message);
	return message;
}

void outbox_insert(struct outbox *outbox, struct outgoing *message)
{
	TAILQ_INSERT_TAIL(&outbox->queue, message, link);
	outbox->messages++;
	outbox->bytes += message->len;
	open_more(outbox);
}

int outbox_add(struct outbox *outbox, uint64_t number, enum seal_type type,
	const struct message_way *way, const uint8_t *data, size_t len)
{
	struct outgoing *message = outbox_make(outbox, number, type, way, data, len);
	if (!message)
		return -ENOMEM;
	outbox_insert(outbox, message);
	return 0;
}

void outbox_set_kept(struct outgoing *message)
{
	if (message->data)
		sodium_memzero(message->data, message->len);
	free(message->data);
	message->data = NULL;
	message->kept = true;
}

void outbox_replace(struct outbox *outbox, struct outgoing *message, struct outgoing *by)
{
	TAILQ_INSERT_AFTER(&outbox->queue, message, by, link);
	outbox->messages++;
	outbox->bytes += by->len;
	if (message->open) {
		by->open = true;
		outbox->open++;
		outbox->open_bytes += held_bytes(by);
		outbox->waiting += by->waiting;
	}
	outbox_take_out(outbox, message);
	outbox_free(message);
}

size_t outbox_data_bytes(const struct fragment *fragment)
{
	size_t before = (size_t)fragment->index * SEAL_LARGE_DATA_BYTES;
	size_t left = fragment->message->len - before;
	return left < SEAL_LARGE_DATA_BYTES ? left : SEAL_LARGE_DATA_BYTES;
}

uint64_t outbox_frame_bytes(const struct fragment *fragment)
{
	return outbox_data_bytes(fragment) <= SEAL_SMALL_DATA_BYTES ? WIRE_SMALL_BYTES
								    : WIRE_LARGE_BYTES;
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

struct outgoing *outbox_find(const struct outbox *outbox, uint64_t number)
{
	struct outgoing *message;
	for (message = TAILQ_FIRST(&outbox->queue); message; message = TAILQ_NEXT(message, link))
		if (message->number == number &&
			(message->type == SEAL_DATA || message->type == SEAL_HELLO))
			return message;
	return NULL;
}

int outbox_cancel(struct outbox *outbox, uint64_t number)
{
	struct outgoing *message = outbox_find(outbox, number);
	if (!message)
		return -ENOENT;
	outbox_take_out(outbox, message);
	outbox_free(message);
	return 0;
}

uint64_t outbox_pop_finished(struct outbox *outbox)
{
	struct outgoing *message = TAILQ_FIRST(&outbox->finished);
	if (!message)
		return 0;
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not follow TAILQ_REMOVE */
	uint64_t number = message->number;
	TAILQ_REMOVE(&outbox->finished, message, link);
	outbox_free(message);
	return number;
}

uint64_t outbox_floor(const struct outbox *outbox)
{
	return ledger_floor(outbox->ledger, outbox->done);
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
