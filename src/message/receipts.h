/* Stored frames of a contact that the relay may forget, by frame_id: first those whose end is on
 * disk, then those that wait for it. */
#ifndef CHAPPE_RECEIPTS_H
#define CHAPPE_RECEIPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RECEIPTS_MAX = 4096, /* of one contact; beyond, the relay sends the frame again later */
	RECEIPTS_BURST = 32, /* sent at once: a large message is some 1,000 */
};
#define RECEIPTS_PAUSE_NS UINT64_C(1000000) /* between bursts */

struct receipts {
	uint64_t *ids; /* [first, first + count) in use */
	size_t size, first, count;
	size_t durable; /* so many of them may go */
	unsigned burst;
	uint64_t next_ns; /* none before */
};

void receipts_wipe(struct receipts *receipts);
void receipts_add(struct receipts *receipts, uint64_t frame_id);
/* All that were added may go. */
void receipts_release(struct receipts *receipts);
/* Takes the next that may go now. */
bool receipts_pop(struct receipts *receipts, uint64_t now_ns, uint64_t *frame_id);
/* When receipts_pop() has one; UINT64_MAX: not before another one may go. */
uint64_t receipts_deadline(const struct receipts *receipts);

#endif
