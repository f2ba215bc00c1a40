#include "relay.h"

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum { POOL_FRAMES = 8191 };

int relay_eal(void)
{
	char prefix[64];
	snprintf(prefix, sizeof prefix, "--file-prefix=chappe-test-%d", (int)getpid());
	char *arguments[] = { "test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "128", "-l", "0", "--log-level=error", prefix, NULL };
	cpu_set_t all;
	CPU_ZERO(&all);
	sched_getaffinity(0, sizeof all, &all);
	const int result = rte_eal_init((int)(sizeof arguments / sizeof *arguments) - 1, arguments);
	/* EAL has bound this thread to one processor; those of the tests are to run beside it. */
	sched_setaffinity(0, sizeof all, &all);
	return result;
}

static void add_address(
	struct config *config, uint8_t family, const char *network, uint8_t host, uint16_t vlan)
{
	struct config_address *address = &config->addresses[config->address_count++];
	*address = (struct config_address){
		.family = family, .prefix = 24, .vlan = vlan, .port = CONFIG_EVERY_PORT
	};
	memcpy(address->address, network, 15);
	address->address[15] = host;
}

static void make_port(struct relay *relay, uint32_t number)
{
	static uint32_t instances;
	char name[32];

	for (uint32_t queue = 0; queue < relay->queues; queue++) {
		snprintf(name, sizeof name, "rx%u.%u.%u", instances, number, queue);
		relay->rx[number][queue] = rte_ring_create(name, RELAY_RING_FRAMES, 0, 0);
		snprintf(name, sizeof name, "tx%u.%u.%u", instances, number, queue);
		relay->tx[number][queue] = rte_ring_create(name, RELAY_RING_FRAMES, 0, 0);
		assert_non_null(relay->rx[number][queue]);
		assert_non_null(relay->tx[number][queue]);
	}
	snprintf(name, sizeof name, "p%u", instances++);
	const int id = rte_eth_from_rings(
		name, relay->rx[number], relay->queues, relay->tx[number], relay->queues, 0);
	assert_true(id >= 0);
	relay->port_ids[number] = (uint16_t)id;
	const struct rte_eth_conf conf = { 0 };
	const uint16_t queues = (uint16_t)relay->queues;
	assert_int_equal(rte_eth_dev_configure((uint16_t)id, queues, queues, &conf), 0);
	for (uint16_t queue = 0; queue < queues; queue++) {
		assert_int_equal(
			rte_eth_rx_queue_setup((uint16_t)id, queue, 64, 0, NULL, relay->pool), 0);
		assert_int_equal(rte_eth_tx_queue_setup((uint16_t)id, queue, 64, 0, NULL), 0);
	}
	assert_int_equal(rte_eth_dev_start((uint16_t)id), 0);
}

static void make_workers(struct relay *relay, const struct relay_options *options)
{
	struct rte_ether_addr mac;
	memcpy(&mac, RELAY_MAC, sizeof mac);
	for (uint32_t i = 0; i < relay->worker_count; i++) {
		const struct worker_config config = {
			.id = i,
			.workers = relay->worker_count,
			.config = &relay->config,
			.tables = relay->tables,
			.qsbr = relay->qsbr,
			.pool = relay->pool,
			.token_key = "a key of tokens",
		};
		struct worker *worker = relay->workers[i] = worker_create(&config);
		assert_non_null(worker);
		init_state_init(
			&relay->inits[i], &relay->secrets, &relay->ports, i, relay->worker_count);
		reset_state_init(&relay->resets[i], &relay->secrets);
		worker->init = &relay->inits[i];
		worker->reset = &relay->resets[i];
		for (uint32_t number = 0; number < relay->port_count; number++) {
			const bool has_queue = i < relay->queues;
			if (has_queue)
				worker_add_rx(worker, relay->port_ids[number], (uint16_t)i);
			worker_set_tx(worker, relay->port_ids[number],
				has_queue ? (uint16_t)i : (uint16_t)WORKER_NO_QUEUE, 0, &mac,
				options->tx_checksum);
		}
		rte_rcu_qsbr_thread_register(relay->qsbr, i);
		rte_rcu_qsbr_thread_online(relay->qsbr, i);
	}
	assert_int_equal(workers_connect(relay->workers, relay->worker_count), 0);
}

void relay_start(struct relay *relay, const struct relay_options *options)
{
	static uint32_t instances;
	char name[32];

	memset(relay, 0, sizeof *relay);
	relay->worker_count = options->workers ? options->workers : 1;
	relay->port_count = options->ports ? options->ports : 1;
	relay->queues = options->queues ? options->queues : 1;
	add_address(&relay->config, 4, RELAY_NETWORK4, RELAY_HOST, 0);
	add_address(&relay->config, 6, RELAY_NETWORK6, RELAY_HOST, 0);
	add_address(&relay->config, 4, RELAY_NETWORK4, RELAY_VLAN_HOST, RELAY_VLAN);
	add_address(&relay->config, 6, RELAY_NETWORK6, RELAY_VLAN_HOST, RELAY_VLAN);
	relay->config.udp_ports[relay->config.udp_port_count++] = WIRE_PORT;
	relay->config.udp_unsummed = options->udp_unsummed;
	snprintf(name, sizeof name, "frames%u", instances++);
	relay->pool = rte_pktmbuf_pool_create(name, POOL_FRAMES, 0, FRAME_PRIVATE_BYTES,
		RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	assert_non_null(relay->pool);
	const size_t size = rte_rcu_qsbr_get_memsize(RELAY_WORKERS_MAX);
	relay->qsbr = rte_zmalloc(NULL, size, RTE_CACHE_LINE_SIZE);
	assert_non_null(relay->qsbr);
	assert_int_equal(rte_rcu_qsbr_init(relay->qsbr, RELAY_WORKERS_MAX), 0);
	relay->tables = tables_create(
		&(struct tables_limits){
			.devices_max = RELAY_DEVICES,
			.routes_per_device = RELAY_ROUTES_PER_DEVICE,
			.owners = relay->worker_count,
		},
		relay->qsbr);
	assert_non_null(relay->tables);
	secrets_init(&relay->secrets, 77, 0);
	secrets_set(&relay->secrets, (const uint8_t[WIRE_KEY_BYTES]){ 1 },
		(const uint8_t[RESET_SECRET_BYTES]){ 2 });
	secrets_turn(&relay->secrets, relay->qsbr, 1);
	for (uint32_t number = 0; number < relay->port_count; number++)
		make_port(relay, number);
	make_workers(relay, options);
}

static void empty(struct rte_ring *ring)
{
	void *mbuf;
	while (rte_ring_dequeue(ring, &mbuf) == 0)
		rte_pktmbuf_free(mbuf);
}

void relay_stop(struct relay *relay)
{
	for (uint32_t i = 0; i < relay->worker_count; i++) {
		const struct worker *worker = relay->workers[i];
		assert_int_equal(worker->taken + worker->made, worker->given + worker->dropped);
		rte_rcu_qsbr_thread_offline(relay->qsbr, i);
		rte_rcu_qsbr_thread_unregister(relay->qsbr, i);
		worker_destroy(relay->workers[i]);
	}
	for (uint32_t number = 0; number < relay->port_count; number++) {
		rte_eth_dev_stop(relay->port_ids[number]);
		rte_eth_dev_close(relay->port_ids[number]);
		for (uint32_t queue = 0; queue < relay->queues; queue++) {
			empty(relay->rx[number][queue]);
			empty(relay->tx[number][queue]);
			rte_ring_free(relay->rx[number][queue]);
			rte_ring_free(relay->tx[number][queue]);
		}
	}
	share_unmap(&relay->share);
	share_unmap(&relay->store);
	tables_destroy(relay->tables);
	assert_int_equal(rte_mempool_avail_count(relay->pool), POOL_FRAMES);
	rte_mempool_free(relay->pool);
	rte_free(relay->qsbr);
}

void relay_connect_store(struct relay *relay)
{
	int fd;
	assert_int_equal(share_make(&relay->share, relay->worker_count, &fd), 0);
	assert_int_equal(share_map(&relay->store, relay->worker_count, fd), 0);
	close(fd);
	for (uint32_t i = 0; i < relay->worker_count; i++) {
		relay->workers[i]->store_up = relay->share.up[i];
		relay->workers[i]->store_connected = true;
	}
}

void relay_turn(struct relay *relay)
{
	for (uint32_t i = 0; i < relay->worker_count; i++)
		worker_poll(relay->workers[i]);
	for (uint32_t i = 0; i < relay->worker_count; i++) {
		uint32_t index;
		while (rte_ring_sc_dequeue_elem(relay->workers[i]->events, &index, sizeof index) ==
			0)
			tables_session_confirm(relay->tables, index);
	}
	tables_reclaim(relay->tables, NULL, NULL);
}

uint64_t relay_counter(const struct relay *relay, enum counter counter)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < relay->worker_count; i++)
		sum += worker_counter(relay->workers[i], counter);
	return sum;
}

uint64_t relay_drops(const struct relay *relay)
{
	uint64_t sum = 0;
	for (enum counter counter = COUNTER_drop_not_ip; counter < COUNTER_COUNT; counter++)
		sum += relay_counter(relay, counter);
	return sum;
}

void relay_print(const struct relay *relay)
{
	static const char *const names[] = {
#define X(name, help) #name,
		COUNTERS(X)
#undef X
	};
	for (enum counter counter = 0; counter < COUNTER_COUNT; counter++)
		if (relay_counter(relay, counter) > 0)
			print_message("%s %lu\n", names[counter], relay_counter(relay, counter));
}

uint32_t relay_waiting(const struct relay *relay)
{
	uint32_t n = 0;
	for (uint32_t number = 0; number < relay->port_count; number++)
		for (uint32_t queue = 0; queue < relay->queues; queue++)
			n += rte_ring_count(relay->tx[number][queue]);
	return n;
}
