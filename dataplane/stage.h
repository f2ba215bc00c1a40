/* The stages of the packet path, in the order of worker_poll(). Each takes n frames, returns how
 * many of them go on (moved to the front of the array) and has handed the others to a branch, a
 * ring or worker_drop(): frames in = frames on + branched + dropped, asserted in debug builds.
 * Stages never call stages, make no system call, take no lock, allocate nothing but mbufs and log
 * nothing. */
#ifndef CHAPPE_DATAPLANE_STAGE_H
#define CHAPPE_DATAPLANE_STAGE_H

#include "frame.h"
#include "worker.h"
#include <assert.h>

/* Frames that a stage has branched off, given away or dropped so far, less those it made: grows by
 * n - on in a stage that takes n frames and lets `on` of them go on. */
static inline uint64_t stage_flow(const struct worker *worker)
{
	return worker->hosts.n + worker->inits.n + worker->refused.n + worker->extra.n +
	       worker->raw.n + worker->stored.n + worker->given + worker->dropped - worker->made;
}

/* At the end of a stage: frames in = frames on + branched + dropped. before: stage_flow() at its
 * beginning. */
static inline void stage_check_flow(
	const struct worker *worker, uint64_t before, uint32_t on, uint32_t n)
{
	assert(stage_flow(worker) - before + on == n);
	RTE_SET_USED(worker);
	RTE_SET_USED(before);
	RTE_SET_USED(on);
	RTE_SET_USED(n);
}

/* One burst from one of the worker's receive queues, which take turns. */
uint32_t stage_rx(struct worker *worker, struct rte_mbuf **frames);

/* Checks Ethernet, VLAN, IP, UDP and the wire format. On: transport frames. Branches: hosts, inits.
 */
uint32_t stage_classify(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* Hands frames of other owners to them, adds what they handed here. On: frames of own sessions. */
uint32_t stage_steer(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* Index to session, expiry, AEAD. On: opened frames. Branch: refused. */
uint32_t stage_open(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* The replay window. The first that writes to a session: its frames are authentic. */
uint32_t stage_replay(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* The device's limits in frames and bytes. */
uint32_t stage_meter(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* Inner header; a pending session takes keepalives only, the first of which confirms it. */
uint32_t stage_admit(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* Endpoint candidates, echoed tokens and moves. Branch: extra (challenges, which it makes). */
uint32_t stage_roam(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* By kind. On: live frames. Branches: extra (answered keepalives), the punt ring (control), stored
 * (stored and received frames). */
uint32_t stage_sort(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* Route to device to its current session. */
uint32_t stage_route(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* Takes what main wants sent. Branches: extra (to seal), raw (as it is). */
void stage_inject(struct worker *worker);

/* That the session to seal for is still that of frame->index; counter and AEAD, in place. */
uint32_t stage_seal(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* Writes UDP, IP, VLAN and Ethernet headers of the endpoint and names the port in mbuf->port. */
uint32_t stage_address(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* To the transmit queue or egress ring of mbuf->port. All frames end here; returns n. */
uint32_t stage_tx(struct worker *worker, struct rte_mbuf **frames, uint32_t n);
/* Adds what other workers handed over for queues of this one. */
void stage_egress(struct worker *worker);
/* Hands the bursts that gathered to the transmit queues; returns how many frames those are. */
uint32_t stage_tx_flush(struct worker *worker);

/* What sort branched off goes into the ring that is shared with chappe-store (store/share.h), where
 * its route leads to a device, or, if it is an acknowledgement, to the device that sent it. Returns
 * how many frames there were; none is left. */
uint32_t stage_store(struct worker *worker);

/* The branches. host_answer: whole Ethernet frames in, whole Ethernet frames out, to be sent on
 * mbuf->port; returns how many answers there are, at the front of the array; frees the others. */
uint32_t host_answer(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* Inits to the punt ring: work, endpoint and owner filled in. Returns how many cookie replies there
 * are, at the front of the array, each 512 bytes of payload with endpoint and to_endpoint set. */
uint32_t init_punt(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

/* Resets for what open refused: payload rewritten in place, endpoint and to_endpoint set. Returns
 * how many there are; frees the others, which open has counted already. */
uint32_t reset_answer(struct worker *worker, struct rte_mbuf **frames, uint32_t n);

#endif
