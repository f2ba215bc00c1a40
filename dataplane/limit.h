/* Limits of devices, in frames and in bytes a second. Devices that have the same limits share a
 * class, so that a worker finds the figures in its first-level cache; the meters themselves lie in
 * the session and have its owner as their writer. A bucket is one number: the time at which it will
 * be full again (the generic cell rate algorithm of ITU-T I.371, a token bucket without a
 * division). It holds what the rate gives in a second. */
#ifndef CHAPPE_DATAPLANE_LIMIT_H
#define CHAPPE_DATAPLANE_LIMIT_H

#include "src/table_msg.h"

#include <rte_branch_prediction.h>
#include <stdbool.h>
#include <stdint.h>

struct rte_rcu_qsbr;

enum {
	LIMIT_CLASSES = TABLE_LIMIT_CLASSES,
	LIMIT_NONE = 0, /* the class without limits */
	LIMIT_BURST_FRAMES_MIN = 32,
	LIMIT_BURST_BYTES_MIN = 32 * 1232,
	/* Times are in 2^-14 TSC cycles. At 5 GHz a byte at 10^11 bytes a second costs 819, and a
	 * session may be silent for more than two days before its times come round. */
	LIMIT_TIME_SHIFT = 14,
};

_Static_assert((int)LIMIT_CLASSES <= 1 << 16, "sessions name their class in 16 bits");

/* main; constant while a device has the class and for a grace period after */
struct limit_rate {
	uint64_t cost; /* of one: the time in which the rate gives it; 0: no limit */
	uint64_t room; /* how far ahead of the clock a bucket may be: its burst */
};
struct limit_class {
	struct limit_rate frames, bytes;
} __attribute__((aligned(32)));

/* All zeros is a meter with full buckets. */
struct limit_meter {
	uint64_t frames_full, bytes_full; /* when, modulo 2^64 */
};

/* Main's side of the classes. */
struct limits {
	struct limit_class *classes; /* LIMIT_CLASSES of them */
	struct limit_use {
		uint64_t bytes_per_s, free_token; /* free_token: QSBR, once users is 0 */
		uint32_t frames_per_s, users;
	} uses[LIMIT_CLASSES];
};

/* Finds or makes a class and counts one user more. 0 means no limit. -ENOSPC when all are taken. */
int limit_take(struct limits *limits, struct rte_rcu_qsbr *qsbr, uint32_t frames_per_s,
	uint64_t bytes_per_s, uint32_t *number);
void limit_give(struct limits *limits, struct rte_rcu_qsbr *qsbr, uint32_t number);

/* How far a bucket would be ahead of the clock with `many` more; a time that has passed, or that no
 * frame can have written, is that of a full bucket. */
static inline uint64_t limit_ahead(
	uint64_t full, const struct limit_rate *rate, uint64_t time, uint32_t many)
{
	const uint64_t ahead = full - time;

	return (likely(ahead > rate->room) ? 0 : ahead) + rate->cost * many;
}

/* True when a frame of len bytes is within the limits, which it then counts against. now: TSC. */
static inline bool limit_pass(
	struct limit_meter *meter, const struct limit_class *limits, uint64_t now, uint32_t len)
{
	const uint64_t time = now << LIMIT_TIME_SHIFT;
	const uint64_t frames = limit_ahead(meter->frames_full, &limits->frames, time, 1);
	const uint64_t bytes = limit_ahead(meter->bytes_full, &limits->bytes, time, len);

	if (unlikely(frames > limits->frames.room || bytes > limits->bytes.room))
		return false;
	meter->frames_full = time + frames;
	meter->bytes_full = time + bytes;
	return true;
}

#endif
