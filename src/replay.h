/* Replay window, RFC 6479: a ring of 64-bit words in which a counter's bit is its own place, so
 * that moving on clears words and shifts nothing. The window is bits - 64 counters wide, the
 * highest accepted one included. */
#ifndef CHAPPE_REPLAY_H
#define CHAPPE_REPLAY_H

#include "wire.h"

enum { REPLAY_WORD_BITS = 64 };

struct replay_head {
	uint64_t highest_plus_one; /* 0: nothing accepted yet */
};

/* Accepts a counter whose frame has been opened: true once for each counter inside or above the
 * window, false for a repeated one, one below the window, or one at or above WIRE_LAST_COUNTER.
 * words is a power of two; bitmap has that many words, zero at first. */
bool replay_accept(struct replay_head *head, uint64_t *bitmap, uint32_t words, uint64_t counter);

struct replay_relay {
	struct replay_head head;
	uint64_t bitmap[64]; /* 4,096 bits: 4,032 >= 2,048 counters */
};
struct replay_device {
	struct replay_head head;
	uint64_t bitmap[256]; /* 16,384 bits: 16,320 >= 8,192 counters */
};

#endif
