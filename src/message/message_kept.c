#include "src/message/message_peer.h"
#include <errno.h>

/* Sealed and on disk first: what is in the outbox may be sent. */
static int keep(struct message_peer *peer, struct outgoing *message)
{
	int error = peer->calls->keep(peer->context, message->number, message->fragments, message);

	if (!error)
		outbox_set_kept(message);
	return error;
}

int message_keep(struct message_peer *peer, uint64_t number, enum seal_type type,
	const struct message_way *way, const uint8_t *data, size_t len)
{
	struct message_way stored = *way;
	struct outgoing *message;
	int error;

	stored.live = false;
	message = outbox_make(&peer->stored, number, type, &stored, data, len);
	if (!message)
		return -ENOMEM;
	error = keep(peer, message);
	if (error)
		outbox_free(message);
	else
		outbox_insert(&peer->stored, message);
	return error;
}

/* As far as it matters for windows and bounds: the cells are known, the bytes in them are not. */
static size_t len_of(const struct message_kept *kept)
{
	size_t last = kept->small_end ? SEAL_SMALL_DATA_BYTES : SEAL_LARGE_DATA_BYTES;

	if (kept->type == SEAL_GIVEN_UP)
		return 0;
	return (size_t)(kept->fragments - 1) * SEAL_LARGE_DATA_BYTES + last;
}

static bool kept_ok(const struct message_peer *peer, const struct message_kept *kept)
{
	const struct outgoing *last = TAILQ_LAST(&peer->stored.queue, outgoing_list);

	if (kept->type != SEAL_DATA && kept->type != SEAL_HELLO && kept->type != SEAL_GIVEN_UP)
		return false;
	if (kept->fragments == 0 || kept->fragments > SEAL_FRAGMENTS_MAX ||
		(kept->fragments > 1 && kept->type != SEAL_DATA))
		return false;
	return kept->number > 0 && kept->number < peer->reserved &&
	       !(last && kept->number <= last->number);
}

/* The bit of a message that was not begun is not in the record yet; it has to be there before a
 * frame goes out, or a later run would take the number for given up once nothing is kept of it. */
static void mark(struct message_peer *peer, uint64_t number)
{
	unsigned bit = number % MESSAGE_WINDOW;

	ledger_restore(&peer->ledger, number);
	if (!(get64(peer->saved.stored[bit / 64]) >> bit % 64 & 1))
		peer->begun_saved = 0;
}

int message_restore(struct message_peer *peer, const struct message_kept *kept)
{
	const struct message_way way = { .stored = true,
		.accept_ns = kept->type == SEAL_DATA ? MESSAGE_ACCEPT_NS : 0 };
	struct outgoing *message;

	if (!kept_ok(peer, kept))
		return -EINVAL;
	if (kept->number < peer->live.done)
		return -EALREADY;
	message = outbox_make(&peer->stored, kept->number, kept->type, &way, NULL, len_of(kept));
	if (!message)
		return -ENOMEM;
	for (uint16_t i = 0; i < kept->fragments; i++)
		message->fragment[i].sent.frame_id = kept->frame_ids[i];
	outbox_set_kept(message);
	if (kept->type == SEAL_GIVEN_UP)
		ledger_set(&peer->ledger, kept->number, LEDGER_GIVEN_UP);
	else
		mark(peer, kept->number);
	outbox_insert(&peer->stored, message);
	return 0;
}

int message_drop(struct message_peer *peer, uint64_t number)
{
	struct outgoing *message = outbox_find(&peer->stored, number), *notice;
	int error;

	if (!message || !message->kept)
		return -ENOENT;
	notice = outbox_make_notice(&peer->stored, number);
	if (!notice)
		return -ENOMEM;
	error = keep(peer, notice);
	if (error) {
		outbox_free(notice);
		return error;
	}
	ledger_set(&peer->ledger, number, LEDGER_GIVEN_UP);
	(void)outbox_cancel(&peer->live, number);
	outbox_replace(&peer->stored, message, notice);
	return 0;
}

uint64_t message_kept_hello(const struct message_peer *peer)
{
	const struct outgoing *message;

	for (message = TAILQ_FIRST(&peer->stored.queue); message;
		message = TAILQ_NEXT(message, link))
		if (message->type == SEAL_HELLO)
			return message->number;
	return 0;
}

int message_repeat_live(struct message_peer *peer, uint64_t number, const uint8_t *data, size_t len)
{
	const struct message_way live = { .live = true };

	return outbox_add(&peer->live, number, SEAL_HELLO, &live, data, len);
}
