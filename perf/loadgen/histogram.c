#include "histogram.h"

enum { STEPS = 1 << HISTOGRAM_STEP_BITS };

/* Below 2 * STEPS a bucket for each value; above, the STEP_BITS bits after the highest one choose
 * among STEPS buckets. */
static uint32_t bucket_of(uint64_t ns)
{
	if (ns < 2 * STEPS)
		return (uint32_t)ns;
	const uint32_t shift = 63 - (uint32_t)__builtin_clzll(ns) - HISTOGRAM_STEP_BITS;

	return (shift << HISTOGRAM_STEP_BITS) + (uint32_t)(ns >> shift);
}

uint64_t histogram_top(uint32_t bucket)
{
	if (bucket < 2 * STEPS)
		return bucket;
	const uint32_t shift = (bucket >> HISTOGRAM_STEP_BITS) - 1;
	const uint64_t step = bucket - (shift << HISTOGRAM_STEP_BITS);

	return ((step + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
	if (histogram->count == 0 || ns < histogram->min_ns)
		histogram->min_ns = ns;
	if (ns > histogram->max_ns)
		histogram->max_ns = ns;
	histogram->count++;
	histogram->buckets[bucket_of(ns)]++;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
	const double wanted = share * (double)histogram->count;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS && histogram->count > 0; i++) {
		seen += histogram->buckets[i];
		if (seen > 0 && (double)seen >= wanted)
			return histogram_top(i) < histogram->max_ns ? histogram_top(i)
								    : histogram->max_ns;
	}
	return histogram->max_ns;
}

uint64_t histogram_octave(const struct histogram *histogram, uint32_t n)
{
	const uint64_t last = UINT64_MAX >> (63 - n);
	uint64_t count = 0;

	for (uint32_t i = n == 0 ? 0 : bucket_of(UINT64_C(1) << n); i <= bucket_of(last); i++)
		count += histogram->buckets[i];
	return count;
}
