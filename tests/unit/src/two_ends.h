/* Two contacts and the path between them, for tests of the message layer: a virtual clock, and a
 * path that loses, delays, reorders and repeats as a seed decides. An end can be made to die at any
 * of its steps and comes back with what it had saved. Between them there is a relay with a store
 * (two_ends_store.c), to which each end has its path. */
#ifndef CHAPPE_TESTS_TWO_ENDS_H
#define CHAPPE_TESTS_TWO_ENDS_H

#include "src/message/message.h"
#include "testing.h"

enum { TWO_ENDS_TAKEN_MAX = 4096 };

struct taken {
	uint64_t number, at_ns;
	size_t len;
	enum seal_type type;
	uint8_t digest[32];
};

struct path {
	unsigned lose_percent, repeat_percent;
	uint64_t delay_ns, jitter_ns; /* jitter beyond the gap of two frames reorders them */
	bool cut;                     /* nothing passes */
};

/* What an end keeps of a stored message: its frames, sealed if there were keys here. */
struct end_kept {
	uint64_t number;
	uint16_t fragments;
	struct message_frame *frames; /* NULL: free */
};

struct end {
	struct two_ends *ends;
	struct message_peer *peer;
	struct path path; /* what it sends goes this way */
	uint8_t record[MESSAGE_RECORD_BYTES];
	size_t record_len;
	struct end_kept *kept; /* in no order */
	size_t kept_size, kept_count;
	struct taken taken[TWO_ENDS_TAKEN_MAX]; /* by deliver(), repeated ones once */
	size_t taken_count, taken_again;
	uint64_t acknowledged[TWO_ENDS_TAKEN_MAX];
	size_t acknowledged_count;
	uint64_t accepted[TWO_ENDS_TAKEN_MAX], accepted_ns[TWO_ENDS_TAKEN_MAX];
	size_t accepted_count, not_accepted_count;
	bool offline;                  /* nothing comes or goes */
	int deliver_error, save_error; /* what the callbacks return, 0 = ok; save and keep alike */
	size_t saves;
	/* Dies at that step (callbacks count before and after, frames when they come and go). */
	size_t steps, die_at, deaths;
	/* Taken by deliver() since save() last returned 0; those that a death may bring again. */
	size_t unsaved, may_come_again;
	bool dead;
	size_t frames_sent, acks_sent, stored_acks_sent, bytes_sent;
};

enum passing_kind {
	PASSING_LIVE,
	PASSING_STORED,    /* from an end to the store */
	PASSING_ACCEPTED,  /* back */
	PASSING_DELIVERED, /* from the store to the other end */
	PASSING_RECEIVED,  /* back */
};

struct passing {
	uint64_t arrives_ns, order;
	enum passing_kind kind;
	unsigned end; /* whose path it takes */
	struct message_frame frame;
};

/* What the store keeps for an end, in the order in which it came. */
struct kept {
	bool received;
	uint64_t due_ns;
	struct message_frame frame;
};

struct two_ends_store {
	struct kept *kept;
	size_t count, size, waiting;
	bool full;       /* takes nothing more */
	size_t repeated; /* frames that were there already */
};

struct two_ends {
	uint64_t now_ns, seed, random, order;
	struct end end[2];
	struct two_ends_store store[2]; /* for that end */
	struct passing *passing;
	size_t passing_count, passing_size;
	/* Sees every frame sent, if set. */
	void (*watch)(struct two_ends *ends, unsigned from, const struct message_frame *frame);
	void *watcher;
};

void two_ends_begin(struct two_ends *ends, uint64_t seed);
void two_ends_finish(struct two_ends *ends);
/* SEED of the environment, or a random one; printed. */
uint64_t two_ends_seed(void);
uint64_t two_ends_random(struct two_ends *ends, uint64_t below);

/* Runs until done() is true or that much time has gone by; returns whether it became true. done may
 * be NULL. */
bool two_ends_run(struct two_ends *ends, uint64_t ns, bool (*done)(const struct two_ends *ends));
/* Both have nothing unacknowledged. */
bool two_ends_idle(const struct two_ends *ends);

/* Opens the peer of an end with what it has saved, after message_close(). */
void two_ends_open(struct end *end);

/* Kills an end: what it has not saved is lost; it comes back at once. */
void two_ends_restart(struct two_ends *ends, unsigned which);

/* Sends a message whose bytes depend on seed alone; returns its number. */
uint64_t two_ends_send(struct two_ends *ends, unsigned from, size_t len, uint8_t seed);
/* The same, stored. */
uint64_t two_ends_send_stored(struct two_ends *ends, unsigned from, size_t len, uint8_t seed);
/* An end goes, or is back. */
void two_ends_set_offline(struct two_ends *ends, unsigned which, bool offline);
/* And the store neither. */
bool two_ends_nothing_waits(const struct two_ends *ends);
/* The row of what an end took has only rising numbers. */
void two_ends_assert_in_order(const struct end *end);
/* What the relay accepted from an end was taken once by the other. */
void two_ends_assert_accepted_were_taken(const struct two_ends *ends, unsigned from);
bool two_ends_was_accepted(const struct end *end, uint64_t number);
/* How often the other end's application has taken it: 0 or 1. */
unsigned two_ends_was_taken(const struct end *end, uint64_t number);

/* Between the parts (two_ends.c, two_ends_store.c). */
void two_ends_pass(struct two_ends *ends, enum passing_kind kind, unsigned which,
	const struct message_frame *frame);
void two_ends_store_arrive(struct two_ends *ends, const struct passing *passing);
void two_ends_store_deliver(struct two_ends *ends);
uint64_t two_ends_store_due(const struct two_ends *ends);
/* Of an end that comes back all is due again. */
void two_ends_store_rewind(struct two_ends *ends, unsigned which);
void two_ends_store_free(struct two_ends *ends);
int two_ends_keep(
	void *context, uint64_t number, uint16_t fragments, const struct outgoing *message);
void two_ends_discard(void *context, uint64_t number);
/* All that is kept, to the peer that was opened. */
void two_ends_restore(struct end *end);
/* What message_next() has given, with its plaintext. */
void two_ends_unseal(const struct end *end, struct message_frame *frame);
void two_ends_kept_free(struct end *end);
/* True once: the end dies here. */
bool two_ends_step(struct end *end);

/* Asserts that entry i of what an end took is such a message. */
void two_ends_assert_taken(
	const struct end *end, size_t i, uint64_t number, size_t len, uint8_t seed);

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

#endif
