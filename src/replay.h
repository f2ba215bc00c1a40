/* Replay window, RFC 6479: a ring of 64-bit words in which a counter's bit is its own place, so
 * that moving on clears words and shifts nothing. The word of the highest counter lies beside that
 * counter and goes into the ring when a higher word begins: frames in order touch the ring once in
 * 64. The window is words * 64 counters wide, the highest accepted one included. */
#ifndef CHAPPE_REPLAY_H
#define CHAPPE_REPLAY_H

#include "wire.h"

enum {
	REPLAY_WORD_BITS = 64,
	REPLAY_RELAY_WORDS = WIRE_RELAY_WINDOW_FRAMES / REPLAY_WORD_BITS,
	REPLAY_DEVICE_WORDS = 256, /* 16,384 >= WIRE_DEVICE_WINDOW_FRAMES */
};

struct replay_head {
	uint64_t highest_plus_one; /* 0: nothing accepted yet */
	uint64_t newest;           /* bits of the word that the highest lies in */
};

/* replay_accept() without its short way. */
bool replay_accept_any(struct replay_head *head, uint64_t *ring, uint32_t words, uint64_t counter);

/* Accepts a counter whose frame has been opened: true once for each counter inside or above the
 * window, false for a repeated one, one below the window, or one at or above WIRE_LAST_COUNTER.
 * words is a power of two; ring has that many words, zero at first. */
static inline bool replay_accept(
	struct replay_head *head, uint64_t *ring, uint32_t words, uint64_t counter)
{
	const uint64_t next = head->highest_plus_one;

	/* Frames in order, all but one in 64: above the highest, in the same word. (Before the
	 * first, next - 1 is in no counter's word.) */
	if (counter >= next && (counter ^ (next - 1)) < REPLAY_WORD_BITS &&
		counter < WIRE_LAST_COUNTER) {
		head->highest_plus_one = counter + 1;
		head->newest |= UINT64_C(1) << counter % REPLAY_WORD_BITS;
		return true;
	}
	return replay_accept_any(head, ring, words, counter);
}

struct replay_relay {
	struct replay_head head;
	uint64_t bitmap[REPLAY_RELAY_WORDS];
};
struct replay_device {
	struct replay_head head;
	uint64_t bitmap[REPLAY_DEVICE_WORDS];
};

#endif
