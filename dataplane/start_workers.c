#include "start.h"

#include "frame.h"
#include "init.h"
#include "stage_reset.h"
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_mempool.h>
#include <sodium.h>

enum {
	START_POOL_CACHE_FRAMES = 256,
	START_BUFFER_BYTES = 2048 + RTE_PKTMBUF_HEADROOM,
	START_EAL_OVERHEAD_MIB = 48, /* devices' own queues, rings, EAL, rounding of the heap */
};

/* Buffers that can be in use at once: full device queues and full rings, and one burst and cache
 * for each lcore. */
static uint32_t start_buffers(const struct dataplane *dataplane)
{
	uint32_t n = dataplane->worker_count;
	uint32_t rings = n * (WORKER_INJECT_RING_FRAMES + WORKER_PUNT_RING_FRAMES) +
			 n * (n - 1) * (WORKER_STEER_RING_FRAMES + WORKER_EGRESS_RING_FRAMES);
	uint32_t lcores = (n + 1) * (2 * START_POOL_CACHE_FRAMES + WORKER_BATCH_MAX);
	return ports_descriptors(&dataplane->ports) + rings + lcores;
}

static uint64_t start_memory_bytes(
	const struct dataplane *dataplane, const struct tables_limits *limits)
{
	uint64_t buffer = START_BUFFER_BYTES + sizeof(struct rte_mbuf) + FRAME_PRIVATE_BYTES + 128;
	return tables_memory_bytes(limits) + start_buffers(dataplane) * buffer +
	       ((uint64_t)START_EAL_OVERHEAD_MIB << 20);
}

static int start_memory(struct dataplane *dataplane, const struct tables_limits *limits)
{
	dataplane->pool = rte_pktmbuf_pool_create("frames", start_buffers(dataplane),
		START_POOL_CACHE_FRAMES, FRAME_PRIVATE_BYTES, START_BUFFER_BYTES, SOCKET_ID_ANY);
	if (!dataplane->pool)
		return -rte_errno;
	size_t bytes = rte_rcu_qsbr_get_memsize(dataplane->worker_count);
	dataplane->qsbr = rte_zmalloc("qsbr", bytes, RTE_CACHE_LINE_SIZE);
	if (!dataplane->qsbr || rte_rcu_qsbr_init(dataplane->qsbr, dataplane->worker_count) != 0)
		return -ENOMEM;
	dataplane->tables = tables_create(limits, dataplane->qsbr);
	return dataplane->tables ? 0 : -ENOMEM;
}

static int start_worker(
	struct dataplane *dataplane, uint32_t id, uint32_t lcore, const uint8_t token_key[16])
{
	struct worker_config config = { .id = id,
		.lcore = lcore,
		.workers = dataplane->worker_count,
		.socket = (int)rte_lcore_to_socket_id(lcore),
		.config = &dataplane->config,
		.tables = dataplane->tables,
		.qsbr = dataplane->qsbr,
		.pool = dataplane->pool };
	memcpy(config.token_key, token_key, sizeof config.token_key);
	struct worker *worker = dataplane->workers[id] = worker_create(&config);
	sodium_memzero(config.token_key, sizeof config.token_key);
	if (!worker)
		return -ENOMEM;
	if (id > 0 && !aead_is_apart(&worker->aead))
		fprintf(stderr,
			"warning worker %u shares a copy of intel-ipsec-mb: workers slow each "
			"other; allow the process to map files of /proc/self/fd executable\n",
			id);
	worker->init = rte_zmalloc("init", sizeof *worker->init, RTE_CACHE_LINE_SIZE);
	worker->reset = rte_zmalloc("reset", sizeof *worker->reset, RTE_CACHE_LINE_SIZE);
	if (!worker->init || !worker->reset)
		return -ENOMEM;
	init_state_init(
		worker->init, &dataplane->secrets, &dataplane->ports, id, dataplane->worker_count);
	reset_state_init(worker->reset, &dataplane->secrets);
	return 0;
}

static int start_all_workers(struct dataplane *dataplane)
{
	uint8_t token_key[16];
	uint32_t id = 0;
	int result = 0;
	randombytes_buf(token_key, sizeof token_key);
	for (unsigned lcore = rte_get_next_lcore(UINT32_MAX, 1, 0);
		lcore < RTE_MAX_LCORE && !result; lcore = rte_get_next_lcore(lcore, 1, 0))
		result = start_worker(dataplane, id++, lcore, token_key);
	sodium_memzero(token_key, sizeof token_key);
	if (result == 0)
		dataplane->suites = tables_suites(dataplane->tables);
	return result ? result : workers_connect(dataplane->workers, dataplane->worker_count);
}

int start_workers(struct dataplane *dataplane, char *error, size_t error_len)
{
	dataplane->worker_count = rte_lcore_count() - 1;
	randombytes_buf(&dataplane->boot, sizeof dataplane->boot);
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	secrets_init(&dataplane->secrets, dataplane->boot, (uint64_t)now.tv_sec);
	int result = ports_plan(&dataplane->ports, dataplane->worker_count, error, error_len);
	if (result < 0)
		return result;
	struct tables_limits limits = { .devices_max = dataplane->config.devices,
		.routes_per_device = dataplane->config.routes_per_device,
		.owners = dataplane->worker_count };
	uint64_t need_mib = (start_memory_bytes(dataplane, &limits) + (1 << 20) - 1) >> 20;
	uint64_t have_mib = rte_eal_get_physmem_size() >> 20;
	fprintf(stderr,
		"info memory: %u devices with %u routes each and %u workers need %lu MiB, EAL has "
		"%lu "
		"MiB\n",
		limits.devices_max, limits.routes_per_device, dataplane->worker_count, need_mib,
		have_mib);
	result = start_memory(dataplane, &limits);
	if (result == 0)
		result = start_all_workers(dataplane);
	if (result < 0)
		snprintf(error, error_len,
			"memory: %s; give EAL at least -m %lu after -- (it has %lu MiB), or lower "
			"devices "
			"or routes_per_device in [tables]",
			strerror(-result), need_mib, have_mib);
	return result;
}

static void start_assign(struct dataplane *dataplane, uint16_t id)
{
	const struct port *port = &dataplane->ports.port[id];
	struct rte_ether_addr mac;
	memcpy(mac.addr_bytes, port->mac, sizeof port->mac);
	for (uint32_t i = 0; i < dataplane->worker_count; i++) {
		uint16_t queue = WORKER_NO_QUEUE;
		for (uint16_t q = 0; q < port->tx_queues; q++)
			if (port->tx_worker[q] == i)
				queue = q;
		/* Those without a queue are spread over those that have one. */
		uint8_t egress = port->tx_worker[port->tx_queues ? i % port->tx_queues : 0];
		worker_set_tx(dataplane->workers[i], id, queue, egress, &mac,
			port->tx_ip_checksum && port->tx_udp_checksum);
	}
}

int start_ports(struct dataplane *dataplane, char *error, size_t error_len)
{
	int result = ports_start(
		&dataplane->config, &dataplane->ports, dataplane->pool, error, error_len);
	for (uint16_t id = 0; id < dataplane->ports.count && result == 0; id++) {
		const struct port *port = &dataplane->ports.port[id];
		start_assign(dataplane, id);
		for (uint16_t queue = 0; queue < port->rx_queues && result == 0; queue++)
			result = worker_add_rx(
				dataplane->workers[port->rx_worker[queue]], id, queue);
		if (result < 0)
			snprintf(error, error_len, "port %u: too many queues for a worker", id);
	}
	if (result == 0)
		ports_print(&dataplane->config, &dataplane->ports);
	return result;
}
