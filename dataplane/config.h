/* Configuration of the dataplane: an INI file. Everything is checked here, so that a wrong file is
 * refused with file, line and reason before anything starts. */
#ifndef CHAPPE_DATAPLANE_CONFIG_H
#define CHAPPE_DATAPLANE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CONFIG_ADDRESSES_MAX = 32,
	CONFIG_UDP_PORTS_MAX = 16,
	CONFIG_ERROR_BYTES = 512,
	CONFIG_EVERY_PORT = -1,
	/* session slots = devices * 1.125 fit the 21 bits of a receiver index */
	CONFIG_DEVICES_MAX = 1864135,
	CONFIG_ROUTES_PER_DEVICE_MAX = 1024,
	CONFIG_IDLE_SLEEP_MAX_US = 10000,
};

/* An address that the relay answers to. */
struct config_address {
	uint8_t family;      /* 4 or 6 */
	uint8_t prefix;      /* bits */
	uint16_t vlan;       /* 0 = untagged */
	int32_t port;        /* DPDK port, or CONFIG_EVERY_PORT */
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
};

struct config {
	struct config_address addresses[CONFIG_ADDRESSES_MAX];
	uint32_t address_count;
	uint16_t udp_ports[CONFIG_UDP_PORTS_MAX]; /* host byte order */
	uint32_t udp_port_count;
	bool udp_unsummed; /* UDP over IPv4 goes out without a checksum where the port has none */
	uint32_t devices, routes_per_device;
	uint32_t idle_sleep_us;
	char run_dir[96]; /* leaves room for /table.sock in a sun_path */
	char user[33];    /* "none": privileges stay */
};

/* Reads and checks a file. Returns 0, or -EINVAL or the -errno of opening it, with
 * "FILE:LINE: reason" in error. */
int config_read(struct config *config, const char *path, char *error, size_t error_len);

#endif
