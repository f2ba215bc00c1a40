#include "replay.h"

bool replay_accept(struct replay_head *head, uint64_t *bitmap, uint32_t words, uint64_t counter)
{
	uint64_t window = (uint64_t)(words - 1) * REPLAY_WORD_BITS;
	uint64_t word = counter / REPLAY_WORD_BITS;
	uint64_t bit = 1ULL << counter % REPLAY_WORD_BITS;

	if (counter >= WIRE_LAST_COUNTER)
		return false;
	if (counter >= head->highest_plus_one) {
		/* Before the first counter word 0 is clear already, so counting from it is right.
		 */
		uint64_t top = head->highest_plus_one ? head->highest_plus_one - 1 : 0;
		uint64_t fresh = word - top / REPLAY_WORD_BITS;
		for (uint64_t i = 0; i < fresh && i < words; i++)
			bitmap[(word - i) & (words - 1)] = 0;
		head->highest_plus_one = counter + 1;
	} else if (head->highest_plus_one - 1 - counter >= window) {
		return false;
	}
	uint64_t *bits = &bitmap[word & (words - 1)];
	if (*bits & bit)
		return false;
	*bits |= bit;
	return true;
}
