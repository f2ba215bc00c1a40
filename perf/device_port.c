#include "device_port.h"

#include "bench.h"
#include "src/hop.h"

#include <errno.h>
#include <netinet/in.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PORT = 0,
	BUFFERS = 8191,
	DESCRIPTORS = 1024,
	BURST = 32,
	WAIT_S = 30,
	SEND_S = 5,
	TTL = 61,
	/* As in control_end.c: where the relay believes the devices to be. */
	DEVICE_PORT = 40000,
};

static struct rte_mempool *pool;
static const struct rte_ether_addr relay_mac = { { 0x02, 0, 0, 0, 0, 1 } };
static const struct rte_ether_addr gateway_mac = { { 0x02, 0, 0, 0, 1, 0 } };

static char directory[64], server[160], client[160];

static void name_sockets(void)
{
	const char *parent = getenv("TMPDIR");

	if (snprintf(directory, sizeof directory, "%s/chappe-port.XXXXXX",
		    parent ? parent : "/tmp") >= (int)sizeof directory)
		bench_fail("TMPDIR=%s: too long, try another", parent);
	if (mkdtemp(directory) == NULL)
		bench_fail("%s: %s", directory, strerror(errno));
	snprintf(server, sizeof server,
		"net_memif0,role=server,rsize=10,socket=%s/memif.sock,socket-abstract=no",
		directory);
	snprintf(client, sizeof client,
		"net_memif0,role=client,rsize=10,mac=02:00:00:00:00:01,socket=%s/memif.sock,"
		"socket-abstract=no",
		directory);
}

void device_port_open(void)
{
	char *arguments[] = { "bench", "--no-pci", "--no-shconf", "--no-telemetry", "--no-huge",
		"--iova-mode=va", "--log-level=*:error", "-m", "64", "--lcores", "0@(0)", "--vdev",
		server, NULL };
	const struct rte_eth_conf conf = { .rxmode = { .mq_mode = RTE_ETH_MQ_RX_NONE } };

	name_sockets();
	if (rte_eal_init(sizeof arguments / sizeof *arguments - 1, arguments) < 0)
		bench_fail("EAL does not start");
	pool = rte_pktmbuf_pool_create(
		"frames", BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL || rte_eth_dev_configure(PORT, 1, 1, &conf) < 0 ||
		rte_eth_rx_queue_setup(PORT, 0, DESCRIPTORS, 0, NULL, pool) < 0 ||
		rte_eth_tx_queue_setup(PORT, 0, DESCRIPTORS, 0, NULL) < 0 ||
		rte_eth_dev_start(PORT) < 0)
		bench_fail("net_memif does not start");
}

const char *device_port_vdev(void)
{
	return client;
}

void device_port_wait(void)
{
	const double latest = bench_now_s() + WAIT_S;
	struct rte_eth_link link = { .link_status = RTE_ETH_LINK_DOWN };

	while (rte_eth_link_get_nowait(PORT, &link) < 0 || link.link_status == RTE_ETH_LINK_DOWN) {
		if (bench_now_s() > latest)
			bench_fail("the relay does not join our port");
		usleep(1000);
	}
}

static void write_headers(uint32_t device, uint8_t *packet)
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)packet;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ether + 1);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);
	const uint16_t len = WIRE_SMALL_BYTES + sizeof *udp;

	*ether = (struct rte_ether_hdr){ .dst_addr = relay_mac,
		.src_addr = gateway_mac,
		.ether_type = htons(RTE_ETHER_TYPE_IPV4) };
	*ip = (struct rte_ipv4_hdr){ .version_ihl = 0x45,
		.total_length = htons((uint16_t)(len + sizeof *ip)),
		.time_to_live = TTL,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = htonl(UINT32_C(0x0a000001) + device),
		.dst_addr = htonl(0xc6120002) }; /* 198.18.0.2 */
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	*udp = (struct rte_udp_hdr){ .src_port = htons(DEVICE_PORT),
		.dst_port = htons(WIRE_PORT),
		.dgram_len = htons(len) }; /* no checksum, as IPv4 allows */
}

void device_port_keepalive(
	uint32_t device, uint32_t index, uint64_t counter, const uint8_t bytes[WIRE_KEY_BYTES])
{
	const uint16_t headers = sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) +
				 sizeof(struct rte_udp_hdr);
	const double latest = bench_now_s() + SEND_S;
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
	struct hop_key key;

	if (mbuf == NULL || hop_key_init(&key, WIRE_SUITE_AES256GCM, bytes) < 0)
		bench_fail("no buffer, or no AES on this machine");
	uint8_t *packet = (uint8_t *)rte_pktmbuf_append(mbuf, headers + WIRE_SMALL_BYTES);
	uint8_t *cell = packet + headers;
	write_headers(device, packet);
	memset(cell, 0, WIRE_SMALL_BYTES);
	((struct wire_inner *)(cell + WIRE_TRANSPORT_HEADER_BYTES))->kind = WIRE_KEEPALIVE;
	hop_seal(&key, index, counter, cell, WIRE_SMALL_BYTES);
	while (rte_eth_tx_burst(PORT, 0, &mbuf, 1) == 0) {
		device_port_discard();
		if (bench_now_s() > latest)
			bench_fail("the relay takes no frames");
	}
}

void device_port_discard(void)
{
	struct rte_mbuf *mbufs[BURST];
	uint16_t n;

	while ((n = rte_eth_rx_burst(PORT, 0, mbufs, BURST)) > 0)
		rte_pktmbuf_free_bulk(mbufs, n);
}

void device_port_close(void)
{
	char path[96];

	snprintf(path, sizeof path, "%s/memif.sock", directory);
	(void)rte_eth_dev_stop(PORT);
	(void)rte_eth_dev_close(PORT);
	(void)unlink(path);
	(void)rmdir(directory);
}
