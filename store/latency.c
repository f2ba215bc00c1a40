#include "latency.h"

#include <string.h>

enum { MINUTE_US = 60000000, EIGHTHS_BITS = 3, EIGHTHS = 1 << EIGHTHS_BITS };

static uint32_t bucket_of(uint32_t us)
{
	if (us < EIGHTHS)
		return us;
	const uint32_t octave = 31 - (uint32_t)__builtin_clz(us) - EIGHTHS_BITS;
	const uint32_t bucket = (octave + 1) * EIGHTHS + ((us >> octave) & (EIGHTHS - 1));
	return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* The highest value in a bucket. */
static uint32_t top_of(uint32_t bucket)
{
	if (bucket < EIGHTHS)
		return bucket;
	const uint32_t octave = bucket / EIGHTHS - 1;
	return ((EIGHTHS + bucket % EIGHTHS + 1) << octave) - 1;
}

static void turn(struct latency *latency, uint64_t now_us)
{
	const uint64_t minutes = (now_us - latency->began_us) / MINUTE_US;

	if (minutes == 0)
		return;
	if (minutes == 1)
		memcpy(latency->counts[1], latency->counts[0], sizeof latency->counts[1]);
	else
		memset(latency->counts[1], 0, sizeof latency->counts[1]);
	memset(latency->counts[0], 0, sizeof latency->counts[0]);
	latency->began_us += minutes * MINUTE_US;
}

void latency_add(struct latency *latency, uint64_t now_us, uint32_t took_us)
{
	turn(latency, now_us);
	latency->counts[0][bucket_of(took_us)]++;
}

uint32_t latency_percentile(struct latency *latency, uint64_t now_us, uint32_t per_mille)
{
	uint64_t all = 0, below = 0;

	turn(latency, now_us);
	for (uint32_t i = 0; i < LATENCY_BUCKETS; i++)
		all += (uint64_t)latency->counts[0][i] + latency->counts[1][i];
	if (all == 0)
		return 0;
	for (uint32_t i = 0; i < LATENCY_BUCKETS; i++) {
		below += (uint64_t)latency->counts[0][i] + latency->counts[1][i];
		if (below * 1000 >= all * per_mille)
			return top_of(i);
	}
	return top_of(LATENCY_BUCKETS - 1);
}
