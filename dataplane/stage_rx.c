#include "stage.h"

#include <rte_ethdev.h>

uint32_t stage_rx(struct worker *worker, struct rte_mbuf **frames)
{
	uint64_t bytes = 0;

	if (worker->rx_count == 0)
		return 0;
	const struct worker_queue *queue = &worker->rx[worker->rx_next];
	worker->rx_next = worker->rx_next + 1 < worker->rx_count ? worker->rx_next + 1 : 0;
	const uint32_t n = rte_eth_rx_burst(queue->port, queue->queue, frames, WORKER_RX_BURST);
	if (n == 0)
		return 0;
	/* Where a packet lies is said by its mbuf, which is on its way too: ask for where it most
	 * likely is. A second line for the transport header behind IPv6's. */
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *likely_at =
			(const uint8_t *)(frame_of(frames[i]) + 1) + RTE_PKTMBUF_HEADROOM;
		rte_prefetch0(frames[i]);
		rte_prefetch0(frame_of(frames[i]));
		rte_prefetch0(likely_at);
		rte_prefetch0(likely_at + RTE_CACHE_LINE_SIZE);
	}
	for (uint32_t i = 0; i < n; i++) {
		rte_prefetch0(rte_pktmbuf_mtod(frames[i], void *));
		bytes += frames[i]->pkt_len;
		frames[i]->port = queue->port; /* net_ring leaves it as it was */
	}
	worker_count(worker, COUNTER_rx_frames, n);
	worker_count(worker, COUNTER_rx_bytes, bytes);
	worker->taken += n;
	return n;
}
