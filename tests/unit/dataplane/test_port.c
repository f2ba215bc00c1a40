#include "dataplane/port.h"
#include "eal.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rte_mempool *pool;
static const struct config config = {
	.address_count = 2,
	.addresses = { { .family = 4, .port = CONFIG_EVERY_PORT },
		{ .family = 6, .port = 1, .address = { [13] = 1, 2, 3 } } },
};

/* Ports 0 and 1 have a queue for every worker (net_null), port 2 has 16 (net_ring). */
static void gives_each_queue_to_one_worker(void **state)
{
	(void)state;
	static struct ports ports;
	char error[256] = "";
	for (uint32_t workers = 1; workers <= PORT_WORKERS_MAX; workers++) {
		assert_int_equal(ports_plan(&ports, workers, error, sizeof error), 0);
		assert_int_equal(ports.count, 3);
		for (uint16_t id = 0; id < ports.count; id++) {
			const struct port *port = &ports.port[id];
			bool rx[PORT_WORKERS_MAX] = { false }, tx[PORT_WORKERS_MAX] = { false };
			assert_in_range(port->rx_queues, 1, workers);
			assert_in_range(port->tx_queues, 1, workers);
			for (uint16_t queue = 0; queue < port->rx_queues; queue++) {
				assert_true(port->rx_worker[queue] < workers);
				assert_false(rx[port->rx_worker[queue]]);
				rx[port->rx_worker[queue]] = true;
			}
			for (uint16_t queue = 0; queue < port->tx_queues; queue++) {
				assert_true(port->tx_worker[queue] < workers);
				assert_false(tx[port->tx_worker[queue]]);
				tx[port->tx_worker[queue]] = true;
			}
			/* Who polls a port can send on it. */
			if (port->tx_queues >= port->rx_queues)
				for (uint16_t queue = 0; queue < port->rx_queues; queue++)
					assert_true(tx[port->rx_worker[queue]]);
		}
	}
}

static void owns_by_queue_where_each_worker_has_one(void **state)
{
	(void)state;
	static struct ports ports;
	char error[256] = "";
	assert_int_equal(ports_plan(&ports, 4, error, sizeof error), 0);
	for (uint16_t id = 0; id < 2; id++) {
		assert_int_equal(ports.port[id].rx_queues, 4);
		for (uint8_t queue = 0; queue < 4; queue++) {
			assert_int_equal(ports.port[id].rx_worker[queue], queue);
			assert_int_equal(ports.port[id].tx_worker[queue], queue);
		}
	}
	assert_int_equal(ports_plan(&ports, PORT_WORKERS_MAX, error, sizeof error), 0);
	assert_int_equal(ports.port[0].rx_queues, PORT_WORKERS_MAX);
	assert_int_equal(ports.port[2].rx_queues, 16);
}

static void starts_what_was_planned(void **state)
{
	(void)state;
	static struct ports ports;
	char error[256] = "";
	assert_int_equal(ports_plan(&ports, 2, error, sizeof error), 0);
	assert_int_equal(ports_descriptors(&ports), 3 * (2 + 2) * PORT_DESCRIPTORS);
	assert_int_equal(ports_start(&config, &ports, pool, error, sizeof error), 0);
	struct rte_mbuf *mbufs[4];
	for (uint16_t queue = 0; queue < 2; queue++) {
		const uint16_t n = rte_eth_rx_burst(0, queue, mbufs, 4);
		assert_int_equal(n, 4); /* net_null always has some */
		assert_ptr_equal(mbufs[0]->pool, pool);
		assert_int_equal(rte_eth_tx_burst(0, queue, mbufs, n), n);
	}
	ports_stop(&ports);
}

static void refuses_addresses_of_ports_that_are_not_here(void **state)
{
	(void)state;
	static struct ports ports;
	char error[256] = "";
	const struct config wrong = { .address_count = 1,
		.addresses = { { .family = 4, .port = 3 } } };
	assert_int_equal(ports_plan(&ports, 1, error, sizeof error), 0);
	assert_int_equal(ports_start(&wrong, &ports, pool, error, sizeof error), -ENODEV);
	assert_string_equal(error, "[relay] gives an address to port 3: there are 3 ports");
}

static void says_how_to_name_a_port(void **state)
{
	(void)state;
	static struct ports ports;
	char error[256] = "";
	assert_int_equal(rte_eal_hotplug_remove("vdev", "net_null0") |
				 rte_eal_hotplug_remove("vdev", "net_null1") |
				 rte_eal_hotplug_remove("vdev", "net_ring0"),
		0);
	assert_int_equal(ports_plan(&ports, 1, error, sizeof error), -ENODEV);
	assert_non_null(strstr(error, "--vdev"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_each_queue_to_one_worker),
		cmocka_unit_test(owns_by_queue_where_each_worker_has_one),
		cmocka_unit_test(starts_what_was_planned),
		cmocka_unit_test(refuses_addresses_of_ports_that_are_not_here),
		cmocka_unit_test(says_how_to_name_a_port),
	};
	eal_start();
	pool = eal_pool(8191);
	if (!pool || rte_eal_hotplug_add("vdev", "net_null0", "") != 0 ||
		rte_eal_hotplug_add("vdev", "net_null1", "") != 0 ||
		rte_eal_hotplug_add("vdev", "net_ring0", "") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
