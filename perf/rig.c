#include "rig.h"

#include "bench.h"
#include "dataplane/frame.h"
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	RIG_POOL_SPARE_FRAMES = 1024,
	RIG_POOL_CACHE_FRAMES = 256,
	RIG_BUFFER_BYTES = 2048 + RTE_PKTMBUF_HEADROOM, /* as start.c has them */
	RIG_QUEUE_DESCRIPTORS = 64,                     /* net_ring does not look at it */
	/* net_ring counts in 24 bytes a queue: two workers would write to one cache line. */
	RIG_QUEUE_STEP = 8,
	RIG_QUEUES_MAX = (RIG_WORKERS_MAX - 1) * RIG_QUEUE_STEP + 1,
};

static uint32_t device_room(uint32_t sessions)
{
	return sessions < 1024 ? 1024 : sessions;
}

static uint32_t pool_frames(uint32_t workers)
{
	return workers * (RIG_ROUND_FRAMES + 2 * RIG_POOL_CACHE_FRAMES) + RIG_POOL_SPARE_FRAMES;
}

uint32_t rig_need_mib(uint32_t sessions, uint32_t workers)
{
	const struct tables_limits limits = {
		.devices_max = device_room(sessions),
		.routes_per_device = RIG_ROUTES,
		.owners = workers,
	};
	const uint64_t buffer =
		RIG_BUFFER_BYTES + sizeof(struct rte_mbuf) + FRAME_PRIVATE_BYTES + 128;

	return (uint32_t)((tables_memory_bytes(&limits) + pool_frames(workers) * buffer) >> 20) +
	       64;
}

static void make_port(struct rig *rig)
{
	const uint16_t queues = (uint16_t)((rig->options.workers - 1) * RIG_QUEUE_STEP + 1);
	const struct rte_eth_conf conf = { 0 };
	static uint32_t instances;
	struct rte_ring *rx[RIG_QUEUES_MAX], *tx[RIG_QUEUES_MAX];
	char name[32];

	for (uint32_t i = 0; i < rig->options.workers; i++) {
		snprintf(name, sizeof name, "rx%u.%u", instances, i);
		rig->rx[i] =
			rte_ring_create(name, RIG_RING_FRAMES, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
		snprintf(name, sizeof name, "tx%u.%u", instances, i);
		rig->tx[i] =
			rte_ring_create(name, RIG_RING_FRAMES, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (rig->rx[i] == NULL || rig->tx[i] == NULL)
			bench_fail("no memory for rings");
	}
	for (uint16_t i = 0; i < queues; i++) {
		rx[i] = rig->rx[i / RIG_QUEUE_STEP];
		tx[i] = rig->tx[i / RIG_QUEUE_STEP];
	}
	snprintf(name, sizeof name, "bench%u", instances++);
	const int port = rte_eth_from_rings(name, rx, queues, tx, queues, 0);
	if (port < 0 || rte_eth_dev_configure((uint16_t)port, queues, queues, &conf) < 0)
		bench_fail("no memory-backed port");
	rig->port = (uint16_t)port;
	for (uint16_t i = 0; i < queues; i++)
		if (rte_eth_rx_queue_setup(
			    rig->port, i, RIG_QUEUE_DESCRIPTORS, 0, NULL, rig->pool) < 0 ||
			rte_eth_tx_queue_setup(rig->port, i, RIG_QUEUE_DESCRIPTORS, 0, NULL) < 0)
			bench_fail("no queues on the memory-backed port");
	if (rte_eth_dev_start(rig->port) < 0)
		bench_fail("the memory-backed port does not start");
}

static void make_config(struct rig *rig)
{
	static const uint8_t ipv4[16] = { [10] = 0xff, 0xff, 198, 18, 0, 2 };
	static const uint8_t ipv6[16] = { 0x20, 0x01, 0, 2, [15] = 2 };
	struct config *config = &rig->config;

	memset(config, 0, sizeof *config);
	config->address_count = 2;
	config->addresses[0] =
		(struct config_address){ .family = 4, .prefix = 24, .port = CONFIG_EVERY_PORT };
	memcpy(config->addresses[0].address, ipv4, sizeof ipv4);
	config->addresses[1] =
		(struct config_address){ .family = 6, .prefix = 64, .port = CONFIG_EVERY_PORT };
	memcpy(config->addresses[1].address, ipv6, sizeof ipv6);
	config->udp_ports[config->udp_port_count++] = WIRE_PORT;
}

static void make_workers(struct rig *rig)
{
	for (uint32_t i = 0; i < rig->options.workers; i++) {
		const struct worker_config config = {
			.id = i,
			.workers = rig->options.workers,
			.config = &rig->config,
			.tables = rig->tables,
			.qsbr = rig->qsbr,
			.pool = rig->pool,
			.token_key = "a key of tokens",
		};
		struct worker *worker = rig->workers[i] = worker_create(&config);
		if (worker == NULL)
			bench_fail("no memory for a worker");
		worker->init = rte_zmalloc(NULL, sizeof *worker->init, RTE_CACHE_LINE_SIZE);
		worker->reset = rte_zmalloc(NULL, sizeof *worker->reset, RTE_CACHE_LINE_SIZE);
		if (worker->init == NULL || worker->reset == NULL)
			bench_fail("no memory for a worker");
		init_state_init(worker->init, &rig->secrets, &rig->ports, i, rig->options.workers);
		reset_state_init(worker->reset, &rig->secrets);
		worker_add_rx(worker, rig->port, (uint16_t)(i * RIG_QUEUE_STEP));
		rte_rcu_qsbr_thread_register(rig->qsbr, i);
		rte_rcu_qsbr_thread_online(rig->qsbr, i);
	}
	if (workers_connect(rig->workers, rig->options.workers) < 0)
		bench_fail("no memory for rings between workers");
	rig_offload(rig, false);
}

void rig_offload(struct rig *rig, bool offload)
{
	static const struct rte_ether_addr mac = { { 0x02, 0, 0, 0, 0, 1 } };

	for (uint32_t i = 0; i < rig->options.workers; i++)
		worker_set_tx(rig->workers[i], rig->port, (uint16_t)(i * RIG_QUEUE_STEP),
			(uint16_t)i, &mac, offload);
}

void rig_open(struct rig *rig, const struct rig_options *options)
{
	static uint32_t instances;
	char name[32];

	memset(rig, 0, sizeof *rig);
	rig->options = *options;
	make_config(rig);
	rig->indices = calloc(options->sessions, sizeof *rig->indices);
	rig->counters = calloc(options->sessions, sizeof *rig->counters);
	snprintf(name, sizeof name, "frames%u", instances++);
	rig->pool = rte_pktmbuf_pool_create(name, pool_frames(options->workers),
		RIG_POOL_CACHE_FRAMES, FRAME_PRIVATE_BYTES, RIG_BUFFER_BYTES, SOCKET_ID_ANY);
	rig->qsbr = rte_zmalloc(
		"qsbr", rte_rcu_qsbr_get_memsize(options->workers), RTE_CACHE_LINE_SIZE);
	if (rig->indices == NULL || rig->counters == NULL || rig->pool == NULL ||
		rig->qsbr == NULL || rte_rcu_qsbr_init(rig->qsbr, options->workers) != 0)
		bench_fail("no memory for the rig");
	const struct tables_limits limits = {
		.devices_max = device_room(options->sessions),
		.routes_per_device = RIG_ROUTES,
		.owners = options->workers,
	};
	rig->tables = tables_create(&limits, rig->qsbr);
	if (rig->tables == NULL)
		bench_fail("no memory for the tables of %u devices", limits.devices_max);
	secrets_init(&rig->secrets, 1, 0);
	make_port(rig);
	make_workers(rig);
	rig_connect(rig);
}

void rig_open_from(
	struct rig *rig, uint32_t workers, struct options *options, int argc, char **argv)
{
	options_parse(options, argc, argv);
	bench_eal(workers, rig_need_mib(options->sessions, workers));
	const struct rig_options rig_options = {
		.sessions = options->sessions,
		.workers = workers,
		.family = options->family,
		.suite = options->suite,
	};
	rig_open(rig, &rig_options);
}

void rig_close(struct rig *rig)
{
	rig_settle(rig);
	rte_eth_dev_stop(rig->port);
	for (uint32_t i = 0; i < rig->options.workers; i++) {
		rte_rcu_qsbr_thread_offline(rig->qsbr, i);
		rte_rcu_qsbr_thread_unregister(rig->qsbr, i);
		rte_free(rig->workers[i]->init);
		rte_free(rig->workers[i]->reset);
		worker_destroy(rig->workers[i]);
	}
	rte_eth_dev_close(rig->port);
	for (uint32_t i = 0; i < rig->options.workers; i++) {
		rte_ring_free(rig->rx[i]);
		rte_ring_free(rig->tx[i]);
	}
	tables_destroy(rig->tables);
	if (rte_mempool_avail_count(rig->pool) != pool_frames(rig->options.workers))
		bench_fail("buffers are missing");
	rte_mempool_free(rig->pool);
	rte_free(rig->qsbr);
	free(rig->indices);
	free(rig->counters);
}

uint64_t rig_counter(const struct rig *rig, enum counter counter)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < rig->options.workers; i++)
		sum += worker_counter(rig->workers[i], counter);
	return sum;
}

void rig_fail(const struct rig *rig, const char *what)
{
	static const char *const names[] = {
#define X(name, help) #name,
		COUNTERS(X)
#undef X
	};

	for (enum counter counter = 0; counter < COUNTER_COUNT; counter++)
		if (rig_counter(rig, counter) > 0)
			fprintf(stderr, "     %s %lu\n", names[counter], rig_counter(rig, counter));
	bench_fail("%s", what);
}
