#include "src/message/recovery.h"
#include "src/message/message.h"
#include <string.h>

enum {
	CELL_BYTES = WIRE_LARGE_BYTES,
	INITIAL_WINDOW = MESSAGE_INITIAL_WINDOW_CELLS * CELL_BYTES,
	MINIMUM_WINDOW = 2 * CELL_BYTES,
	BURST_CELLS = MESSAGE_INITIAL_WINDOW_CELLS,
};

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void recovery_init(struct recovery *recovery)
{
	memset(recovery, 0, sizeof *recovery);
	recovery->smoothed_ns = RECOVERY_INITIAL_RTT_NS;
	recovery->variance_ns = RECOVERY_INITIAL_RTT_NS / 2;
	recovery->window = INITIAL_WINDOW;
	recovery->threshold = UINT64_MAX;
}

void recovery_sample(struct recovery *recovery, uint64_t now_ns, uint64_t rtt_ns, uint64_t delay_ns)
{
	recovery->latest_ns = rtt_ns;
	if (!recovery->sampled) {
		recovery->sampled = true;
		recovery->first_sample_ns = now_ns;
		recovery->minimum_ns = recovery->smoothed_ns = rtt_ns;
		recovery->variance_ns = rtt_ns / 2;
		return;
	}
	if (rtt_ns < recovery->minimum_ns)
		recovery->minimum_ns = rtt_ns;
	if (delay_ns > MESSAGE_ACK_DELAY_NS)
		delay_ns = MESSAGE_ACK_DELAY_NS;
	if (rtt_ns >= recovery->minimum_ns + delay_ns)
		rtt_ns -= delay_ns;
	uint64_t off = rtt_ns > recovery->smoothed_ns ? rtt_ns - recovery->smoothed_ns
						      : recovery->smoothed_ns - rtt_ns;
	recovery->variance_ns = (3 * recovery->variance_ns + off) / 4;
	recovery->smoothed_ns = (7 * recovery->smoothed_ns + rtt_ns) / 8;
}

uint64_t recovery_loss_delay_ns(const struct recovery *recovery)
{
	uint64_t rtt_ns = max64(recovery->latest_ns, recovery->smoothed_ns);
	return max64(rtt_ns + rtt_ns / 8, RECOVERY_GRANULARITY_NS); /* 9/8: kTimeThreshold */
}

uint64_t recovery_timeout_ns(const struct recovery *recovery)
{
	return recovery->smoothed_ns + max64(4 * recovery->variance_ns, RECOVERY_GRANULARITY_NS) +
	       MESSAGE_ACK_DELAY_NS;
}

uint64_t recovery_backed_off_ns(const struct recovery *recovery, uint64_t silence_ns)
{
	uint64_t timeout_ns = recovery_timeout_ns(recovery);
	uint64_t bound_ns = max64(silence_ns / 8, RECOVERY_BACKOFF_MIN_NS);
	if (bound_ns > RECOVERY_BACKOFF_MAX_NS)
		bound_ns = RECOVERY_BACKOFF_MAX_NS;
	bound_ns = max64(bound_ns, timeout_ns);
	for (unsigned n = 0; n < recovery->timeouts && timeout_ns < bound_ns; n++)
		timeout_ns *= 2;
	return timeout_ns < bound_ns ? timeout_ns : bound_ns;
}

/* Section 7.7: a little faster than window / smoothed round trip, so that pacing itself leaves no
 * room unused: 2 in slow start, where the window doubles in each round trip, 5/4 after it. Timers
 * come late: what they missed may be caught up with, up to BURST_CELLS at once. */
static void pace(struct recovery *recovery, uint64_t now_ns, uint64_t bytes)
{
	bool slow_start = recovery->window < recovery->threshold;
	uint64_t per_window_ns =
		slow_start ? recovery->smoothed_ns / 2 : recovery->smoothed_ns * 4 / 5;
	uint64_t burst_ns = per_window_ns * BURST_CELLS * CELL_BYTES / recovery->window;
	uint64_t earliest_ns = now_ns > burst_ns ? now_ns - burst_ns : 0;
	recovery->pace_ns =
		max64(recovery->pace_ns, earliest_ns) + per_window_ns * bytes / recovery->window;
}

void recovery_sent(struct recovery *recovery, uint64_t now_ns, uint64_t bytes)
{
	recovery->in_flight += bytes;
	pace(recovery, now_ns, bytes);
}

void recovery_acked(struct recovery *recovery, uint64_t sent_ns, uint64_t bytes)
{
	recovery->in_flight -= bytes;
	if (!recovery->full || (recovery->episode_ns && sent_ns <= recovery->episode_ns))
		return;
	if (recovery->window < recovery->threshold)
		recovery->window += bytes;
	else
		recovery->window += CELL_BYTES * bytes / recovery->window;
}

void recovery_lost(struct recovery *recovery, uint64_t now_ns, uint64_t last_sent_ns,
	uint64_t bytes, bool persistent)
{
	recovery->in_flight -= bytes;
	if (!recovery->episode_ns || last_sent_ns > recovery->episode_ns) {
		recovery->episode_ns = now_ns;
		recovery->threshold = max64(recovery->window / 2, MINIMUM_WINDOW);
		recovery->window = recovery->threshold;
	}
	if (persistent) {
		recovery->window = MINIMUM_WINDOW;
		recovery->episode_ns = 0;
	}
}

void recovery_forgot(struct recovery *recovery, uint64_t bytes)
{
	recovery->in_flight -= bytes;
}
