#include "drive.h"

#include "bench.h"
#include <rte_cycles.h>

enum { DRIVE_STALLS_PER_S = 10 };

uint32_t drive_offer(const struct drive *drive, uint32_t offered)
{
	struct round *round = drive->round;
	const uint32_t n = RTE_MIN(drive->burst, round->n - offered);

	if (n == 0 || rte_mempool_get_bulk(round->rig->pool, (void **)(round->next + offered), n))
		return 0;
	return rte_ring_sp_enqueue_bulk(
		round->rig->rx[drive->worker], (void *const *)(round->mbufs + offered), n, NULL);
}

uint32_t drive_take(const struct drive *drive)
{
	struct rte_mbuf *sent[WORKER_BATCH_MAX];
	const uint32_t n = rte_ring_sc_dequeue_burst(
		drive->round->rig->tx[drive->worker], (void **)sent, WORKER_BATCH_MAX, NULL);

	rte_pktmbuf_free_bulk(sent, n);
	return n;
}

/* Whether all frames of the run were sent. While there are some of its own to send, a drive does
 * not look at the other's count: that is a line of the other core's. */
static bool over(struct drive *drive, uint32_t n)
{
	uint32_t sent = drive->sent + n;

	__atomic_store_n(&drive->sent, sent, __ATOMIC_RELAXED);
	if (drive->other != NULL) {
		if (n > 0)
			return false;
		sent += __atomic_load_n(&drive->other->sent, __ATOMIC_RELAXED);
	}
	return sent >= drive->total;
}

void drive_run(struct drive *drive)
{
	struct worker *worker = drive->round->rig->workers[drive->worker];
	uint32_t offered = 0, n;

	const uint64_t before = bench_preemptions();
	drive->start = rte_rdtsc_precise();
	const uint64_t latest = drive->start + rte_get_tsc_hz() / DRIVE_STALLS_PER_S;
	do {
		offered += drive_offer(drive, offered);
		worker_poll(worker);
		n = drive_take(drive);
	} while (!over(drive, n) && (n > 0 || rte_rdtsc() < latest));
	drive->end = rte_rdtsc_precise();
	drive->alone = bench_preemptions() == before;
}
