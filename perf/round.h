/* A round: frames from random devices to random routes, sealed before anything is timed, loaded
 * into buffers for the floor and for the path alike, and checked one by one when they came out. */
#ifndef CHAPPE_PERF_ROUND_H
#define CHAPPE_PERF_ROUND_H

#include "rig.h"

enum { ROUND_PACKET_BYTES = 1344 }; /* headers and a large cell, whole cache lines */

struct round {
	struct rig *rig;
	uint32_t n, cell;
	bool offload;          /* packets are marked as checked by the port */
	uint32_t first;        /* device number of the first; of the devices that take part: */
	uint32_t step;         /* first, first + step, first + 2 step .. */
	uint32_t stored_every; /* frames 0, N, 2 N .. are stored ones; 0: all are live */
	uint64_t random;       /* state */
	uint64_t frame_id;     /* of the first frame; the others count up */
	uint32_t *from, *to;
	uint8_t *packets;        /* sealed, n of ROUND_PACKET_BYTES */
	struct rte_mbuf **mbufs; /* of this round */
	struct rte_mbuf **next;  /* what the path takes from the pool for the next one */
	uint8_t **cells;         /* where each cell lies in its buffer */
};

void round_init(struct round *round, struct rig *rig, uint32_t n, uint64_t seed);
void round_free(struct round *round);
/* Whether it comes out. */
static inline bool round_is_live(const struct round *round, uint32_t i)
{
	return round->stored_every == 0 || i % round->stored_every != 0;
}
/* Draws pairs, writes and seals the frames. */
void round_make(struct round *round);
/* Writes the packets into the buffers. */
void round_load(struct round *round);
/* After the path sent and freed the buffers. check: every live one holds a packet to its recipient,
 * whose frame opens with the recipient's key (libsodium) and is what the sender sealed; fails
 * otherwise. What the path took from the pool is what the next round loads. */
void round_done(struct round *round, bool check);

#endif
