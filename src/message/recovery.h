/* Loss recovery and congestion control of RFC 9002: round trip times (section 5), timers and
 * thresholds (6), NewReno (7), pacing (7.7). Only arithmetic: which frames are on the way is the
 * outbox's business. Bytes are those of whole frames. */
#ifndef CHAPPE_RECOVERY_H
#define CHAPPE_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RECOVERY_PACKET_THRESHOLD = 3,
	RECOVERY_PERSISTENT_PTOS = 3, /* kPersistentCongestionThreshold */
};
#define RECOVERY_GRANULARITY_NS UINT64_C(1000000)
#define RECOVERY_INITIAL_RTT_NS UINT64_C(333000000)

/* A probe timeout grows by doubling, but not beyond a bound: an eighth of the time since the
 * contact was last heard, at least BACKOFF_MIN, at most BACKOFF_MAX. A contact that comes back is
 * found within an eighth of its absence. */
#define RECOVERY_BACKOFF_MIN_NS UINT64_C(2000000000)
#define RECOVERY_BACKOFF_MAX_NS UINT64_C(60000000000)

struct recovery {
	bool sampled; /* a round trip has been measured */
	bool full;    /* the window, not the data, bounded what was sent last */
	unsigned timeouts;
	uint64_t latest_ns, smoothed_ns, variance_ns, minimum_ns, first_sample_ns;
	uint64_t window, threshold, in_flight; /* bytes */
	uint64_t episode_ns;                   /* congestion seen then; 0 = never */
	uint64_t pace_ns;                      /* the next frame goes then */
};

void recovery_init(struct recovery *recovery);

/* A round trip of rtt_ns, of which the other side says it waited delay_ns. */
void recovery_sample(
	struct recovery *recovery, uint64_t now_ns, uint64_t rtt_ns, uint64_t delay_ns);

/* How long after it was sent a frame is lost, if a later one was acknowledged. */
uint64_t recovery_loss_delay_ns(const struct recovery *recovery);

/* Probe timeout, without and with backing off; silence_ns: since the contact was last heard. */
uint64_t recovery_timeout_ns(const struct recovery *recovery);
uint64_t recovery_backed_off_ns(const struct recovery *recovery, uint64_t silence_ns);

void recovery_sent(struct recovery *recovery, uint64_t now_ns, uint64_t bytes);
void recovery_acked(struct recovery *recovery, uint64_t sent_ns, uint64_t bytes);
/* Frames lost at once, the last of them sent at last_sent_ns. persistent: they span
 * RECOVERY_PERSISTENT_PTOS timeouts with nothing acknowledged in between. */
void recovery_lost(struct recovery *recovery, uint64_t now_ns, uint64_t last_sent_ns,
	uint64_t bytes, bool persistent);
/* Frames no longer waited for, for reasons that say nothing about the path. */
void recovery_forgot(struct recovery *recovery, uint64_t bytes);

static inline bool recovery_has_room(const struct recovery *recovery, uint64_t bytes)
{
	return recovery->in_flight + bytes <= recovery->window;
}

#endif
