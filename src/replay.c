#include "replay.h"

/* The newest word goes into the ring; the words between it and the new one are empty. Those further
 * back than the ring reaches are not worth clearing twice. */
static void begin_word(
	struct replay_head *head, uint64_t *ring, uint32_t words, uint64_t top, uint64_t word)
{
	uint64_t first = word - top > words ? word - words : top + 1;

	ring[top & (words - 1)] = head->newest;
	for (uint64_t i = first; i < word; i++)
		ring[i & (words - 1)] = 0;
	head->newest = 0;
}

bool replay_accept_any(struct replay_head *head, uint64_t *ring, uint32_t words, uint64_t counter)
{
	/* Before the first counter word 0 is the newest, and empty. */
	uint64_t top = head->highest_plus_one ? (head->highest_plus_one - 1) / REPLAY_WORD_BITS : 0;
	uint64_t word = counter / REPLAY_WORD_BITS;
	uint64_t bit = 1ULL << counter % REPLAY_WORD_BITS;

	if (counter >= WIRE_LAST_COUNTER)
		return false;
	if (counter >= head->highest_plus_one) {
		if (word != top)
			begin_word(head, ring, words, top, word);
		head->highest_plus_one = counter + 1;
		head->newest |= bit;
		return true;
	}
	if (head->highest_plus_one - 1 - counter >= (uint64_t)words * REPLAY_WORD_BITS)
		return false;
	uint64_t *bits = word == top ? &head->newest : &ring[word & (words - 1)];
	if (*bits & bit)
		return false;
	*bits |= bit;
	return true;
}
