/* Histogram of times: 32 steps to each power of two of nanoseconds, so that a value read back is at
 * most 3 % off, from 1 ns to hours, in constant memory. */
#ifndef CHAPPE_LOADGEN_HISTOGRAM_H
#define CHAPPE_LOADGEN_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_STEP_BITS = 5,
	HISTOGRAM_BUCKETS = (65 - HISTOGRAM_STEP_BITS) << HISTOGRAM_STEP_BITS
};

/* All zeros is an empty one. */
struct histogram {
	uint64_t count, min_ns, max_ns;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t ns);

/* The least time that at least the given share (0 to 1) of all values do not exceed; 0 when empty.
 */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

/* The greatest time that a bucket counts. */
uint64_t histogram_top(uint32_t bucket);

/* How many values are of 2^n ns and more, but less than twice that; 0 ns counts for n = 0. */
uint64_t histogram_octave(const struct histogram *histogram, uint32_t n);

#endif
