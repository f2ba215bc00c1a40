/* memory_per_device, memory_per_route: what one more device with a session and one more route cost,
 * in the memory of all of the relay's processes: their proportional share of ordinary pages,
 * hugepages and page tables. EAL gets as much as the dataplane says that it needs (-m), and no
 * more.
 *
 * Three relays of the real processes are filled: with half of the devices, with all of them, and
 * with all of them and more routes each. Every device has a confirmed session under AES-256-GCM:
 * this program first plays control's end of the table link and the devices' end of the port, so
 * that keys are its own; then chappe-control connects, keeps all of the sessions and names devices
 * and routes. What is the same in all three falls out: figures are differences divided by how many
 * devices or routes they are for. */
#include "bench.h"
#include "control_end.h"
#include "device_port.h"
#include "relay.h"
#include "relay_options.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUTES_FEW = 1, CONFIRM_PART = 2048, CONFIRM_TRIES = 50, CONFIRM_WAIT_MS = 100 };

static struct control_end end;

/* Devices confirm the sessions that they were just given; keepalives that were lost are repeated.
 */
static void confirm(uint32_t first, uint32_t n)
{
	const uint64_t all = end.confirmed + n;

	for (uint64_t counter = 0; end.confirmed < all; counter++) {
		if (counter == CONFIRM_TRIES)
			bench_fail("%lu sessions are not confirmed", all - end.confirmed);
		for (uint32_t i = first; i < first + n; i++) {
			uint8_t key[WIRE_KEY_BYTES];
			control_end_key(end.indices[i], CONTROL_END_RECEIVE, key);
			device_port_keepalive(i, end.indices[i], counter, key);
			device_port_discard();
		}
		while (end.confirmed < all && control_end_hear(&end, CONFIRM_WAIT_MS))
			device_port_discard();
	}
}

static void give_sessions(const struct relay *relay)
{
	control_end_connect(&end, relay->dir, relay->devices);
	for (uint32_t first = 0; first < relay->devices; first += CONFIRM_PART) {
		const uint32_t left = relay->devices - first;
		const uint32_t n = left < CONFIRM_PART ? left : CONFIRM_PART;
		control_end_install(&end, first, n);
		confirm(first, n);
	}
	control_end_close(&end);
}

struct measured {
	uint64_t dataplane, control;
	uint64_t page; /* of the dataplane's memory */
};

static struct measured measure(uint32_t devices, uint32_t routes)
{
	char text[96];
	struct measured bytes;
	struct relay relay;

	relay_make_filled(&relay, devices, routes, NULL);
	relay.vdev = device_port_vdev();
	relay_start_dataplane_exactly(&relay);
	device_port_wait();
	give_sessions(&relay);
	relay_start_control(&relay);
	snprintf(text, sizeof text, "%u devices, %lu routes, %u sessions kept", devices,
		(uint64_t)devices * routes, devices);
	child_wait(&relay.control, text, RELAY_TIMEOUT_S);
	bytes.page = relay_page_bytes(&relay);
	bytes.dataplane = child_memory_bytes(&relay.dataplane);
	bytes.control = child_memory_bytes(&relay.control);
	fprintf(stderr,
		"     %u devices with a session, %u routes each: dataplane %.1f MiB (EAL -m %u), "
		"control %.1f MiB\n",
		devices, routes, (double)bytes.dataplane / (1 << 20), relay.memory_mib,
		(double)bytes.control / (1 << 20));
	relay_remove(&relay);
	return bytes;
}

static double difference(const struct measured *more, const struct measured *less, double n)
{
	const double all = (double)more->dataplane + (double)more->control -
			   (double)less->dataplane - (double)less->control;

	return all / n;
}

static void print(const char *name, const char *unit, uint32_t devices, uint64_t page, double value)
{
	const struct bench_figure figure = {
		.name = name,
		.unit = unit,
		.sessions = devices,
		.workers = 1,
		.suite = WIRE_SUITE_AES256GCM,
		.value = value,
		.ratio = bench_spread(&value, 1),
		.pairs = 1,
		.page = page,
	};

	bench_print(&figure);
}

int main(int argc, char **argv)
{
	struct relay_options options = { .devices = 1000000, .routes = 4, .runs = 1 };

	if (sodium_init() < 0)
		bench_fail("libsodium does not start");
	relay_options_parse(&options, argc, argv,
		"options, with their defaults: --devices 1000000 --routes 4 (at least 2)\n");
	if (options.devices < 2 || options.routes <= ROUTES_FEW)
		bench_fail("what one takes is a difference: --devices and --routes from 2 on");
	device_port_open();
	const uint32_t half = options.devices / 2;
	const struct measured fewer = measure(half, ROUTES_FEW),
			      all = measure(options.devices, ROUTES_FEW),
			      routes = measure(options.devices, options.routes);
	const double per_route =
		difference(&routes, &all, (double)options.devices * (options.routes - ROUTES_FEW));
	const double per_device =
		difference(&all, &fewer, options.devices - half) - ROUTES_FEW * per_route;
	fprintf(stderr, "     memory: %.0f bytes a device with a session, %.1f bytes a route\n",
		per_device, per_route);
	print("memory_per_device", "KiB", options.devices, routes.page, per_device / 1024);
	print("memory_per_route", "bytes", options.devices, routes.page, per_route);
	device_port_close();
	return 0;
}
