#include "limit.h"

#include <errno.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_rcu_qsbr.h>
#include <string.h>

enum { LIMIT_BURSTS_PER_S = 2 };
/* Faster than any port; keeps rte_meter's arithmetic within 64 bits. */
#define LIMIT_RATE_MAX UINT64_C(100000000000)

static int profile_set(struct rte_meter_srtcm_profile *profile, uint64_t per_s, uint64_t burst_min)
{
	const uint64_t rate = RTE_MIN(per_s, LIMIT_RATE_MAX);
	const uint64_t burst = RTE_MAX(rate / LIMIT_BURSTS_PER_S, burst_min);
	struct rte_meter_srtcm_params params = { .cir = rate, .cbs = burst, .ebs = burst };

	return rte_meter_srtcm_profile_config(profile, &params);
}

static int class_set(struct limit_class *limits, uint32_t frames_per_s, uint64_t bytes_per_s)
{
	memset(limits, 0, sizeof *limits);
	limits->has_frames = frames_per_s != 0;
	limits->has_bytes = bytes_per_s != 0;
	if (limits->has_frames &&
		profile_set(&limits->frames, frames_per_s, LIMIT_BURST_FRAMES_MIN) != 0)
		return -EINVAL;
	if (limits->has_bytes &&
		profile_set(&limits->bytes, bytes_per_s, LIMIT_BURST_BYTES_MIN) != 0)
		return -EINVAL;
	return 0;
}

int limit_take(struct limits *limits, struct rte_rcu_qsbr *qsbr, uint32_t frames_per_s,
	uint64_t bytes_per_s, uint32_t *number)
{
	uint32_t unused = LIMIT_NONE;

	*number = LIMIT_NONE;
	if (frames_per_s == 0 && bytes_per_s == 0)
		return 0;
	for (uint32_t i = LIMIT_NONE + 1; i < LIMIT_CLASSES; i++) {
		struct limit_use *use = &limits->uses[i];
		if (use->users > 0 && use->frames_per_s == frames_per_s &&
			use->bytes_per_s == bytes_per_s) {
			use->users++;
			*number = i;
			return 0;
		}
		if (unused == LIMIT_NONE && use->users == 0 &&
			rte_rcu_qsbr_check(qsbr, use->free_token, false) == 1)
			unused = i;
	}
	if (unused == LIMIT_NONE)
		return -ENOSPC;
	int result = class_set(&limits->classes[unused], frames_per_s, bytes_per_s);
	if (result < 0)
		return result;
	limits->uses[unused] = (struct limit_use){
		.frames_per_s = frames_per_s,
		.bytes_per_s = bytes_per_s,
		.users = 1,
	};
	*number = unused;
	return 0;
}

void limit_give(struct limits *limits, struct rte_rcu_qsbr *qsbr, uint32_t number)
{
	if (number != LIMIT_NONE && --limits->uses[number].users == 0)
		limits->uses[number].free_token = rte_rcu_qsbr_start(qsbr);
}
