/* Messages to and from one contact: numbering, fragments, acknowledgements, loss recovery, pacing
 * and duplicates (docs/protocol.md, messages). Knows neither keys nor sockets nor files: it takes
 * opened plaintexts in and hands plaintexts to seal out; the clock comes in as now_ns (monotonic,
 * any origin), state goes out through save().
 *
 * A message goes live, from device to device while both are there, or stored, by way of the relay's
 * store, which accepts each of its frames and keeps them until the recipient says `received`. Both
 * kinds share one row of numbers.
 *
 * What is promised to the two ends:
 * - A message is acknowledged to its sender, and received to the relay, only after the recipient's
 *   deliver() has returned 0 and its save() has returned 0 after that.
 * - It is delivered once. The one exception: the recipient's process dies after deliver() took it
 *   and before save() returned; then it is delivered again, under the same number, after the
 *   restart. A deliver() that keeps what it takes under its number makes that harmless.
 * - Messages are delivered in the order of their numbers. A complete message waits for the one it
 *   follows until that is delivered, or its sender has given it up (see message_cancel(); a sender
 *   that restarts has given up what was live before), or a time has passed in which no fragment of
 *   a lower one came: MESSAGE_GAP_NS for a live one, MESSAGE_STORED_GAP_NS for a stored one, which
 *   does not wait for live ones. Only in the last two cases can a lower number be delivered after
 *   a higher one.
 * - A stored message whose accepted() was called reaches the recipient whatever happens to the
 *   sender. One that message_send_way() took is kept, sealed, by keep() until then: across restarts
 *   the same frames are repeated, until they are accepted or message_drop() gives them up.
 * - A number is never used twice, whatever happens to the process: numbers are reserved through
 *   save() in blocks before use. Numbers begin at 1 and may have gaps.
 *
 * Memory: at most MESSAGE_HELD_BYTES of unfinished messages received per contact, in at most
 * MESSAGE_HELD pieces; beyond that the one whose last fragment is oldest is dropped (its sender
 * sends it again). A sender has at most MESSAGE_OPEN messages and MESSAGE_OPEN_BYTES of either kind
 * on the way, so a correct one is never dropped. What message_send() queues beyond that is bounded
 * by the caller.
 *
 * No threads, no globals: one struct message_peer is used by one thread at a time. Callbacks must
 * not call back into the same peer, except message_send() and message_cancel() from deliver() and
 * acknowledged(). */
#ifndef CHAPPE_MESSAGE_H
#define CHAPPE_MESSAGE_H

#include "src/seal.h"

enum {
	MESSAGE_RECORD_BYTES = 296, /* what save() is given */
	MESSAGE_WINDOW = 1024,      /* numbers the duplicate bitmap covers */
	MESSAGE_RESERVE = 64,       /* numbers reserved by one save() */
	MESSAGE_HELD = 256,
	MESSAGE_HELD_BYTES = 4 * SEAL_FRAGMENTS_MAX * SEAL_LARGE_DATA_BYTES, /* 4 MiB and 128 */
	MESSAGE_OPEN = 128,
	MESSAGE_OPEN_BYTES = 2 * SEAL_FRAGMENTS_MAX * SEAL_LARGE_DATA_BYTES,
	MESSAGE_INITIAL_WINDOW_CELLS = 10,
};

#define MESSAGE_GAP_NS (5 * UINT64_C(1000000000))
#define MESSAGE_STORED_GAP_NS (60 * UINT64_C(1000000000))
#define MESSAGE_ACK_DELAY_NS (25 * UINT64_C(1000000))
#define MESSAGE_NEVER UINT64_MAX

/* The acknowledgement of stored messages goes after a random time, so that nobody who watches the
 * relay can tell by it who wrote to whom: uniform between the minimum and the bound, which the
 * caller may change; one for all that came meanwhile. What an earlier run of the device owed goes
 * within MESSAGE_STORED_ACK_EARLIER_NS, or it might never go. */
#define MESSAGE_STORED_ACK_MIN_NS (1 * UINT64_C(1000000000))
#define MESSAGE_STORED_ACK_BOUND_NS (60 * UINT64_C(1000000000))
#define MESSAGE_STORED_ACK_EARLIER_NS (3 * UINT64_C(1000000000))
#define MESSAGE_ACCEPT_NS (30 * UINT64_C(1000000000)) /* a good message_way.accept_ns */

struct message_peer;
struct outgoing;

struct message_calls {
	/* Makes the MESSAGE_RECORD_BYTES of record durable (in place of the record before) and
	 * returns 0 only then; otherwise -errno, and what depended on it waits and is tried again.
	 */
	int (*save)(void *context, const uint8_t *record, size_t len);
	/* Takes a complete message (SEAL_DATA or SEAL_HELLO). Returns 0 once it is durable or
	 * handed over for good: it is acknowledged then and never delivered again. -EAGAIN: not
	 * now; it is offered again by message_offer(), and those after it wait. Any other -errno:
	 * dropped, and offered again when its sender, which gets no acknowledgement, repeats it.
	 * data is NULL where len is 0; it is gone when the call
	 * returns. */
	int (*deliver)(void *context, enum seal_type type, uint64_t number, const uint8_t *data,
		size_t len);
	/* The recipient's device has the message for good. Of stored messages also those of earlier
	 * runs. */
	void (*acknowledged)(void *context, uint64_t number);
	/* Of stored messages: the relay has all of it for good; after a restart it may be said of
	 * one for the second time. Or, said once in a run, it did not take it in time: the message
	 * is repeated all the same. Of a live one that is not acknowledged before a stored one
	 * MESSAGE_WINDOW above it is begun, that it is given up. May be NULL where no stored ones
	 * are sent, as the two below. */
	void (*accepted)(void *context, uint64_t number);
	void (*not_accepted)(void *context, uint64_t number);
	/* Seals the frames of a stored message, from message_fill() for each of its fragments, and
	 * makes them durable under its number, all or none, in place of those it had. Returns 0
	 * only then, otherwise -errno. They come back by message_restore() after a restart, and
	 * are sent where message_frame.kept says so. */
	int (*keep)(
		void *context, uint64_t number, uint16_t fragments, const struct outgoing *message);
	/* They are not needed any more. May call nothing of the message layer. */
	void (*discard)(void *context, uint64_t number);
};

/* How a message goes; both ways where it may matter little which one is quicker. */
struct message_way {
	bool live, stored;
	uint8_t ttl;        /* stored: of the inner header */
	uint64_t accept_ns; /* stored: not_accepted() after so long without progress; 0: never */
};

/* A plaintext to be sealed and sent now, or a frame of what keep() has sealed. */
struct message_frame {
	/* Uniformly random, for the inner header; fresh in every frame, but for a stored one that
	 * is repeated: it has the same way and plaintext, and is to be the same byte for byte. */
	uint64_t frame_id;
	struct message_way way; /* live or stored, not both */
	size_t plain_len;       /* SEAL_SMALL_PLAIN_BYTES or SEAL_LARGE_PLAIN_BYTES */
	bool kept;              /* fragment index of message number, and no plaintext */
	uint16_t index;
	uint64_t number;
	union {
		struct seal_plain plain;
		uint8_t bytes[SEAL_LARGE_PLAIN_BYTES];
	};
};

/* Begins with the record saved last, or with len 0 for a new contact. calls and context must live
 * as long as the peer. Returns 0, -ENOMEM, or -EINVAL for a record that is not one. */
int message_open(struct message_peer **peer, const struct message_calls *calls, void *context,
	const uint8_t *record, size_t len) __attribute__((warn_unused_result));

/* What keep() had made durable of a stored message. */
struct message_kept {
	uint64_t number;
	enum seal_type type; /* SEAL_DATA, SEAL_HELLO or SEAL_GIVEN_UP */
	uint16_t fragments;
	bool small_end;            /* the last fragment goes in a small cell */
	const uint64_t *frame_ids; /* one a fragment */
};

/* Takes up again, right after message_open() and in the order of their numbers, what is kept.
 * Returns 0; -EALREADY: the contact has it, it is to be discarded; -EINVAL: it is none of this
 * contact; -ENOMEM. */
int message_restore(struct message_peer *peer, const struct message_kept *kept)
	__attribute__((warn_unused_result));

/* Gives live messages up, saves the exact numbers (so that no gap is left), wipes and frees.
 * Without it, as when the process dies, nothing is lost but up to MESSAGE_RESERVE numbers. */
void message_close(struct message_peer *peer);

/* Queues a copy of a live message: SEAL_DATA up to SEAL_MESSAGE_BYTES_MAX or SEAL_HELLO up to
 * SEAL_LARGE_DATA_BYTES. Goes on trying until acknowledged() or message_cancel(). Returns 0 with
 * its number; -EMSGSIZE, -ENOMEM, or what save() said. */
int message_send(struct message_peer *peer, enum seal_type type, const uint8_t *data, size_t len,
	uint64_t *number) __attribute__((warn_unused_result));

/* The same another way. A stored message is durable when this returns, and is repeated until the
 * relay has accepted it; -errno also as keep() said. */
int message_send_way(struct message_peer *peer, enum seal_type type, const struct message_way *way,
	const uint8_t *data, size_t len, uint64_t *number) __attribute__((warn_unused_result));

/* Fills a frame to be sealed, for keep(): fragment index of its message. */
void message_fill(const struct outgoing *message, uint16_t index, struct message_frame *frame);

/* Gives a message up; it may have arrived all the same. The contact is not told: of a stored one it
 * is known that it has it. Returns 0, or -ENOENT if it is not (or no longer) unacknowledged. */
int message_cancel(struct message_peer *peer, uint64_t number);

/* Gives a stored message up that is not accepted; the contact is told not to wait for it, by a
 * notice that is kept in its place. It may have arrived all the same. Returns 0; -ENOENT: there is
 * none of that number; or -errno, and nothing is changed. */
int message_drop(struct message_peer *peer, uint64_t number);

/* The number of a hello that is kept, 0: none. message_repeat_live() sends it live as well, after a
 * restart, before anything else is sent live; returns 0 or -ENOMEM. */
uint64_t message_kept_hello(const struct message_peer *peer);
int message_repeat_live(
	struct message_peer *peer, uint64_t number, const uint8_t *data, size_t len);

/* Messages of SEAL_DATA queued or on the way, and bytes of all: of live ones, what is not
 * acknowledged; of stored ones, what is not accepted. */
struct message_backlog {
	size_t messages, bytes;
};
struct message_backlog message_backlog(const struct message_peer *peer);

/* Takes a plaintext that seal_open() has returned, from the contact's pinned key, with the frame_id
 * of its inner header. May call deliver(), save() and acknowledged(). Then call message_next().
 * Returns 0, also for duplicates; -EPROTO for a malformed ack or a fragment that contradicts others
 * of its message; -ENOMEM. */
int message_receive(struct message_peer *peer, uint64_t now_ns, uint64_t frame_id,
	const struct seal_plain *plain);

/* The same for a plaintext that came in a stored frame; whatever message_receipt() says of it, the
 * caller has no need to. After -EPROTO the relay may forget the frame: it is of no use. */
int message_receive_stored(struct message_peer *peer, uint64_t now_ns, uint64_t frame_id,
	const struct seal_plain *plain);
/* The next stored frame that the relay may forget, to be told now. May call save(). */
bool message_receipt(struct message_peer *peer, uint64_t now_ns, uint64_t *frame_id);
/* When message_receipt() has something; MESSAGE_NEVER. message_deadline() includes it. */
uint64_t message_receipt_deadline(const struct message_peer *peer);

/* The relay has accepted a stored frame. */
void message_accepted(struct message_peer *peer, uint64_t now_ns, uint64_t frame_id);
/* When the relay was last heard of: a message expires only if it could have been accepted. */
void message_relay_heard(struct message_peer *peer, uint64_t heard_ns);
/* An acknowledgement that an earlier run owed the contact is not with the relay yet. */
bool message_owes_earlier(const struct message_peer *peer);
/* The bound of the random delay of acknowledgements of stored messages. */
void message_set_stored_ack_bound(struct message_peer *peer, uint64_t bound_ns);

/* Offers again what deliver() had put off with -EAGAIN. */
void message_offer(struct message_peer *peer, uint64_t now_ns);

/* Fills *frame with what is to be sent now and returns true; false: nothing before
 * message_deadline(). Does all that time demands; what it returned counts as sent. */
bool message_next(struct message_peer *peer, uint64_t now_ns, struct message_frame *frame);

/* When message_next() has something to do next, in the clock of now_ns; may lie in the past;
 * MESSAGE_NEVER if only message_receive() or message_send() can change anything. */
uint64_t message_deadline(const struct message_peer *peer);

/* The way to the contact is (again) open, e.g. after a reconnect: forgets backed-off timers and
 * probes at once where something is unacknowledged. */
void message_path_restored(struct message_peer *peer, uint64_t now_ns);

#endif
