#include "relay.h"

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum { POOL_FRAMES = 8191, UDP_PROTOCOL = 17 };

static const uint8_t relay_mac[6] = { 0x02, 0, 0, 0, 0, 1 };
static const uint8_t device_mac[6] = { 0x02, 0, 0, 0, 1, 0 };

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

#define NETWORK4 "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0"
#define NETWORK6 "\x20\x01\0\2\0\0\0\0\0\0\0\0\0\0\0"

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
	memcpy(&mac, relay_mac, sizeof mac);
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
	add_address(&relay->config, 4, NETWORK4, RELAY_HOST, 0);
	add_address(&relay->config, 6, NETWORK6, RELAY_HOST, 0);
	add_address(&relay->config, 4, NETWORK4, RELAY_VLAN_HOST, RELAY_VLAN);
	add_address(&relay->config, 6, NETWORK6, RELAY_VLAN_HOST, RELAY_VLAN);
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

struct endpoint place(uint16_t port, uint8_t family, uint16_t vlan, uint8_t host, uint16_t udp_port)
{
	struct endpoint endpoint = {
		.port = port,
		.vlan = vlan,
		.family = family,
		.local_port = __builtin_bswap16(WIRE_PORT),
		.remote_port = __builtin_bswap16(udp_port),
	};
	const char *network = family == 4 ? NETWORK4 : NETWORK6;
	memcpy(endpoint.next_hop, device_mac, 6);
	memcpy(endpoint.local, network, 15);
	memcpy(endpoint.remote, network, 15);
	endpoint.local[15] = vlan ? RELAY_VLAN_HOST : RELAY_HOST;
	endpoint.remote[15] = host;
	return endpoint;
}

/* RFC 1071, word by word. */
static uint16_t sum16(uint32_t sum, const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | (i + 1 < len ? bytes[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void big16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t from_big16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* UDP's checksum: addresses, protocol, length, datagram. */
static uint16_t udp_sum(const uint8_t *addresses, uint32_t address_bytes, const uint8_t *udp)
{
	const uint32_t len = from_big16(udp + 4);
	const uint32_t sum = sum16(UDP_PROTOCOL + len, addresses, address_bytes);
	return sum16(sum, udp, len);
}

struct rte_mbuf *packet(
	struct relay *relay, const struct endpoint *from, const void *payload, uint32_t len)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(relay->pool);
	assert_non_null(mbuf);
	const uint32_t ether = from->vlan ? 18 : 14, ip_len = from->family == 4 ? 20 : 40;
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(ether + ip_len + 8 + len));
	assert_non_null(at);
	memset(at, 0, ether + ip_len + 8);
	memset(frame_of(mbuf), 0xee, sizeof(struct frame)); /* nothing may rely on zeros */
	memcpy(at, relay_mac, 6);
	memcpy(at + 6, from->next_hop, 6);
	if (from->vlan) {
		big16(at + 12, 0x8100);
		big16(at + 14, from->vlan);
	}
	big16(at + ether - 2, from->family == 4 ? 0x0800 : 0x86dd);
	uint8_t *ip = at + ether, *udp = ip + ip_len;
	const uint8_t *addresses = from->family == 4 ? ip + 12 : ip + 8;
	if (from->family == 4) {
		ip[0] = 0x45;
		big16(ip + 2, 20 + 8 + len);
		ip[8] = 61;
		ip[9] = UDP_PROTOCOL;
		memcpy(ip + 12, from->remote + 12, 4);
		memcpy(ip + 16, from->local + 12, 4);
		big16(ip + 10, (uint16_t)~sum16(0, ip, 20));
	} else {
		ip[0] = 0x60;
		big16(ip + 4, 8 + len);
		ip[6] = UDP_PROTOCOL;
		ip[7] = 61;
		memcpy(ip + 8, from->remote, 16);
		memcpy(ip + 24, from->local, 16);
	}
	memcpy(udp, &from->remote_port, 2);
	memcpy(udp + 2, &from->local_port, 2);
	big16(udp + 4, 8 + len);
	memcpy(udp + 8, payload, len);
	const uint16_t sum = (uint16_t)~udp_sum(addresses, from->family == 4 ? 8 : 32, udp);
	big16(udp + 6, sum ? sum : 0xffff);
	return mbuf;
}

void relay_receive(struct relay *relay, uint16_t port, uint16_t queue, struct rte_mbuf *mbuf)
{
	assert_int_equal(rte_ring_enqueue(relay->rx[port][queue], mbuf), 0);
}

void packet_parse(const struct relay *relay, const struct rte_mbuf *mbuf, struct datagram *datagram)
{
	const uint8_t *at = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	const bool vlan = from_big16(at + 12) == 0x8100;
	const uint8_t *ip = at + (vlan ? 18 : 14);
	const bool offload = relay->workers[0]->ports[relay->port_ids[0]].tx_checksum;
	struct endpoint *to = &datagram->to;

	memset(datagram, 0, sizeof *datagram);
	assert_int_equal(mbuf->nb_segs, 1);
	assert_int_equal(mbuf->data_len, mbuf->pkt_len);
	assert_memory_equal(at + 6, relay_mac, 6);
	memcpy(to->next_hop, at, 6);
	to->vlan = vlan ? (uint16_t)from_big16(at + 14) : 0;
	to->family = from_big16(ip - 2) == 0x0800 ? 4 : 6;
	const uint32_t ip_len = to->family == 4 ? 20 : 40;
	const uint8_t *udp = ip + ip_len;
	if (to->family == 4) {
		assert_int_equal(ip[0], 0x45);
		assert_int_equal(from_big16(ip + 2), mbuf->pkt_len - (uint32_t)(ip - at));
		assert_int_equal(ip[9], UDP_PROTOCOL);
		if (!offload)
			assert_int_equal(sum16(0, ip, 20), 0xffff);
		memcpy(to->local, NETWORK4, 12);
		memcpy(to->remote, NETWORK4, 12);
		memcpy(to->local + 12, ip + 12, 4);
		memcpy(to->remote + 12, ip + 16, 4);
	} else {
		assert_int_equal(from_big16(ip - 2), 0x86dd);
		assert_int_equal(ip[0], 0x60);
		assert_int_equal(from_big16(ip + 4), mbuf->pkt_len - (uint32_t)(udp - at));
		assert_int_equal(ip[6], UDP_PROTOCOL);
		memcpy(to->local, ip + 8, 16);
		memcpy(to->remote, ip + 24, 16);
	}
	memcpy(&to->local_port, udp, 2);
	memcpy(&to->remote_port, udp + 2, 2);
	const uint8_t *addresses = to->family == 4 ? ip + 12 : ip + 8;
	if (!offload && to->family == 4 && relay->config.udp_unsummed)
		assert_int_equal(from_big16(udp + 6), 0);
	else if (!offload)
		assert_int_equal(udp_sum(addresses, to->family == 4 ? 8 : 32, udp), 0xffff);
	datagram->len = from_big16(udp + 4) - 8;
	assert_int_equal(udp + 8 + datagram->len - at, mbuf->pkt_len);
	assert_true(datagram->len <= sizeof datagram->payload);
	memcpy(datagram->payload, udp + 8, datagram->len);
}

bool relay_transmitted(struct relay *relay, uint16_t port, struct datagram *datagram)
{
	struct rte_mbuf *mbuf = NULL;

	memset(datagram, 0, sizeof *datagram);
	for (uint32_t queue = 0; queue < relay->queues; queue++) {
		if (rte_ring_dequeue(relay->tx[port][queue], (void **)&mbuf) != 0)
			continue;
		packet_parse(relay, mbuf, datagram);
		datagram->to.port = relay->port_ids[port];
		rte_pktmbuf_free(mbuf);
		return true;
	}
	return false;
}

void device_install(struct relay *relay, struct device_end *device, uint32_t slot, uint32_t owner,
	enum wire_suite suite, const struct endpoint *at)
{
	memset(device, 0, sizeof *device);
	device->slot = slot;
	device->at = *at;
	device->peer_index = randombytes_random();
	randombytes_buf(device->to_relay, sizeof device->to_relay);
	randombytes_buf(device->from_relay, sizeof device->from_relay);
	randombytes_buf(device->route, sizeof device->route);
	assert_int_equal(hop_key_init(&device->seal, suite, device->to_relay), 0);
	assert_int_equal(hop_key_init(&device->open, suite, device->from_relay), 0);
	assert_int_equal(
		tables_device_set(relay->tables, &(struct table_device){ .slot = slot }), 0);
	struct table_route route = { .device = slot, .flags = CONTROL_ROUTE_LIVE };
	memcpy(route.route, device->route, sizeof route.route);
	assert_int_equal(tables_route_set(relay->tables, &route), 0);
	assert_int_equal(tables_lease(relay->tables, owner, &device->index), 0);
	struct table_install install = {
		.index = device->index,
		.device = slot,
		.peer_index = device->peer_index,
		.suite = (uint16_t)suite,
		.hard_lifetime_s = WIRE_HARD_LIFETIME_S,
		.endpoint = *at,
	};
	memcpy(install.receive_key, device->to_relay, WIRE_KEY_BYTES);
	memcpy(install.send_key, device->from_relay, WIRE_KEY_BYTES);
	assert_int_equal(tables_session_install(relay->tables, &install), 0);
}

void device_connect(struct relay *relay, struct device_end *device, uint32_t slot, uint32_t owner,
	enum wire_suite suite, const struct endpoint *at)
{
	uint8_t frame[WIRE_SMALL_BYTES];
	struct datagram datagram;

	device_install(relay, device, slot, owner, suite, at);
	inner_make(frame, sizeof frame, WIRE_KEEPALIVE, NULL);
	device_send(relay, device, frame, sizeof frame);
	for (uint32_t i = 0; i <= relay->worker_count; i++)
		relay_turn(relay);
	uint16_t port = 0;
	while (relay->port_ids[port] != at->port)
		port++;
	if (!relay_transmitted(relay, port, &datagram)) {
		relay_print(relay);
		fail_msg("no answer to the keepalive");
	}
	device_open(device, &datagram);
}

void inner_make(uint8_t *frame, uint32_t len, enum wire_kind kind, const uint8_t *route)
{
	struct wire_inner *inner = (struct wire_inner *)(frame + WIRE_TRANSPORT_HEADER_BYTES);
	const uint32_t payload = len - WIRE_TRANSPORT_OVERHEAD_BYTES - WIRE_INNER_HEADER_BYTES;

	memset(frame, 0, len);
	inner->kind = (uint8_t)kind;
	randombytes_buf(&inner->frame_id, sizeof inner->frame_id);
	if (route != NULL)
		memcpy(inner->route, route, WIRE_ROUTE_BYTES);
	if (kind != WIRE_KEEPALIVE)
		randombytes_buf(inner->payload, payload);
}

void device_send(struct relay *relay, struct device_end *device, uint8_t *frame, uint32_t len)
{
	uint16_t port = 0;

	while (relay->port_ids[port] != device->at.port)
		port++;
	hop_seal(&device->seal, device->index, device->counter++, frame, len);
	relay_receive(relay, port, 0, packet(relay, &device->at, frame, len));
}

void device_open(const struct device_end *device, struct datagram *datagram)
{
	const struct wire_transport *header = (const struct wire_transport *)datagram->payload;

	assert_int_equal(wire_check(datagram->payload, datagram->len), WIRE_OK);
	assert_int_equal(header->type, WIRE_TRANSPORT);
	assert_int_equal(get32(header->receiver_index), device->peer_index);
	assert_int_equal(hop_open(&device->open, datagram->payload, datagram->len), 0);
}
