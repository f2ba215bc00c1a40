/* Two contacts and the path between them, for tests of the message layer: a virtual clock, and a
 * path that loses, delays, reorders and repeats as a seed decides. An end can be made to die at any
 * of its steps and comes back with what it had saved. */
#ifndef CHAPPE_TESTS_TWO_ENDS_H
#define CHAPPE_TESTS_TWO_ENDS_H

#include "src/message.h"
#include "testing.h"

enum { TWO_ENDS_TAKEN_MAX = 4096 };

struct taken {
	uint64_t number;
	size_t len;
	enum seal_type type;
	uint8_t digest[32];
};

struct path {
	unsigned lose_percent, repeat_percent;
	uint64_t delay_ns, jitter_ns; /* jitter beyond the gap of two frames reorders them */
	bool cut;                     /* nothing passes */
};

struct end {
	struct two_ends *ends;
	struct message_peer *peer;
	struct path path; /* what it sends goes this way */
	uint8_t record[MESSAGE_RECORD_BYTES];
	size_t record_len;
	struct taken taken[TWO_ENDS_TAKEN_MAX]; /* by deliver(), repeated ones once */
	size_t taken_count, taken_again;
	uint64_t acknowledged[TWO_ENDS_TAKEN_MAX];
	size_t acknowledged_count;
	int deliver_error, save_error; /* what the callbacks return, 0 = ok */
	size_t saves;
	/* Dies at that step (callbacks count before and after, frames when they come and go). */
	size_t steps, die_at, deaths;
	/* Taken by deliver() since save() last returned 0; those that a death may bring again. */
	size_t unsaved, may_come_again;
	bool dead;
	size_t frames_sent, acks_sent, bytes_sent;
};

struct two_ends {
	uint64_t now_ns, seed, random, order;
	struct end end[2];
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
/* Asserts that entry i of what an end took is such a message. */
void two_ends_assert_taken(
	const struct end *end, size_t i, uint64_t number, size_t len, uint8_t seed);

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

#endif
