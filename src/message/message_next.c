#include "src/message/message_peer.h"
#include <sodium.h>

static bool save_now(struct message_peer *peer, uint64_t now_ns)
{
	if (peer->save_ns > now_ns)
		return false;
	if (message_save(peer) == 0)
		return true;
	peer->save_ns = now_ns + MESSAGE_SAVE_RETRY_NS;
	return false;
}

/* ---- What became of stored messages ---- */

void message_report_accepted(struct message_peer *peer, uint64_t now_ns)
{
	struct outgoing *message;

	while ((message = TAILQ_FIRST(&peer->stored.finished))) {
		enum seal_type type = message->type;
		bool kept = message->kept;
		/* that it was given up, and is not at the relay, is on disk nowhere else */
		if (type == SEAL_GIVEN_UP && kept && !save_now(peer, now_ns))
			return;
		uint64_t number = outbox_pop_finished(&peer->stored);
		if (type == SEAL_ACK) {
			peer->ack_flying = peer->owed_earlier = false;
		} else if (type != SEAL_GIVEN_UP) {
			(void)outbox_cancel(&peer->live, number);
			peer->calls->accepted(peer->context, number);
		}
		if (kept)
			peer->calls->discard(peer->context, number);
	}
}

/* The application may drop a message when it hears that: the row is looked at from the start. */
static void report_late(struct message_peer *peer, uint64_t now_ns)
{
	uint64_t number;

	while ((number = outbox_late(&peer->stored, now_ns, peer->heard_ns)))
		peer->calls->not_accepted(peer->context, number);
}

static void take_expired(struct message_peer *peer, uint64_t now_ns)
{
	struct outgoing *message, *next;

	outbox_expire(&peer->stored, now_ns, peer->heard_ns);
	for (message = TAILQ_FIRST(&peer->stored.expired); message; message = next) {
		next = TAILQ_NEXT(message, link);
		TAILQ_REMOVE(&peer->stored.expired, message, link);
		/* an ack: with the next session, or the next delivery */
		peer->ack_flying = false;
		peer->owes = true;
		peer->owe_ns = MESSAGE_NEVER;
		outbox_free(message);
	}
}

/* The contact gives up what lies so far below a stored message; it would not say that it did. */
static void give_up_old_live(struct message_peer *peer)
{
	const struct outgoing *first;

	while ((first = TAILQ_FIRST(&peer->live.queue)) &&
		first->number + MESSAGE_WINDOW <= peer->stored.begun) {
		uint64_t number = first->number;
		(void)message_cancel(peer, number);
		peer->calls->not_accepted(peer->context, number);
	}
}

/* ---- Acknowledgements ---- */

static void fill_ack(struct message_peer *peer, uint64_t now_ns, struct message_frame *frame)
{
	struct ack ack = { .floor = outbox_floor(&peer->live) };
	uint8_t data[SEAL_LARGE_DATA_BYTES];

	inbox_make_ack(&peer->inbox, now_ns, &ack);
	size_t len = ack_write(&ack, data);
	frame->plain_len = seal_plain_bytes(len);
	frame->way = (struct message_way){ .live = true };
	frame->kept = false;
	memset(frame->bytes, 0, frame->plain_len);
	frame->plain.type = SEAL_ACK;
	frame->plain.frags = put16(1);
	frame->plain.len = put16((uint16_t)len);
	memcpy(frame->plain.data, data, len);
	randombytes_buf(&frame->frame_id, sizeof frame->frame_id);
	peer->live.announced = ack.floor;
}

static bool next_live_ack(struct message_peer *peer, uint64_t now_ns, struct message_frame *frame)
{
	bool due = peer->inbox.ack_ns <= now_ns || outbox_floor_due(&peer->live);

	if (!due || peer->save_ns > now_ns || message_save_marks(peer, now_ns))
		return false;
	fill_ack(peer, now_ns, frame);
	return true;
}

/* Puts a stored ack into the outbox when one is due. */
static void compose_stored_ack(struct message_peer *peer, uint64_t now_ns)
{
	const struct message_way way = { .stored = true, .accept_ns = MESSAGE_ACCEPT_NS };
	struct ack ack = { .floor = outbox_floor(&peer->live) };
	uint8_t data[SEAL_LARGE_DATA_BYTES];
	size_t len;

	if (!peer->owes || peer->ack_flying)
		return;
	if (peer->owe_ns == 0)
		peer->owe_ns = now_ns + randombytes_uniform(
						(uint32_t)(MESSAGE_STORED_ACK_EARLIER_NS / 1000)) *
						UINT64_C(1000);
	if (peer->owe_ns > now_ns || peer->save_ns > now_ns || message_save_marks(peer, now_ns))
		return;
	inbox_make_stored_ack(&peer->inbox, &ack);
	len = ack_write(&ack, data);
	if (outbox_add(&peer->stored, peer->ledger.next, SEAL_ACK, &way, data, len)) {
		peer->owe_ns = now_ns + MESSAGE_SAVE_RETRY_NS; /* memory is short */
		return;
	}
	peer->owes = false;
	peer->ack_flying = true;
	peer->owe_ns = MESSAGE_NEVER;
}

/* ---- The next frame ---- */

/* That something of a message may be at the relay is on disk before it is. */
static bool begun_unsaved(const struct message_peer *peer)
{
	return peer->stored.waiting > 0 && peer->stored.begun > peer->begun_saved;
}

static bool next_stored(struct message_peer *peer, uint64_t now_ns, struct message_frame *frame)
{
	if (begun_unsaved(peer) && !save_now(peer, now_ns))
		return false;
	return outbox_next(&peer->stored, now_ns, frame);
}

bool message_next(struct message_peer *peer, uint64_t now_ns, struct message_frame *frame)
{
	inbox_deliver(&peer->inbox, now_ns, peer->calls, peer->context);
	message_note_delivered(peer, now_ns);
	outbox_tick(&peer->live, now_ns);
	outbox_tick(&peer->stored, now_ns);
	message_report_accepted(peer, now_ns);
	take_expired(peer, now_ns);
	report_late(peer, now_ns);
	give_up_old_live(peer);
	compose_stored_ack(peer, now_ns);
	return next_live_ack(peer, now_ns, frame) || outbox_next(&peer->live, now_ns, frame) ||
	       next_stored(peer, now_ns, frame);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t stored_deadline(const struct message_peer *peer)
{
	uint64_t due_ns = outbox_deadline(&peer->stored);

	if (begun_unsaved(peer))
		due_ns = later(due_ns, peer->save_ns);
	if (!TAILQ_EMPTY(&peer->stored.finished))
		due_ns = earlier(due_ns, peer->save_ns);
	if (peer->owes && !peer->ack_flying)
		due_ns = earlier(due_ns, later(peer->owe_ns, peer->save_ns));
	return earlier(due_ns, outbox_expiry(&peer->stored, peer->heard_ns));
}

uint64_t message_deadline(const struct message_peer *peer)
{
	uint64_t ack_ns = outbox_floor_due(&peer->live) ? 0 : peer->inbox.ack_ns;

	ack_ns = later(ack_ns, peer->save_ns);
	ack_ns = earlier(ack_ns, inbox_deliver_deadline(&peer->inbox));
	ack_ns = earlier(ack_ns, outbox_deadline(&peer->live));
	ack_ns = earlier(ack_ns, message_receipt_deadline(peer));
	return earlier(ack_ns, stored_deadline(peer));
}

void message_relay_heard(struct message_peer *peer, uint64_t heard_ns)
{
	peer->heard_ns = heard_ns;
}

bool message_owes_earlier(const struct message_peer *peer)
{
	return peer->owed_earlier;
}

void message_set_stored_ack_bound(struct message_peer *peer, uint64_t bound_ns)
{
	peer->ack_bound_ns = bound_ns;
}
