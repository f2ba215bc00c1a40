/* Routes: an rte_hash whose readers take no lock. Grace periods are those of the tables, not of
 * rte_hash_rcu_qsbr_add(): that would free the place of a removed key without wiping it. */
#include "route.h"
#include "tables_private.h"

#include <errno.h>
#include <inttypes.h>
#include <rte_malloc.h>
#include <sodium.h>
#include <stdio.h>

/* Two random words of this boot: which routes share a bucket can't be foreseen from outside. */
static uint64_t hash_secret[2];

/* Folded multiplication of both halves of a route (as in wyhash); len is always 16. */
static uint32_t route_hash(const void *key, uint32_t len, uint32_t init)
{
	uint64_t half[2];

	RTE_SET_USED(len);
	memcpy(half, key, sizeof half);
	const unsigned __int128 product =
		(unsigned __int128)(half[0] ^ hash_secret[0]) * ((half[1] ^ hash_secret[1]) | 1);
	const uint64_t folded = (uint64_t)(product >> 64) ^ (uint64_t)product;
	return (uint32_t)(folded >> 32) ^ (uint32_t)folded ^ init;
}

static uint32_t entries(const struct tables_limits *limits)
{
	return RTE_MAX(limits->devices_max * limits->routes_per_device, UINT32_C(64));
}

int routes_init(struct tables *tables, int socket)
{
	static uint32_t instances;
	struct routes *routes = &tables->routes;
	char name[RTE_HASH_NAMESIZE];

	if (hash_secret[0] == 0)
		randombytes_buf(hash_secret, sizeof hash_secret);
	snprintf(name, sizeof name, "routes%" PRIu32, instances++);
	const struct rte_hash_parameters parameters = {
		.name = name,
		.entries = entries(&tables->max),
		.key_len = WIRE_ROUTE_BYTES,
		.hash_func = route_hash,
		.socket_id = socket,
		.extra_flag =
			RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};
	routes->hash = rte_hash_create(&parameters);
	if (routes->hash == NULL)
		return -ENOMEM;
	const int32_t positions = rte_hash_max_key_id(routes->hash);
	if (positions < 0)
		return -EINVAL;
	routes->next = rte_zmalloc_socket(
		"route links", ((size_t)positions + 1) * sizeof *routes->next, 0, socket);
	routes->named = rte_zmalloc_socket("route marks", (size_t)positions + 1, 0, socket);
	if (routes->next == NULL || routes->named == NULL)
		return -ENOMEM;
	routes->positions = (uint32_t)positions + 1;
	list_init(&routes->removed);
	list_init(&routes->waiting);
	return 0;
}

void routes_fini(struct tables *tables)
{
	struct routes *routes = &tables->routes;

	for (uint32_t device = 0; routes->named != NULL && device < tables->max.devices_max;
		device++)
		routes_remove_of_device(tables, device); /* wipes them */
	rte_hash_free(routes->hash);
	rte_free(routes->next);
	rte_free(routes->named);
}

/* What rte_hash takes: keys of 32 bytes, two tables of buckets of 64 bytes for 8 entries, a ring
 * and a list of 4 bytes an entry, each rounded up to a power of two; and our own link and mark. */
uint64_t routes_memory_bytes(const struct tables_limits *limits)
{
	const uint64_t n = entries(limits), rounded = rte_align64pow2(n + 1);

	return n * (32 + 4 + 4 + 1) + rounded * (2 * 64 / 8 + 4);
}

/* Position in the hash and data, or -ENOENT. */
static int32_t find(const struct routes *routes, const uint8_t *route, void **data)
{
	if (rte_hash_lookup_data(routes->hash, route, data) < 0)
		return -ENOENT;
	return rte_hash_lookup(routes->hash, route);
}

static void unlink_from_device(struct tables *tables, uint32_t device, uint32_t position)
{
	uint32_t *link = &tables->devices[device].routes;

	while (*link != position)
		link = &tables->routes.next[*link];
	*link = tables->routes.next[position];
}

/* Takes a route that no device's list holds any more out of the hash. The key is wiped at once: a
 * reader that still compares with it finds another route or zeros, and so no match, which is what
 * it would find a moment later. Its position is free after a grace period. */
static void remove_at(struct routes *routes, uint32_t position)
{
	void *key;

	if (rte_hash_get_key_with_position(routes->hash, (int32_t)position, &key) != 0)
		return;
	const int32_t removed = rte_hash_del_key(routes->hash, key);
	RTE_ASSERT(removed == (int32_t)position);
	RTE_SET_USED(removed);
	sodium_memzero(key, WIRE_ROUTE_BYTES);
	list_push(&routes->removed, routes->next, position);
}

int tables_route_set(struct tables *tables, const struct table_route *route)
{
	struct routes *routes = &tables->routes;
	void *data;

	if (route->device >= tables->max.devices_max || route->flags >> ROUTE_FLAG_BITS != 0)
		return -EINVAL;
	if (!tables->devices[route->device].set)
		return -ENOENT;
	int32_t position = find(routes, route->route, &data);
	if (position >= 0 && route_device(data) != route->device)
		return -EEXIST;
	int result = rte_hash_add_key_data(
		routes->hash, route->route, route_data(route->device, route->flags));
	if (result < 0)
		return result;
	if (position < 0) {
		position = rte_hash_lookup(routes->hash, route->route);
		routes->next[position] = tables->devices[route->device].routes;
		tables->devices[route->device].routes = (uint32_t)position;
	}
	routes->named[position] = 1;
	return 0;
}

int tables_route_remove(struct tables *tables, const uint8_t route[WIRE_ROUTE_BYTES])
{
	void *data;
	const int32_t position = find(&tables->routes, route, &data);

	if (position < 0)
		return -ENOENT;
	unlink_from_device(tables, route_device(data), (uint32_t)position);
	remove_at(&tables->routes, (uint32_t)position);
	return 0;
}

void routes_remove_of_device(struct tables *tables, uint32_t device)
{
	uint32_t position = tables->devices[device].routes;

	tables->devices[device].routes = TABLES_NONE;
	while (position != TABLES_NONE) {
		const uint32_t next = tables->routes.next[position];
		remove_at(&tables->routes, position);
		position = next;
	}
}

void routes_sync_begin(struct tables *tables)
{
	memset(tables->routes.named, 0, tables->routes.positions);
}

void routes_sync_end(struct tables *tables)
{
	struct routes *routes = &tables->routes;

	for (uint32_t device = 0; device < tables->max.devices_max; device++) {
		uint32_t *link = &tables->devices[device].routes;
		while (*link != TABLES_NONE) {
			const uint32_t position = *link;
			if (routes->named[position]) {
				link = &routes->next[position];
				continue;
			}
			*link = routes->next[position];
			remove_at(routes, position);
		}
	}
}

void routes_free_waiting(struct tables *tables)
{
	struct routes *routes = &tables->routes;
	uint32_t position;

	for (uint32_t i = 0; i < TABLES_FREE_ROUTES; i++) {
		position = list_pop(&routes->waiting, routes->next);
		if (position == TABLES_NONE)
			break;
		rte_hash_free_key_with_position(routes->hash, (int32_t)position);
	}
}
