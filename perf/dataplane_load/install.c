#include "load.h"

#include "dataplane/session.h"
#include "dataplane/tables_private.h"
#include "src/control_op.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LIFETIME_S = 10 * 365 * 86400 };

/* Where a relay keeps its devices unless told otherwise, and where its control answers. */
static const char default_store[] = "/var/lib/chappe/chappe.db";
static const char *const run_files[] = { "control.sock", "table.sock" };

/* Somebody answers there; a socket file that was left behind is nobody. */
static bool served(const char *dir, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const int len = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir, name);
	int error = ENAMETOOLONG;

	if (len < (int)sizeof address.sun_path)
		error = connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 ? errno
											   : 0;
	close(fd);
	return error != ENOENT && error != ECONNREFUSED;
}

int load_refuse_store(const struct config *config, char *error, size_t error_len)
{
	if (access(default_store, F_OK) == 0) {
		snprintf(error, error_len,
			"%s: devices are enrolled on this machine, and this program has no replay "
			"check: use chappe-loadgen against the relay itself, or another machine",
			default_store);
		return -EEXIST;
	}
	for (size_t i = 0; i < RTE_DIM(run_files); i++)
		if (served(config->run_dir, run_files[i])) {
			snprintf(error, error_len,
				"%s/%s: a relay with real devices uses this run_dir, and this "
				"program has no replay check: give it a run_dir of its own",
				config->run_dir, run_files[i]);
			return -EEXIST;
		}
	return 0;
}

static int install(struct dataplane *dataplane, uint32_t number, enum wire_suite suite,
	const struct derive_device *device)
{
	struct tables *tables = dataplane->tables;
	const struct table_device set = { .slot = number };
	struct table_route route = { .device = number, .flags = CONTROL_ROUTE_LIVE };
	struct table_install session = { .device = number,
		.peer_index = device->peer_index,
		.suite = (uint16_t)suite,
		.hard_lifetime_s = LIFETIME_S,
		.endpoint = device->endpoint };

	memcpy(route.route, device->route, sizeof route.route);
	memcpy(session.receive_key, device->to_relay, sizeof session.receive_key);
	memcpy(session.send_key, device->from_relay, sizeof session.send_key);
	/* Indices that the capture knows: slots are handed out in order. */
	tables->slots[number].generation = DERIVE_GENERATION;
	int result = tables_device_set(tables, &set);
	if (result == 0)
		result = tables_route_set(tables, &route);
	if (result == 0)
		result = tables_lease(tables, number % dataplane->worker_count, &session.index);
	if (result == 0)
		result = session.index == device->index ? tables_session_install(tables, &session)
							: -EINVAL;
	if (result == 0)
		result = tables_session_confirm(tables, session.index);
	if (result == 0)
		tables->sessions[number].receive.confirmed = 1;
	sodium_memzero(&session, sizeof session);
	return result;
}

static const struct config_address *first_address(
	const struct config *config, bool has_source, const uint8_t source[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };
	const uint8_t family = has_source && memcmp(source, mapped, sizeof mapped) != 0 ? 6 : 4;

	for (uint32_t i = 0; has_source && i < config->address_count; i++)
		if (config->addresses[i].family == family)
			return &config->addresses[i];
	return &config->addresses[0];
}

int load_install(struct dataplane *dataplane, const struct load_options *options, char *error,
	size_t error_len)
{
	const struct config *config = &dataplane->config;
	struct derive derive = { .workers = dataplane->worker_count,
		.vlan = options->vlan,
		.relay_port = config->udp_ports[0] };
	int result = options->devices <= config->devices ? 0 : -ENOSPC;
	uint32_t number = 0;

	derive_seed(&derive, options->seed);
	memcpy(derive.mac, options->mac, sizeof derive.mac);
	memcpy(derive.relay, first_address(config, options->has_source, options->source)->address,
		sizeof derive.relay);
	derive_source(&derive, options->has_source ? options->source : NULL);
	for (; number < options->devices && result == 0; number++) {
		struct derive_device device;
		derive_device(&derive, number, &device);
		result = install(dataplane, number, options->suite, &device);
	}
	if (result < 0)
		snprintf(error, error_len,
			"device %u of %u: %s ([tables] devices is %u in the configuration)", number,
			options->devices, strerror(-result), config->devices);
	return result;
}
