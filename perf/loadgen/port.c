#include "trial.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <unistd.h>

enum {
	PORT_DESCRIPTORS = 1024,
	PORT_BUFFERS = 16384 - 1,
	PORT_CACHE = 256,
	PORT_MTU_BYTES = 1500,
	PORT_UP_S = 30,
	ASK_PAUSE_MS = 250,
	FIND_S = 30,
	SEND_TRIES = 64,
};

static int fail(const char *what, int error)
{
	fprintf(stderr, "chappe-loadgen: %s: %s\n", what, rte_strerror(error < 0 ? -error : error));
	return -1;
}

static int port_start(struct load *load)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf = { 0 };
	uint16_t rx = PORT_DESCRIPTORS, tx = PORT_DESCRIPTORS;
	struct rte_ether_addr mac;
	int result = rte_eth_dev_info_get(load->port, &info);

	if (result == 0) {
		conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
		conf.rxmode.mtu = info.max_mtu && info.max_mtu < PORT_MTU_BYTES ? info.max_mtu
										: PORT_MTU_BYTES;
		result = rte_eth_dev_configure(load->port, 1, 1, &conf);
	}
	if (result == 0)
		result = rte_eth_dev_adjust_nb_rx_tx_desc(load->port, &rx, &tx);
	if (result == 0)
		result = rte_eth_rx_queue_setup(load->port, 0, rx,
			(unsigned)rte_eth_dev_socket_id(load->port), NULL, load->pool);
	if (result == 0)
		result = rte_eth_tx_queue_setup(
			load->port, 0, tx, (unsigned)rte_eth_dev_socket_id(load->port), NULL);
	if (result == 0)
		result = rte_eth_dev_start(load->port);
	if (result == 0)
		result = rte_eth_macaddr_get(load->port, &mac);
	if (result < 0)
		return result;
	memcpy(load->us.mac, load->options.has_mac ? load->options.mac : mac.addr_bytes, 6);
	/* Answers to an address of our own, or neighbour solicitations, pass no narrower filter. */
	if (rte_eth_promiscuous_enable(load->port) < 0)
		(void)rte_eth_allmulticast_enable(load->port);
	return 0;
}

int port_open(struct load *load)
{
	load->port = load->options.port;
	if (rte_eal_init(load->options.eal_count, load->options.eal) < 0)
		return fail("EAL does not start; its own lines above say why", rte_errno);
	load->now = rte_rdtsc();
	load->hz = rte_get_tsc_hz();
	load->ns_factor = (UINT64_C(1000000000) << 32) / load->hz;
	if (!rte_eth_dev_is_valid_port(load->port)) {
		fprintf(stderr,
			"chappe-loadgen: there is no DPDK port %u; name one by EAL arguments after "
			"--, e.g. --vdev=net_memif0,role=server,socket=/run/load.sock\n",
			load->port);
		return -1;
	}
	load->pool = rte_pktmbuf_pool_create(
		"frames", PORT_BUFFERS, PORT_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (load->pool == NULL)
		return fail("buffers: give EAL at least -m 64", rte_errno);
	const int result = port_start(load);
	return result < 0 ? fail("the port does not start", result) : 0;
}

void port_close(struct load *load)
{
	(void)rte_eth_dev_stop(load->port);
	(void)rte_eth_dev_close(load->port);
	(void)rte_eal_cleanup();
}

static void send_bytes(struct load *load, const uint8_t *bytes, uint32_t len,
	const struct packet_template *template)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(load->pool);
	const uint32_t headers = template ? template->len : 0;

	if (mbuf == NULL) {
		load->counts.no_buffer++;
		return;
	}
	uint8_t *packet = (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(headers + len));
	memcpy(packet + headers, bytes, len);
	if (template)
		packet_finish(template, packet, len);
	for (uint32_t i = 0; i < SEND_TRIES; i++)
		if (rte_eth_tx_burst(load->port, 0, &mbuf, 1) == 1)
			return;
	rte_pktmbuf_free(mbuf);
}

void port_send(struct load *load, const struct device *device, const uint8_t cell[WIRE_SMALL_BYTES])
{
	send_bytes(load, cell, WIRE_SMALL_BYTES, &device->templates[0]);
}

/* A transport frame that waits to be opened. */
struct arrival {
	struct session *session;
	struct packet_view view;
};

static void take_other(struct load *load, uint8_t *packet, uint32_t len)
{
	const uint8_t *target =
		load->options.has_gateway ? load->options.gateway : load->place.relay;
	uint8_t answer[NEIGHBOUR_PACKET_BYTES];

	if (!load->has_relay_mac && neighbour_tells(packet, len, target, load->relay_mac)) {
		load->has_relay_mac = true;
		return;
	}
	len = neighbour_answer(&load->us, packet, len, answer);
	if (len > 0)
		send_bytes(load, answer, len, NULL);
	else
		load->counts.no_packet++;
}

/* True where a transport frame is to be opened; everything else is done with. */
static bool classify(struct load *load, struct rte_mbuf *mbuf, struct arrival *arrival)
{
	uint8_t *packet = rte_pktmbuf_mtod(mbuf, uint8_t *);
	struct packet_view *view = &arrival->view;
	struct trial *trial = load->trial;

	if (mbuf->nb_segs != 1)
		return false;
	if (trial && load->options.check_every > 1 &&
		trial->arrivals++ % load->options.check_every != 0) {
		const uint8_t *cell = packet_peek(packet, mbuf->data_len, trial->plan.cell);
		if (cell && cell[0] == WIRE_TRANSPORT) {
			trial_count(trial, load->now);
			return false;
		}
	}
	if (!packet_parse(packet, mbuf->data_len, view)) {
		take_other(load, packet, mbuf->data_len);
		return false;
	}
	if (wire_check(view->cell, view->cell_bytes) != WIRE_OK) {
		load->counts.no_frame++;
		return false;
	}
	switch (view->cell[0]) {
	case WIRE_TRANSPORT:
		arrival->session = session_of(
			load, get32(((const struct wire_transport *)view->cell)->receiver_index));
		if (arrival->session == NULL) {
			load->counts.no_frame++;
			return false;
		}
		aead_prefetch(&arrival->session->receive,
			view->cell_bytes - WIRE_TRANSPORT_OVERHEAD_BYTES);
		rte_prefetch0(&load->devices[arrival->session->device].flow);
		return true;
	case WIRE_RESPONSE:
		device_response(load, (const struct wire_response *)view->cell);
		return false;
	case WIRE_COOKIE_REPLY:
		device_cookie(load, (const struct wire_cookie_reply *)view->cell);
		return false;
	case WIRE_RESET:
		device_reset(load, view->cell, view->cell_bytes);
		return false;
	default:
		load->counts.no_frame++;
		return false;
	}
}

static void open_frame(struct load *load, const struct arrival *arrival)
{
	struct session *session = arrival->session;
	const struct packet_view *view = &arrival->view;
	const struct wire_transport *header = (const struct wire_transport *)view->cell;

	/* It may have ended by a frame before this one. */
	if (session_of(load, get32(header->receiver_index)) != session)
		return;
	if (aead_open(&load->aead, &session->receive, view->cell, view->cell_bytes) != 0) {
		load->counts.bad_tag++;
		return;
	}
	if (!replay_accept(&session->replay.head, session->replay.bitmap,
		    RTE_DIM(session->replay.bitmap), get64(header->counter))) {
		load->counts.bad_counter++;
		return;
	}
	if (!packet_is_for(view, &load->devices[session->device].endpoint))
		load->counts.bad_place++;
	const struct wire_inner *inner = (const struct wire_inner *)header->inner;
	device_heard(load, session);
	if (inner->kind == WIRE_LIVE)
		trial_take(load, session, inner, view->cell_bytes);
	else
		device_frame(load, session, inner);
}

uint32_t port_receive(struct load *load)
{
	struct rte_mbuf *mbufs[LOAD_BURST];
	struct arrival arrivals[LOAD_BURST];
	const uint16_t n = rte_eth_rx_burst(load->port, 0, mbufs, LOAD_BURST);
	uint32_t waiting = 0;

	if (n == 0)
		return 0;
	load->now = rte_rdtsc();
	for (uint32_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
	for (uint32_t i = 0; i < n; i++)
		waiting += classify(load, mbufs[i], &arrivals[waiting]);
	for (uint32_t i = 0; i < waiting; i++)
		open_frame(load, &arrivals[i]);
	rte_pktmbuf_free_bulk(mbufs, n);
	return n;
}

static void make_templates(struct load *load)
{
	for (uint32_t i = 0; i < load->device_count; i++) {
		struct device *device = &load->devices[i];
		device->endpoint = derive_endpoint(&load->place, i);
		packet_template_set(&device->templates[0], &device->endpoint, load->relay_mac,
			WIRE_SMALL_BYTES);
		packet_template_set(&device->templates[1], &device->endpoint, load->relay_mac,
			WIRE_LARGE_BYTES);
		for (uint32_t cell = 0; cell < RTE_DIM(device->templates); cell++)
			device->templates[cell].unsummed =
				load->options.no_checksum && device->endpoint.family == 4;
	}
}

/* Drivers that a peer has to join say "down" until then; others may not say anything. */
static void wait_for_link(struct load *load)
{
	struct rte_eth_link link = { 0 };

	for (uint32_t ms = 0; ms < PORT_UP_S * 1000; ms += 20) {
		if (rte_eth_link_get_nowait(load->port, &link) < 0 || link.link_status ||
			__atomic_load_n(&load->stopped, __ATOMIC_RELAXED))
			return;
		if (ms == 1000)
			fprintf(stderr, "waiting for the link of port %u\n", load->port);
		usleep(20000);
	}
}

int port_find_relay(struct load *load)
{
	const uint8_t *target =
		load->options.has_gateway ? load->options.gateway : load->place.relay;
	uint8_t question[NEIGHBOUR_PACKET_BYTES];

	memcpy(load->place.mac, load->us.mac, sizeof load->place.mac);
	load->us.vlan = load->place.vlan;
	memcpy(load->us.first, load->place.source, sizeof load->us.first);
	load->us.count = (load->device_count + DERIVE_PORTS - 1) / DERIVE_PORTS;
	load->has_relay_mac = load->options.has_relay_mac;
	memcpy(load->relay_mac, load->options.relay_mac, sizeof load->relay_mac);
	wait_for_link(load);
	const uint32_t len = neighbour_ask(&load->us, target, question);
	const uint64_t until = rte_rdtsc() + (uint64_t)FIND_S * load->hz;
	for (uint64_t next = 0; !load->has_relay_mac && rte_rdtsc() < until &&
				!__atomic_load_n(&load->stopped, __ATOMIC_RELAXED);) {
		if (rte_rdtsc() >= next) {
			send_bytes(load, question, len, NULL);
			next = rte_rdtsc() + load_ms(load, ASK_PAUSE_MS);
		}
		port_receive(load);
	}
	if (!load->has_relay_mac) {
		fprintf(stderr,
			"chappe-loadgen: nobody on the link answers for the address of the %s: is "
			"it up, and does --relay name it? Where it is behind a router, give "
			"--gateway; where it answers no questions, --relay-mac\n",
			load->options.has_gateway ? "gateway" : "relay");
		return -1;
	}
	make_templates(load);
	return 0;
}
