#include "src/message/message_peer.h"
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

enum {
	RECORD_VERSION = 2,
	FIRST_RECORD_VERSION = 1, /* without stored messages */
	FIRST_RECORD_BYTES = offsetof(struct message_record, partial),
};

static int read_record(
	const uint8_t *bytes, size_t len, struct message_record *record, struct window *window)
{
	*record = (struct message_record){ .version = RECORD_VERSION,
		.reserved = put64(1),
		.finished = put64(1),
		.base = put64(1) };
	if (len == sizeof *record || (len == FIRST_RECORD_BYTES && *bytes == FIRST_RECORD_VERSION))
		memcpy(record, bytes, len);
	else if (len != 0)
		return -EINVAL;
	if (len == FIRST_RECORD_BYTES)
		record->version = RECORD_VERSION;
	window->base = get64(record->base);
	for (unsigned i = 0; i < MESSAGE_WINDOW / 64; i++)
		window->bits[i] = get64(record->bits[i]);
	if (record->version != RECORD_VERSION || record->owes > 1 || get64(record->reserved) == 0 ||
		get64(record->finished) == 0 || get64(record->finished) > get64(record->reserved) ||
		!window_ok(window))
		return -EINVAL;
	return 0;
}

static void make_record(const struct message_peer *peer, struct message_record *record)
{
	const struct window *window = &peer->inbox.window;
	*record = (struct message_record){
		.version = RECORD_VERSION,
		.owes = peer->owes || peer->ack_flying,
		.run = put32(peer->run),
		.reserved = put64(peer->reserved),
		.finished = put64(peer->live.done),
		.base = put64(window->base),
		.partial = put64(outbox_first_partial(&peer->stored)),
	};
	for (unsigned i = 0; i < MESSAGE_WINDOW / 64; i++)
		record->bits[i] = put64(window->bits[i]);
	ledger_save(&peer->ledger, peer->stored.begun, record->stored);
}

int message_save(struct message_peer *peer)
{
	struct message_record record;
	make_record(peer, &record);
	int error = peer->calls->save(peer->context, (const uint8_t *)&record, sizeof record);
	if (!error) {
		peer->saved = record;
		peer->begun_saved = peer->stored.begun;
	}
	return error;
}

int message_save_marks(struct message_peer *peer, uint64_t now_ns)
{
	struct message_record record;
	make_record(peer, &record);
	if (record.owes <= peer->saved.owes &&
		memcmp(&record.run, &peer->saved.run, sizeof record.run) == 0 &&
		memcmp(&record.base, &peer->saved.base, sizeof record.base + sizeof record.bits) ==
			0)
		return 0;
	int error = message_save(peer);
	if (error)
		peer->save_ns = now_ns + MESSAGE_SAVE_RETRY_NS;
	return error;
}

int message_open(struct message_peer **opened, const struct message_calls *calls, void *context,
	const uint8_t *bytes, size_t len)
{
	struct message_record record;
	struct message_peer *peer;
	struct window window;
	int error = read_record(bytes, len, &record, &window);
	if (error)
		return error;
	peer = calloc(1, sizeof *peer);
	if (!peer)
		return -ENOMEM;
	peer->calls = calls;
	peer->context = context;
	peer->saved = record;
	peer->run = get32(record.run) + 1;
	peer->reserved = get64(record.reserved);
	ledger_init(&peer->ledger, peer->reserved, get64(record.finished), get64(record.partial),
		record.stored);
	outbox_init(&peer->live, &peer->ledger, false, get64(record.finished));
	outbox_init(&peer->stored, &peer->ledger, true, 1);
	peer->stored.begun = peer->begun_saved = peer->ledger.next - 1;
	if (get64(record.partial))
		outbox_notify(&peer->stored, get64(record.partial));
	inbox_init(&peer->inbox, &window, peer->run);
	peer->owes = peer->owed_earlier = record.owes;
	peer->owe_ns = peer->owes ? 0 : MESSAGE_NEVER;
	peer->ack_bound_ns = MESSAGE_STORED_ACK_BOUND_NS;
	*opened = peer;
	return 0;
}

void message_close(struct message_peer *peer)
{
	struct message_record record;
	if (!peer)
		return;
	peer->reserved = peer->ledger.next;
	make_record(peer, &record);
	record.run = peer->saved.run; /* alone no reason to write */
	if (memcmp(&record, &peer->saved, sizeof record) != 0)
		(void)message_save(peer); /* failed: as if the process had died here */
	outbox_wipe(&peer->live);
	outbox_wipe(&peer->stored);
	inbox_wipe(&peer->inbox);
	sodium_memzero(peer, sizeof *peer);
	free(peer);
}

static int reserve(struct message_peer *peer)
{
	if (peer->ledger.next < peer->reserved)
		return 0;
	peer->reserved += MESSAGE_RESERVE;
	int error = message_save(peer);
	if (error)
		peer->reserved -= MESSAGE_RESERVE;
	return error;
}

static int queue(struct message_peer *peer, uint64_t number, enum seal_type type,
	const struct message_way *way, const uint8_t *data, size_t len)
{
	const struct message_way live = { .live = true };
	int error = 0;

	if (way->live)
		error = outbox_add(&peer->live, number, type, &live, data, len);
	if (!error && way->stored) {
		error = message_keep(peer, number, type, way, data, len);
		if (error)
			(void)outbox_cancel(&peer->live, number);
	}
	return error;
}

int message_send_way(struct message_peer *peer, enum seal_type type, const struct message_way *way,
	const uint8_t *data, size_t len, uint64_t *number)
{
	if (type == SEAL_HELLO ? len > SEAL_LARGE_DATA_BYTES : len > SEAL_MESSAGE_BYTES_MAX)
		return -EMSGSIZE;
	if ((type != SEAL_DATA && type != SEAL_HELLO) || (!way->live && !way->stored) ||
		(way->stored && !peer->calls->keep))
		return -EINVAL;
	int error = reserve(peer);
	if (error)
		return error;
	uint64_t used = ledger_use(&peer->ledger, way->stored ? LEDGER_STORED : LEDGER_LIVE);
	error = queue(peer, used, type, way, data, len);
	if (error) {
		ledger_set(&peer->ledger, used, LEDGER_GIVEN_UP);
		return error;
	}
	*number = used;
	return 0;
}

int message_send(struct message_peer *peer, enum seal_type type, const uint8_t *data, size_t len,
	uint64_t *number)
{
	const struct message_way live = { .live = true };
	return message_send_way(peer, type, &live, data, len, number);
}

int message_cancel(struct message_peer *peer, uint64_t number)
{
	if (!outbox_find(&peer->live, number) && !outbox_find(&peer->stored, number))
		return -ENOENT;
	ledger_set(&peer->ledger, number, LEDGER_GIVEN_UP); /* first: the next may be begun now */
	(void)outbox_cancel(&peer->live, number);
	if (outbox_cancel(&peer->stored, number) == 0)
		peer->calls->discard(peer->context, number);
	return 0;
}

static void add_backlog(const struct outbox *outbox, struct message_backlog *backlog)
{
	const struct outgoing *message;
	for (message = TAILQ_FIRST(&outbox->queue); message; message = TAILQ_NEXT(message, link))
		backlog->messages += message->type == SEAL_DATA;
	backlog->bytes += outbox->bytes;
}

struct message_backlog message_backlog(const struct message_peer *peer)
{
	struct message_backlog backlog = { 0, 0 };
	add_backlog(&peer->live, &backlog);
	add_backlog(&peer->stored, &backlog);
	return backlog;
}
