/* Limits of devices, in frames and in bytes a second. Devices that have the same limits share a
 * class, so that a worker finds the figures in its first-level cache; the meters themselves lie in
 * the session and have its owner as their writer. srTCM of RFC 2697, colour-blind: what is red is
 * dropped; the two bursts are half a second each. */
#ifndef CHAPPE_DATAPLANE_LIMIT_H
#define CHAPPE_DATAPLANE_LIMIT_H

#include <rte_meter.h>
#include <stdbool.h>
#include <stdint.h>

struct rte_rcu_qsbr;

enum {
	LIMIT_CLASSES = 1024,
	LIMIT_NONE = 0, /* the class without limits */
	LIMIT_BURST_FRAMES_MIN = 16,
	LIMIT_BURST_BYTES_MIN = 16 * 1232,
};

_Static_assert((int)LIMIT_CLASSES <= 1 << 16, "sessions name their class in 16 bits");

struct limit_class {
	/* main; constant while a device has the class and for a grace period after */
	struct rte_meter_srtcm_profile frames, bytes;
	bool has_frames, has_bytes;
} __attribute__((aligned(128)));

/* All zeros is a meter with full buckets. */
struct limit_meter {
	struct rte_meter_srtcm frames, bytes;
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

/* True when a frame of len bytes is within the limits, which it then counts against. */
static inline bool limit_pass(
	struct limit_meter *meter, const struct limit_class *limits, uint64_t now, uint32_t len)
{
	/* rte_meter takes profiles it only reads as not const. */
	if (limits->has_frames &&
		rte_meter_srtcm_color_blind_check(&meter->frames,
			(struct rte_meter_srtcm_profile *)&limits->frames, now, 1) == RTE_COLOR_RED)
		return false;
	return !limits->has_bytes ||
	       rte_meter_srtcm_color_blind_check(&meter->bytes,
		       (struct rte_meter_srtcm_profile *)&limits->bytes, now, len) != RTE_COLOR_RED;
}

#endif
