#include "src/message/message_peer.h"
#include <sodium.h>

/* The contact is done with one of ours. */
static void acknowledged(struct message_peer *peer, uint64_t number)
{
	bool queued = outbox_cancel(&peer->stored, number) == 0;

	(void)outbox_cancel(&peer->live, number);
	ledger_set(&peer->ledger, number, LEDGER_SETTLED);
	if (queued) /* it has come by the relay, though `accepted` was lost, or live */
		peer->calls->accepted(peer->context, number);
	peer->calls->acknowledged(peer->context, number);
	if (queued)
		peer->calls->discard(peer->context, number);
}

static void stored_acknowledged(struct message_peer *peer, uint64_t number)
{
	if (ledger_get(&peer->ledger, number) == LEDGER_STORED)
		acknowledged(peer, number);
}

static int receive_ack(struct message_peer *peer, uint64_t now_ns, const struct seal_plain *plain)
{
	struct ack ack;
	uint64_t number;
	int error = ack_parse(plain->data, get16(plain->len), &ack);
	if (error)
		return error;
	inbox_set_floor(&peer->inbox, ack.floor);
	outbox_ack(&peer->live, &ack, now_ns);
	while ((number = outbox_pop_finished(&peer->live)))
		acknowledged(peer, number);
	while (peer->ledger.lowest < ack.done && peer->ledger.lowest < peer->ledger.next) {
		uint64_t lowest = peer->ledger.lowest;
		stored_acknowledged(peer, lowest);
		if (peer->ledger.lowest == lowest) /* a live one that was not begun: it can't be */
			break;
	}
	for (unsigned i = 0; i < ack.count; i++)
		if (ack.ranges[i].last == ACK_WHOLE)
			stored_acknowledged(peer, ack.ranges[i].message);
	return 0;
}

void message_note_delivered(struct message_peer *peer, uint64_t now_ns)
{
	uint64_t delay_ns = 0, spread_ns = peer->ack_bound_ns;

	if (!peer->inbox.owes)
		return;
	if (spread_ns > MESSAGE_STORED_ACK_MIN_NS) {
		delay_ns = MESSAGE_STORED_ACK_MIN_NS;
		spread_ns -= delay_ns;
	}
	peer->owes = true;
	if (peer->inbox.owes_at_once)
		peer->owe_ns = now_ns;
	else if (peer->owe_ns == MESSAGE_NEVER)
		peer->owe_ns =
			now_ns + delay_ns +
			randombytes_uniform((uint32_t)(spread_ns / 1000) + 1) * UINT64_C(1000);
	peer->inbox.owes = peer->inbox.owes_at_once = false;
}

static int receive(struct message_peer *peer, uint64_t now_ns, uint64_t frame_id, bool stored,
	const struct seal_plain *plain)
{
	int error = 0;

	if (plain->type == SEAL_ACK)
		error = receive_ack(peer, now_ns, plain);
	else if (plain->type != SEAL_GIVEN_UP || stored) /* nobody gives up live ones so */
		error = inbox_add(&peer->inbox, now_ns, frame_id, stored, plain);
	if (error)
		return error;
	inbox_deliver(&peer->inbox, now_ns, peer->calls, peer->context);
	message_note_delivered(peer, now_ns);
	return 0;
}

int message_receive(struct message_peer *peer, uint64_t now_ns, uint64_t frame_id,
	const struct seal_plain *plain)
{
	int error = receive(peer, now_ns, frame_id, false, plain);

	/* Who writes is there: what it has not acknowledged for long may reach it now. */
	if (!error && peer->live.recovery.timeouts >= 2 && plain->type != SEAL_ACK)
		outbox_probe(&peer->live, now_ns);
	return error;
}

int message_receive_stored(struct message_peer *peer, uint64_t now_ns, uint64_t frame_id,
	const struct seal_plain *plain)
{
	int error = receive(peer, now_ns, frame_id, true, plain);

	/* repeating it changes nothing */
	if (!error && plain->type == SEAL_ACK)
		receipts_add(&peer->inbox.receipts, frame_id);
	return error;
}

bool message_receipt(struct message_peer *peer, uint64_t now_ns, uint64_t *frame_id)
{
	struct receipts *receipts = &peer->inbox.receipts;

	if (receipts->count > receipts->durable && peer->save_ns <= now_ns &&
		message_save_marks(peer, now_ns) == 0)
		receipts_release(receipts);
	return receipts_pop(receipts, now_ns, frame_id);
}

uint64_t message_receipt_deadline(const struct message_peer *peer)
{
	const struct receipts *receipts = &peer->inbox.receipts;
	uint64_t due_ns = receipts_deadline(receipts);

	if (receipts->count > receipts->durable && peer->save_ns < due_ns)
		due_ns = peer->save_ns;
	return due_ns;
}

void message_offer(struct message_peer *peer, uint64_t now_ns)
{
	peer->inbox.blocked = false;
	inbox_deliver(&peer->inbox, now_ns, peer->calls, peer->context);
	message_note_delivered(peer, now_ns);
}

void message_accepted(struct message_peer *peer, uint64_t now_ns, uint64_t frame_id)
{
	outbox_accepted(&peer->stored, frame_id, now_ns);
	message_report_accepted(peer, now_ns);
}

void message_path_restored(struct message_peer *peer, uint64_t now_ns)
{
	outbox_probe(&peer->live, now_ns);
	outbox_probe(&peer->stored, now_ns);
	inbox_restored(&peer->inbox, now_ns);
	if (peer->owes && peer->owe_ns == MESSAGE_NEVER)
		peer->owe_ns = 0;
}
