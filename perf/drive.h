/* Drives one worker of a rig through its round as a port would: frames offered in bursts, each
 * receive descriptor refilled from the pool, what was sent freed. */
#ifndef CHAPPE_PERF_DRIVE_H
#define CHAPPE_PERF_DRIVE_H

#include "round.h"

struct drive {
	struct round *round;
	uint32_t worker, burst;
	const struct drive *other; /* of the same run; NULL: there is none */
	uint32_t total;            /* when both have sent that many, the run is over */
	/* out */
	uint32_t sent;       /* read by the other */
	uint64_t start, end; /* TSC */
	bool alone;          /* nothing else had the core meanwhile */
} __rte_cache_aligned;

/* Offers the next burst after so many frames; returns how many frames that is. */
uint32_t drive_offer(const struct drive *drive, uint32_t offered);
/* Takes and frees what was sent; returns how many frames that is. */
uint32_t drive_take(const struct drive *drive);

/* Returns when the run is over, or when 0.1 s have passed and nothing comes out any more. */
void drive_run(struct drive *drive);

#endif
