#include "message.h"
#include "inbox.h"
#include "outbox.h"
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#define SAVE_RETRY_NS UINT64_C(1000000000)

/* What save() is given. */
struct record {
	uint8_t version, zero[3];
	le32 run;      /* of this device with this contact; grows with each message_open() */
	le64 reserved; /* own numbers below may have been used */
	le64 finished; /* the contact is done with all own numbers below */
	le64 base;     /* struct window of the contact's numbers */
	le64 bits[MESSAGE_WINDOW / 64];
};
_Static_assert(sizeof(struct record) == MESSAGE_RECORD_BYTES, "record layout");
enum { RECORD_VERSION = 1 };

struct message_peer {
	const struct message_calls *calls;
	void *context;
	struct record saved;
	uint32_t run;
	uint64_t reserved;
	uint64_t save_ns; /* save() has failed: not again before */
	struct outbox outbox;
	struct inbox inbox;
};

static int read_record(
	const uint8_t *bytes, size_t len, struct record *record, struct window *window)
{
	if (len == 0)
		*record = (struct record){ .version = RECORD_VERSION,
			.reserved = put64(1),
			.finished = put64(1),
			.base = put64(1) };
	else if (len == sizeof *record)
		memcpy(record, bytes, sizeof *record);
	else
		return -EINVAL;
	window->base = get64(record->base);
	for (unsigned i = 0; i < MESSAGE_WINDOW / 64; i++)
		window->bits[i] = get64(record->bits[i]);
	if (record->version != RECORD_VERSION || get64(record->reserved) == 0 ||
		get64(record->finished) == 0 || get64(record->finished) > get64(record->reserved) ||
		!window_ok(window))
		return -EINVAL;
	return 0;
}

static void make_record(const struct message_peer *peer, struct record *record)
{
	const struct window *window = &peer->inbox.window;
	*record = (struct record){
		.version = RECORD_VERSION,
		.run = put32(peer->run),
		.reserved = put64(peer->reserved),
		.finished = put64(peer->outbox.done),
		.base = put64(window->base),
	};
	for (unsigned i = 0; i < MESSAGE_WINDOW / 64; i++)
		record->bits[i] = put64(window->bits[i]);
}

static int save(struct message_peer *peer)
{
	struct record record;
	make_record(peer, &record);
	int error = peer->calls->save(peer->context, (const uint8_t *)&record, sizeof record);
	if (!error)
		peer->saved = record;
	return error;
}

/* What the contact may be told is on disk: which of its numbers are done, and the run. */
static int save_before_ack(struct message_peer *peer, uint64_t now_ns)
{
	struct record record;
	make_record(peer, &record);
	if (memcmp(&record.run, &peer->saved.run, sizeof record.run) == 0 &&
		memcmp(&record.base, &peer->saved.base, sizeof record.base + sizeof record.bits) ==
			0)
		return 0;
	int error = save(peer);
	if (error)
		peer->save_ns = now_ns + SAVE_RETRY_NS;
	return error;
}

int message_open(struct message_peer **peer, const struct message_calls *calls, void *context,
	const uint8_t *bytes, size_t len)
{
	struct record record;
	struct window window;
	int error = read_record(bytes, len, &record, &window);
	if (error)
		return error;
	*peer = calloc(1, sizeof **peer);
	if (!*peer)
		return -ENOMEM;
	(*peer)->calls = calls;
	(*peer)->context = context;
	(*peer)->saved = record;
	(*peer)->run = get32(record.run) + 1;
	(*peer)->reserved = get64(record.reserved);
	outbox_init(&(*peer)->outbox, (*peer)->reserved, get64(record.finished));
	inbox_init(&(*peer)->inbox, &window, (*peer)->run);
	return 0;
}

void message_close(struct message_peer *peer)
{
	struct record record;
	if (!peer)
		return;
	peer->reserved = peer->outbox.next;
	make_record(peer, &record);
	record.run = peer->saved.run; /* alone no reason to write */
	if (memcmp(&record, &peer->saved, sizeof record) != 0)
		(void)save(peer); /* failed: as if the process had died here */
	outbox_wipe(&peer->outbox);
	inbox_wipe(&peer->inbox);
	sodium_memzero(peer, sizeof *peer);
	free(peer);
}

int message_send(struct message_peer *peer, enum seal_type type, const uint8_t *data, size_t len,
	uint64_t *number)
{
	if (type == SEAL_HELLO ? len > SEAL_LARGE_DATA_BYTES : len > SEAL_MESSAGE_BYTES_MAX)
		return -EMSGSIZE;
	if (type != SEAL_DATA && type != SEAL_HELLO)
		return -EINVAL;
	if (peer->outbox.next == peer->reserved) {
		peer->reserved += MESSAGE_RESERVE;
		int error = save(peer);
		if (error) {
			peer->reserved -= MESSAGE_RESERVE;
			return error;
		}
	}
	int error = outbox_add(&peer->outbox, type, data, len);
	if (!error)
		*number = peer->outbox.next - 1;
	return error;
}

int message_cancel(struct message_peer *peer, uint64_t number)
{
	return outbox_cancel(&peer->outbox, number);
}

struct message_backlog message_backlog(const struct message_peer *peer)
{
	return (struct message_backlog){ peer->outbox.messages, peer->outbox.bytes };
}

static int receive_ack(struct message_peer *peer, uint64_t now_ns, const struct seal_plain *plain)
{
	struct ack ack;
	uint64_t number;
	int error = ack_parse(plain->data, get16(plain->len), &ack);
	if (error)
		return error;
	inbox_set_floor(&peer->inbox, ack.floor);
	outbox_ack(&peer->outbox, &ack, now_ns);
	while ((number = outbox_pop_finished(&peer->outbox)))
		peer->calls->acknowledged(peer->context, number);
	return 0;
}

int message_receive(struct message_peer *peer, uint64_t now_ns, uint64_t frame_id,
	const struct seal_plain *plain)
{
	int error = plain->type == SEAL_ACK ? receive_ack(peer, now_ns, plain)
					    : inbox_add(&peer->inbox, now_ns, frame_id, plain);
	if (error)
		return error;
	/* Who writes is there: what it has not acknowledged for long may reach it now. */
	if (peer->outbox.recovery.timeouts >= 2 && plain->type != SEAL_ACK)
		outbox_probe(&peer->outbox, now_ns);
	inbox_deliver(&peer->inbox, now_ns, peer->calls, peer->context);
	return 0;
}

void message_offer(struct message_peer *peer, uint64_t now_ns)
{
	peer->inbox.blocked = false;
	inbox_deliver(&peer->inbox, now_ns, peer->calls, peer->context);
}

static void fill_ack(struct message_peer *peer, uint64_t now_ns, struct message_frame *frame)
{
	struct ack ack = { .floor = outbox_floor(&peer->outbox) };
	uint8_t data[SEAL_LARGE_DATA_BYTES];

	inbox_make_ack(&peer->inbox, now_ns, &ack);
	size_t len = ack_write(&ack, data);
	frame->plain_len = seal_plain_bytes(len);
	memset(frame->bytes, 0, frame->plain_len);
	frame->plain.type = SEAL_ACK;
	frame->plain.frags = put16(1);
	frame->plain.len = put16((uint16_t)len);
	memcpy(frame->plain.data, data, len);
	randombytes_buf(&frame->frame_id, sizeof frame->frame_id);
	peer->outbox.announced = ack.floor;
}

bool message_next(struct message_peer *peer, uint64_t now_ns, struct message_frame *frame)
{
	inbox_deliver(&peer->inbox, now_ns, peer->calls, peer->context);
	outbox_tick(&peer->outbox, now_ns);
	bool ack_due = peer->inbox.ack_ns <= now_ns || outbox_floor_due(&peer->outbox);
	if (ack_due && peer->save_ns <= now_ns && save_before_ack(peer, now_ns) == 0) {
		fill_ack(peer, now_ns, frame);
		return true;
	}
	return outbox_next(&peer->outbox, now_ns, frame);
}

uint64_t message_deadline(const struct message_peer *peer)
{
	uint64_t ack_ns = outbox_floor_due(&peer->outbox) ? 0 : peer->inbox.ack_ns;
	if (ack_ns < peer->save_ns)
		ack_ns = peer->save_ns;
	uint64_t other_ns = inbox_deliver_deadline(&peer->inbox);
	if (outbox_deadline(&peer->outbox) < other_ns)
		other_ns = outbox_deadline(&peer->outbox);
	return ack_ns < other_ns ? ack_ns : other_ns;
}

void message_path_restored(struct message_peer *peer, uint64_t now_ns)
{
	outbox_probe(&peer->outbox, now_ns);
}
