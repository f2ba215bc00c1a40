/* Figures that are ratios to a floor: both are taken alternately in one run, and the ratio is the
 * median of the pairs' ratios, so that what the machine does otherwise meets both. */
#ifndef CHAPPE_PERF_PAIRS_H
#define CHAPPE_PERF_PAIRS_H

#include "options.h"
#include "round.h"

struct pairs;
/* Takes one pair, in either order, in cycles of a whole round. False when the kernel took the core
 * away meanwhile: then it is taken again. */
typedef bool pairs_take(
	const struct pairs *pairs, bool floor_first, uint64_t *floor, uint64_t *value);

struct pairs {
	const char *name; /* of the figure */
	const struct options *options;
	const struct round *round;
	uint32_t burst;
	uint32_t variant; /* what take() is to take, where it knows several */
	pairs_take *take;
};

/* Takes as many as the options say and prints the figure, in cycles a frame of a round. */
void pairs_measure(const struct pairs *pairs);

#endif
