/* The devices of a rig: what is derived from their numbers, and how they get their sessions. */
#include "rig.h"

#include "bench.h"
#include "src/control_op.h"
#include "src/hop.h"
#include <stdio.h>

enum {
	RIG_FRAMES_PER_S = 100000000,
	RIG_CONFIRM_BATCH = 256,
};
static const uint64_t rig_bytes_per_s = UINT64_C(100000000000);

/* splitmix64 of a number and a purpose: keys and routes of a device. */
static void derive(uint32_t device, uint32_t purpose, uint8_t *out, uint32_t words)
{
	uint64_t state = (uint64_t)purpose << 32 | device;

	for (uint32_t i = 0; i < words; i++) {
		state += UINT64_C(0x9e3779b97f4a7c15);
		uint64_t z = state;
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		z ^= z >> 31;
		memcpy(out + i * sizeof z, &z, sizeof z);
	}
}

enum { PURPOSE_KEY = 1, PURPOSE_ROUTE = 16 };

void rig_key(uint32_t device, enum rig_direction direction, uint8_t key[WIRE_KEY_BYTES])
{
	derive(device, PURPOSE_KEY + (uint32_t)direction, key, WIRE_KEY_BYTES / 8);
}

void rig_route(uint32_t device, uint32_t number, uint8_t route[WIRE_ROUTE_BYTES])
{
	derive(device, PURPOSE_ROUTE + number, route, WIRE_ROUTE_BYTES / 8);
}

static void enrol(struct rig *rig, uint32_t device)
{
	const struct table_device set = {
		.slot = device, .frames_per_s = RIG_FRAMES_PER_S, .bytes_per_s = rig_bytes_per_s
	};
	int result = tables_device_set(rig->tables, &set);

	for (uint32_t i = 0; i < RIG_ROUTES && result == 0; i++) {
		struct table_route route = { .device = device, .flags = CONTROL_ROUTE_LIVE };
		rig_route(device, i, route.route);
		result = tables_route_set(rig->tables, &route);
	}
	if (result < 0)
		bench_fail("device %u: %s", device, strerror(-result));
}

static void install(struct rig *rig, uint32_t device)
{
	struct table_install install = {
		.device = device,
		.peer_index = device,
		.suite = (uint16_t)rig->options.suite,
		.hard_lifetime_s = WIRE_HARD_LIFETIME_S,
		.endpoint = rig_endpoint(rig, device),
	};
	int result = tables_lease(rig->tables, device % rig->options.workers, &install.index);

	rig_key(device, RIG_TO_RELAY, install.receive_key);
	rig_key(device, RIG_FROM_RELAY, install.send_key);
	if (result == 0)
		result = tables_session_install(rig->tables, &install);
	if (result < 0)
		bench_fail("session of device %u: %s", device, strerror(-result));
	rig->indices[device] = install.index;
	rig->counters[device] = 0;
}

/* A device's first keepalive, in a packet of its own. */
static void offer_keepalive(struct rig *rig, uint32_t device)
{
	const uint32_t headers = rig_header_bytes(rig->options.family);
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(rig->pool);
	struct hop_key key;
	uint8_t bytes[WIRE_KEY_BYTES];

	if (mbuf == NULL)
		bench_fail("no buffer");
	uint8_t *packet =
		(uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(headers + WIRE_SMALL_BYTES));
	uint8_t *cell = packet + headers;
	memset(cell, 0, WIRE_SMALL_BYTES);
	((struct wire_inner *)(cell + WIRE_TRANSPORT_HEADER_BYTES))->kind = WIRE_KEEPALIVE;
	rig_key(device, RIG_TO_RELAY, bytes);
	if (hop_key_init(&key, rig->options.suite, bytes) < 0)
		bench_fail("no suite %u on this machine", rig->options.suite);
	hop_seal(&key, rig->indices[device], rig->counters[device]++, cell, WIRE_SMALL_BYTES);
	rig_packet(rig, device, packet, WIRE_SMALL_BYTES);
	if (rte_ring_sp_enqueue(rig->rx[device % rig->options.workers], mbuf) != 0)
		bench_fail("receive ring full");
}

void rig_settle(struct rig *rig)
{
	struct rte_mbuf *mbuf;
	uint32_t index, taken;

	do {
		taken = 0;
		for (uint32_t i = 0; i < rig->options.workers; i++) {
			taken += worker_poll(rig->workers[i]);
			while (rte_ring_sc_dequeue_elem(
				       rig->workers[i]->events, &index, sizeof index) == 0)
				tables_session_confirm(rig->tables, index);
			while (rte_ring_sc_dequeue(rig->tx[i], (void **)&mbuf) == 0)
				rte_pktmbuf_free(mbuf);
		}
		tables_reclaim(rig->tables, NULL, NULL);
	} while (taken > 0);
}

void rig_connect(struct rig *rig)
{
	const uint32_t n = rig->options.sessions;
	double told = bench_now_s();

	for (uint32_t i = 0; i < n; i++) {
		enrol(rig, i);
		install(rig, i);
		offer_keepalive(rig, i);
		if (i % RIG_CONFIRM_BATCH == RIG_CONFIRM_BATCH - 1)
			rig_settle(rig);
		if (bench_now_s() - told > 2) {
			told = bench_now_s();
			fprintf(stderr, "     %u of %u sessions so far\n", i + 1, n);
		}
	}
	rig_settle(rig);
	if (rig_counter(rig, COUNTER_sessions_confirmed) != n ||
		rig_counter(rig, COUNTER_keepalives) != n)
		rig_fail(rig, "not every session is confirmed");
}
