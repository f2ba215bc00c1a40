/* Between the parts of the message layer: message.c (records, opening, sending), message_receive.c
 * (what comes), message_next.c (what goes), message_kept.c (what is on disk until it is accepted).
 */
#ifndef CHAPPE_MESSAGE_PEER_H
#define CHAPPE_MESSAGE_PEER_H

#include "src/message/inbox.h"
#include "src/message/outbox.h"

#define MESSAGE_SAVE_RETRY_NS UINT64_C(1000000000)

/* What save() is given. */
struct message_record {
	uint8_t version;
	uint8_t owes; /* a stored ack, 0 or 1 */
	uint8_t zero[2];
	le32 run;      /* of this device with this contact; grows with each message_open() */
	le64 reserved; /* own numbers below may have been used */
	le64 finished; /* the contact is done with all own numbers below */
	le64 base;     /* struct window of the contact's numbers */
	le64 bits[MESSAGE_WINDOW / 64];
	le64 partial; /* of earlier versions, which kept nothing: outbox_first_partial(); 0: none */
	le64 stored[MESSAGE_WINDOW / 64]; /* ledger_save() */
};
_Static_assert(sizeof(struct message_record) == MESSAGE_RECORD_BYTES, "record layout");

struct message_peer {
	const struct message_calls *calls;
	void *context;
	struct message_record saved;
	uint32_t run;
	uint64_t reserved;
	uint64_t save_ns; /* save() has failed: not again before */
	struct ledger ledger;
	uint64_t begun_saved; /* that stored messages up to this number were begun is on disk */
	struct outbox live, stored;
	struct inbox inbox;
	uint64_t heard_ns; /* the relay */
	/* The stored ack: something is delivered that none has named; one is on its way; the next
	 * is due (0: a time is to be drawn, MESSAGE_NEVER: not before something happens). */
	bool owes, ack_flying;
	bool owed_earlier; /* by an earlier run, and the relay has none for it yet */
	uint64_t owe_ns, ack_bound_ns;
};

int message_save(struct message_peer *peer);
/* What the contact and the relay may be told is on disk: which of the contact's numbers are done,
 * and the run. */
int message_save_marks(struct message_peer *peer, uint64_t now_ns);
/* Takes note of what inbox_deliver() has done. */
void message_note_delivered(struct message_peer *peer, uint64_t now_ns);
/* Makes a stored message durable and queues it. Returns 0 or -errno. */
int message_keep(struct message_peer *peer, uint64_t number, enum seal_type type,
	const struct message_way *way, const uint8_t *data, size_t len);
/* Reports what the relay has accepted, and forgets what was kept of it: the record on disk says
 * that it may be at the relay since before it was sent. */
void message_report_accepted(struct message_peer *peer, uint64_t now_ns);

#endif
