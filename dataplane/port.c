#include "port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>

enum { PORT_NAME_BYTES = RTE_ETH_NAME_MAX_LEN };

static const uint64_t port_rss_udp =
	RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP | RTE_ETH_RSS_IPV6_UDP_EX;

static uint16_t port_queue_limit(
	const struct rte_eth_dev_info *info, uint16_t offered, uint32_t workers)
{
	/* A memif has as many rings as its peer asked for, known when that connects: one is sure.
	 */
	if (strcmp(info->driver_name, "net_memif") == 0)
		return 1;
	uint32_t queues = offered < PORT_QUEUES_MAX ? offered : PORT_QUEUES_MAX;
	/* The kernel spreads frames over all sockets of an AF_PACKET port, polled or not. */
	if (strcmp(info->driver_name, "net_af_packet") == 0)
		return (uint16_t)queues;
	return (uint16_t)RTE_MIN(queues, workers);
}

static uint8_t port_take_turn(uint32_t *next_worker, uint32_t workers)
{
	uint32_t worker = *next_worker < workers ? *next_worker : 0;
	*next_worker = worker + 1;
	return (uint8_t)worker;
}

static int port_plan(struct port *port, uint16_t id, uint32_t workers, uint32_t *next_worker,
	char *error, size_t error_len)
{
	struct rte_eth_dev_info info;
	int result = rte_eth_dev_info_get(id, &info);
	if (result < 0) {
		snprintf(error, error_len, "port %u: %s", id, strerror(-result));
		return result;
	}
	snprintf(port->driver, sizeof port->driver, "%s", info.driver_name);
	port->rx_queues = port_queue_limit(&info, info.max_rx_queues, workers);
	port->tx_queues = port_queue_limit(&info, info.max_tx_queues, workers);
	if (port->rx_queues == 0 || port->tx_queues == 0) {
		snprintf(error, error_len, "port %u (%s) has no queues", id, info.driver_name);
		return -ENODEV;
	}
	/* With a queue per worker, queue n is worker n's: it owns the sessions that come in there.
	 */
	if (port->rx_queues == workers)
		*next_worker = 0;
	uint32_t after = *next_worker;
	for (uint16_t queue = 0; queue < port->rx_queues; queue++)
		port->rx_worker[queue] = port_take_turn(next_worker, workers);
	for (uint16_t queue = 0; queue < port->tx_queues; queue++)
		port->tx_worker[queue] = port_take_turn(&after, workers);
	return 0;
}

int ports_plan(struct ports *ports, uint32_t workers, char *error, size_t error_len)
{
	uint32_t next_worker = 0;
	memset(ports, 0, sizeof *ports);
	for (uint64_t next = rte_eth_find_next(0); next < RTE_MAX_ETHPORTS;
		next = rte_eth_find_next((uint16_t)(next + 1))) {
		uint16_t id = (uint16_t)next;
		if (id != ports->count || id >= PORTS_MAX) {
			snprintf(error, error_len, "port %u: ports must be 0 to %d without gaps",
				id, PORTS_MAX - 1);
			return -ERANGE;
		}
		int result =
			port_plan(&ports->port[id], id, workers, &next_worker, error, error_len);
		if (result < 0)
			return result;
		ports->count++;
	}
	if (ports->count == 0) {
		snprintf(error, error_len,
			"no port: name one by EAL arguments after --, e.g. "
			"--vdev=net_tap0,iface=chappe0 "
			"or -a 0000:01:00.0");
		return -ENODEV;
	}
	return 0;
}

uint32_t ports_descriptors(const struct ports *ports)
{
	uint32_t descriptors = 0;
	for (uint16_t id = 0; id < ports->count; id++)
		descriptors += (uint32_t)(ports->port[id].rx_queues + ports->port[id].tx_queues) *
			       PORT_DESCRIPTORS;
	return descriptors;
}

static int port_configure(struct port *port, uint16_t id, const struct rte_eth_dev_info *info)
{
	static const uint64_t rx_checksum =
		RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	struct rte_eth_conf conf = { 0 };
	bool small = info->max_mtu && info->max_mtu < PORT_MTU_BYTES;
	conf.rxmode.mtu = small ? info->max_mtu : PORT_MTU_BYTES;
	if ((info->rx_offload_capa & rx_checksum) == rx_checksum) {
		conf.rxmode.offloads |= rx_checksum;
		port->rx_checksum = true;
	}
	conf.txmode.offloads = info->tx_offload_capa &
			       (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM |
				       RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE);
	port->tx_ip_checksum = conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
	port->tx_udp_checksum = conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	uint64_t rss = info->flow_type_rss_offloads & port_rss_udp;
	if (port->rx_queues > 1 && rss) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = rss;
		port->rss = true;
	}
	return rte_eth_dev_configure(id, port->rx_queues, port->tx_queues, &conf);
}

static int port_queues(const struct port *port, uint16_t id, struct rte_mempool *pool)
{
	uint16_t rx = PORT_DESCRIPTORS, tx = PORT_DESCRIPTORS;
	int socket = rte_eth_dev_socket_id(id);
	int result = rte_eth_dev_adjust_nb_rx_tx_desc(id, &rx, &tx);
	for (uint16_t queue = 0; !result && queue < port->rx_queues; queue++)
		result = rte_eth_rx_queue_setup(id, queue, rx, (unsigned)socket, NULL, pool);
	for (uint16_t queue = 0; !result && queue < port->tx_queues; queue++)
		result = rte_eth_tx_queue_setup(id, queue, tx, (unsigned)socket, NULL);
	return result;
}

/* Neighbour solicitations go to solicited-node addresses (RFC 4291, 2.7.1), as Ethernet multicast
 * (RFC 2464, 7). The narrowest filter that the port has lets them through. */
static int port_multicast(uint16_t id, const struct config *config)
{
	struct rte_ether_addr list[CONFIG_ADDRESSES_MAX];
	uint32_t count = 0;
	for (uint32_t i = 0; i < config->address_count; i++) {
		const struct config_address *address = &config->addresses[i];
		if (address->family == 6 &&
			(address->port == CONFIG_EVERY_PORT || address->port == id))
			list[count++] =
				(struct rte_ether_addr){ { 0x33, 0x33, 0xff, address->address[13],
					address->address[14], address->address[15] } };
	}
	if (count == 0)
		return 0;
	if (rte_eth_dev_set_mc_addr_list(id, list, count) == 0 ||
		rte_eth_allmulticast_enable(id) == 0)
		return 0;
	return rte_eth_promiscuous_enable(id);
}

static int port_start(const struct config *config, struct port *port, uint16_t id,
	struct rte_mempool *pool, char *error, size_t error_len)
{
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	uint16_t mtu = 0;
	const char *step = "information";
	int result = rte_eth_dev_info_get(id, &info);
	if (!result)
		step = "configuration", result = port_configure(port, id, &info);
	if (!result)
		step = "queues", result = port_queues(port, id, pool);
	if (!result)
		step = "MAC address", result = rte_eth_macaddr_get(id, &mac);
	if (!result)
		step = "start", result = rte_eth_dev_start(id);
	if (!result)
		step = "MTU", result = rte_eth_dev_get_mtu(id, &mtu);
	if (!result && mtu < PORT_MTU_MIN_BYTES)
		result = rte_eth_dev_set_mtu(id, PORT_MTU_BYTES);
	if (result < 0) {
		/* A memif client joins when it starts, and says EPERM where it can't. */
		const bool joins = strcmp(port->driver, "net_memif") == 0 &&
				   strcmp(step, "start") == 0 && result == -EPERM;
		snprintf(error, error_len, "port %u (%s): %s: %s", id, port->driver, step,
			joins ? "nobody listens on its socket: start the other end first, its "
				"server, or give this one role=server, which may wait (zero-copy "
				"is for clients only)"
			      : strerror(-result));
		return result;
	}
	memcpy(port->mac, mac.addr_bytes, sizeof port->mac);
	if (port_multicast(id, config) < 0)
		fprintf(stderr,
			"warning port %u (%s) can't be told to receive multicast: IPv6 neighbours "
			"may not "
			"find the relay; give them its MAC by hand\n",
			id, port->driver);
	return 0;
}

int ports_start(const struct config *config, struct ports *ports, struct rte_mempool *pool,
	char *error, size_t error_len)
{
	for (uint32_t i = 0; i < config->address_count; i++)
		if (config->addresses[i].port >= ports->count) {
			snprintf(error, error_len,
				"[relay] gives an address to port %d: there are %u ports",
				config->addresses[i].port, ports->count);
			return -ENODEV;
		}
	for (uint16_t id = 0; id < ports->count; id++) {
		int result = port_start(config, &ports->port[id], id, pool, error, error_len);
		if (result < 0)
			return result;
	}
	return 0;
}

bool ports_connect(const struct ports *ports)
{
	struct rte_eth_dev_info info;

	for (uint16_t id = 0; id < ports->count; id++) {
		if (strcmp(ports->port[id].driver, "net_memif") != 0)
			continue;
		const struct rte_devargs *given =
			rte_eth_dev_info_get(id, &info) == 0 ? rte_dev_devargs(info.device) : NULL;
		if (!given || !given->args || !strstr(given->args, "role=server"))
			return true;
	}
	return false;
}

void ports_print(const struct config *config, const struct ports *ports)
{
	const char *without = config->udp_unsummed ? "no, and none over IPv4" : "no";

	for (uint16_t id = 0; id < ports->count; id++) {
		const struct port *port = &ports->port[id];
		char name[PORT_NAME_BYTES] = "";
		(void)rte_eth_dev_get_name_by_port(id, name);
		fprintf(stderr,
			"info port %u: %s (%s), MAC " RTE_ETHER_ADDR_PRT_FMT
			", %u rx and %u tx queues%s, checksums by the port: rx %s, tx IPv4 %s, tx "
			"UDP %s\n",
			id, name, port->driver, port->mac[0], port->mac[1], port->mac[2],
			port->mac[3], port->mac[4], port->mac[5], port->rx_queues, port->tx_queues,
			port->rss ? ", RSS on UDP ports" : "", port->rx_checksum ? "yes" : "no",
			port->tx_ip_checksum ? "yes" : "no",
			port->tx_udp_checksum ? "yes" : without);
	}
}

void ports_stop(const struct ports *ports)
{
	for (uint16_t id = 0; id < ports->count; id++)
		(void)rte_eth_dev_stop(id);
}
