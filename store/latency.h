/* How long something took, of the last minute to two: counts in eighths of an octave, so that a
 * percentile is at most an eighth too high. */
#ifndef CHAPPE_STORE_LATENCY_H
#define CHAPPE_STORE_LATENCY_H

#include <stdint.h>

enum { LATENCY_BUCKETS = 8 * 28 };

struct latency {
	uint32_t counts[2][LATENCY_BUCKETS]; /* of this minute and the last */
	uint64_t began_us;                   /* of this minute */
};

void latency_add(struct latency *latency, uint64_t now_us, uint32_t took_us);
/* The value that this share of them, in thousandths, does not exceed; 0 where there are none. */
uint32_t latency_percentile(struct latency *latency, uint64_t now_us, uint32_t per_mille);

#endif
