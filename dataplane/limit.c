#include "limit.h"

#include <errno.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_rcu_qsbr.h>
#include <string.h>

/* Faster than any port; keeps the cost of a byte exact within half a per cent. */
static const uint64_t limit_rate_max = UINT64_C(100000000000);

/* The burst is what the rate gives in a second, or the least there is. At one a second and 5 GHz a
 * cost is 2^46, and the least burst of bytes 2^62. */
static struct limit_rate rate_of(uint64_t per_s, uint64_t burst_min)
{
	const uint64_t second = rte_get_tsc_hz() << LIMIT_TIME_SHIFT;

	if (per_s == 0)
		return (struct limit_rate){ 0 };
	const uint64_t cost = second / RTE_MIN(per_s, limit_rate_max);
	return (struct limit_rate){ .cost = cost, .room = RTE_MAX(second, cost * burst_min) };
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
	limits->classes[unused] = (struct limit_class){
		.frames = rate_of(frames_per_s, LIMIT_BURST_FRAMES_MIN),
		.bytes = rate_of(bytes_per_s, LIMIT_BURST_BYTES_MIN),
	};
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
