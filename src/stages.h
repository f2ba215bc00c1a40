/* Stages of the dataplane's packet path in their order, one line each: name and what they do. */
#ifndef CHAPPE_STAGES_H
#define CHAPPE_STAGES_H

#include <stdint.h>

#define STAGES(X)                                                                                  \
	X(rx, "a burst from a receive queue")                                                      \
	X(classify, "Ethernet, IP, UDP and the wire format")                                       \
	X(steer, "to the owner of the session, and from other workers")                            \
	X(open, "index to session, expiry, AEAD")                                                  \
	X(replay, "the replay window")                                                             \
	X(meter, "the device's limits")                                                            \
	X(admit, "inner header, confirmation")                                                     \
	X(roam, "endpoint candidates and moves")                                                   \
	X(sort, "by kind")                                                                         \
	X(route, "route to device to its session")                                                 \
	X(seal, "counter and AEAD")                                                                \
	X(address, "UDP, IP and Ethernet headers")                                                 \
	X(tx, "to the port's batch or egress ring")                                                \
	X(store, "stored frames and their acknowledgements, to the message store")                 \
	X(branches, "host, handshakes, resets")                                                    \
	X(inject, "what does not come from a receive queue, sealed, addressed and sent")           \
	X(flush, "egress rings, transmit queues, grace periods")                                   \
	X(idle, "turns that found nothing to do, in all of their stages")

enum stage {
#define X(name, help) STAGE_##name,
	STAGES(X)
#undef X
		STAGE_COUNT
};

/* Of one worker since it began, while timing was on. */
struct stage_sum {
	uint64_t cycles; /* TSC */
	uint64_t frames; /* that passed it */
};

#endif
