#include "stage.h"

#include <rte_ethdev.h>

static void flush(struct worker *worker, uint16_t port)
{
	struct worker_batch *batch = &worker->out[port];
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < batch->n; i++)
		bytes += batch->frames[i]->pkt_len;
	const uint32_t sent = rte_eth_tx_burst(
		port, worker->ports[port].tx_queue, batch->frames, (uint16_t)batch->n);
	worker->given += sent;
	for (uint32_t i = sent; i < batch->n; i++) {
		bytes -= batch->frames[i]->pkt_len;
		worker_drop(worker, batch->frames[i], COUNTER_drop_tx_full);
	}
	worker_count(worker, COUNTER_tx_frames, sent);
	worker_count(worker, COUNTER_tx_bytes, bytes);
	batch->n = 0;
}

static void to_port(struct worker *worker, struct rte_mbuf *mbuf)
{
	struct worker_batch *batch = &worker->out[mbuf->port];

	if (batch->n == WORKER_BATCH_MAX)
		flush(worker, mbuf->port);
	worker_batch_add(batch, mbuf);
	worker->out_ports |= UINT32_C(1) << mbuf->port;
}

uint32_t stage_tx(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct worker_port *port = &worker->ports[frames[i]->port];
		if (likely(port->tx_queue != WORKER_NO_QUEUE)) {
			to_port(worker, frames[i]);
			continue;
		}
		if (rte_ring_sp_enqueue(worker->egress_out[port->egress_worker], frames[i]) != 0) {
			worker_drop(worker, frames[i], COUNTER_drop_egress_full);
			continue;
		}
		worker->given++;
		worker_count(worker, COUNTER_egress_frames, 1);
	}
	return n;
}

void stage_egress(struct worker *worker)
{
	struct rte_mbuf *frames[WORKER_RING_BURST];
	const uint32_t taken = worker_take(worker, worker->egress_in, frames);

	for (uint32_t i = 0; i < taken; i++)
		to_port(worker, frames[i]);
}

uint32_t stage_tx_flush(struct worker *worker)
{
	uint32_t n = 0;

	while (worker->out_ports != 0) {
		const uint16_t port = (uint16_t)__builtin_ctz(worker->out_ports);
		worker->out_ports &= worker->out_ports - 1;
		n += worker->out[port].n;
		flush(worker, port);
	}
	return n;
}
