/* Main's side of the table of routes: route.h says how it is read. Grace periods are those of the
 * tables. */
#include "route.h"
#include "tables_private.h"

#include <errno.h>
#include <rte_malloc.h>
#include <sodium.h>

_Static_assert((int)ROUTE_DEVICE_BITS >= (int)WIRE_INDEX_SLOT_BITS, "a device slot fits");

static uint32_t routes_max(const struct tables_limits *limits)
{
	return RTE_MAX(limits->devices_max * limits->routes_per_device, UINT32_C(64));
}

/* Two of a bucket's three places are taken at most. */
static uint32_t buckets_of(uint32_t routes)
{
	return routes / 2 + 1;
}

int routes_init(struct tables *tables, int socket)
{
	struct routes *routes = &tables->routes;
	struct route_table *table = &tables->view.routes;

	routes->max = routes_max(&tables->max);
	table->count = buckets_of(routes->max);
	randombytes_buf(table->secret, sizeof table->secret);
	table->buckets = rte_zmalloc_socket(
		"routes", table->count * sizeof *table->buckets, RTE_CACHE_LINE_SIZE, socket);
	routes->next = rte_zmalloc_socket("route links",
		(size_t)table->count * ROUTE_BUCKET_ROUTES * sizeof *routes->next, 0, socket);
	list_init(&routes->removed);
	list_init(&routes->waiting);
	return table->buckets == NULL || routes->next == NULL ? -ENOMEM : 0;
}

void routes_fini(struct tables *tables)
{
	struct route_table *table = &tables->view.routes;

	if (table->buckets != NULL)
		sodium_memzero(table->buckets, table->count * sizeof *table->buckets);
	rte_free(table->buckets);
	rte_free(tables->routes.next);
}

/* 64 bytes for every two routes, and a link for each of the three places: 38 a route. */
uint64_t routes_memory_bytes(const struct tables_limits *limits)
{
	return (uint64_t)buckets_of(routes_max(limits)) *
	       (sizeof(struct route_bucket) + ROUTE_BUCKET_ROUTES * sizeof(uint32_t));
}

static uint32_t *value_at(struct tables *tables, uint32_t position)
{
	return &tables->view.routes.buckets[position / ROUTE_BUCKET_ROUTES]
			.values[position % ROUTE_BUCKET_ROUTES];
}

/* Workers read only what it is about, so that plain order is enough. */
static void set_value(struct tables *tables, uint32_t position, uint32_t value)
{
	__atomic_store_n(value_at(tables, position), value, __ATOMIC_RELEASE);
}

static void count_passed(struct tables *tables, uint32_t from, uint32_t to, uint32_t change)
{
	struct route_table *table = &tables->view.routes;

	for (; from != to; from = route_next(table, from))
		__atomic_store_n(&table->buckets[from].passed, table->buckets[from].passed + change,
			__ATOMIC_RELEASE);
}

/* There is a free place: fewer routes than places are taken. */
static uint32_t free_place(const struct tables *tables, uint32_t bucket)
{
	const struct route_table *table = &tables->view.routes;

	for (;; bucket = route_next(table, bucket))
		for (uint32_t i = 0; i < ROUTE_BUCKET_ROUTES; i++)
			if (table->buckets[bucket].values[i] == ROUTE_NONE)
				return bucket * ROUTE_BUCKET_ROUTES + i;
}

static void add(
	struct tables *tables, uint32_t home, const struct table_route *route, uint32_t value)
{
	const uint32_t position = free_place(tables, home);
	const uint32_t bucket = position / ROUTE_BUCKET_ROUTES;
	uint64_t *place =
		tables->view.routes.buckets[bucket].routes[position % ROUTE_BUCKET_ROUTES];
	uint64_t half[ROUTE_WORDS];

	memcpy(half, route->route, sizeof half);
	for (uint32_t i = 0; i < ROUTE_WORDS; i++)
		__atomic_store_n(&place[i], half[i], __ATOMIC_RELAXED);
	set_value(tables, position, value);
	count_passed(tables, home, bucket, 1);
	tables->routes.next[position] = tables->devices[route->device].routes;
	tables->devices[route->device].routes = position;
	tables->routes.taken++;
}

static void unlink_from_device(struct tables *tables, uint32_t device, uint32_t position)
{
	uint32_t *link = &tables->devices[device].routes;

	while (*link != position)
		link = &tables->routes.next[*link];
	*link = tables->routes.next[position];
}

/* Nothing is left of a route: a reader that saw its value a moment ago and compares now finds no
 * match, whatever it looks for, because nobody can name the secret (zeros anybody could). */
static void wipe(const struct route_table *table, uint64_t *place)
{
	for (uint32_t i = 0; i < ROUTE_WORDS; i++)
		__atomic_store_n(&place[i], table->secret[i], __ATOMIC_RELAXED);
}

/* Takes a route out that no device's list holds any more. Its place is free after a grace period.
 */
static void remove_at(struct tables *tables, uint32_t position)
{
	struct route_table *table = &tables->view.routes;
	const uint32_t bucket = position / ROUTE_BUCKET_ROUTES;
	uint64_t *place = table->buckets[bucket].routes[position % ROUTE_BUCKET_ROUTES];

	set_value(tables, position, ROUTE_GONE);
	count_passed(tables, route_bucket_of(table, place), bucket, UINT32_MAX);
	wipe(table, place);
	list_push(&tables->routes.removed, tables->routes.next, position);
}

int tables_route_set(struct tables *tables, const struct table_route *route)
{
	const struct route_table *table = &tables->view.routes;

	if (route->device >= tables->max.devices_max || route->flags >> ROUTE_FLAG_BITS != 0)
		return -EINVAL;
	if (!tables->devices[route->device].set)
		return -ENOENT;
	const uint32_t fresh =
		ROUTE_USED | ROUTE_NAMED | route->device << ROUTE_FLAG_BITS | route->flags;
	const uint32_t home = route_bucket_of(table, route->route);
	uint32_t position;
	const uint32_t value = route_find(table, home, route->route, &position);
	if (value != ROUTE_NONE) {
		if (route_device(value) != route->device)
			return -EEXIST;
		set_value(tables, position, fresh);
		return 0;
	}
	if (tables->routes.taken == tables->routes.max)
		return -ENOSPC;
	add(tables, home, route, fresh);
	return 0;
}

void tables_route_prefetch(const struct tables *tables, const struct table_route *route)
{
	const struct route_table *table = &tables->view.routes;

	route_prefetch(table, route_bucket_of(table, route->route));
	if (route->device < tables->max.devices_max)
		rte_prefetch0(&tables->devices[route->device]);
}

int tables_route_remove(struct tables *tables, const uint8_t route[WIRE_ROUTE_BYTES])
{
	const struct route_table *table = &tables->view.routes;
	uint32_t position;
	const uint32_t value = route_find(table, route_bucket_of(table, route), route, &position);

	if (value == ROUTE_NONE)
		return -ENOENT;
	unlink_from_device(tables, route_device(value), position);
	remove_at(tables, position);
	return 0;
}

void routes_remove_of_device(struct tables *tables, uint32_t device)
{
	uint32_t position = tables->devices[device].routes;

	tables->devices[device].routes = TABLES_NONE;
	while (position != TABLES_NONE) {
		const uint32_t next = tables->routes.next[position];
		remove_at(tables, position);
		position = next;
	}
}

void routes_sync_begin(struct tables *tables)
{
	const uint32_t places = tables->view.routes.count * ROUTE_BUCKET_ROUTES;

	for (uint32_t position = 0; position < places; position++) {
		const uint32_t value = *value_at(tables, position);
		if (route_is_used(value))
			set_value(tables, position, value & ~ROUTE_NAMED);
	}
}

void routes_sync_end(struct tables *tables)
{
	const uint32_t places = tables->view.routes.count * ROUTE_BUCKET_ROUTES;

	for (uint32_t position = 0; position < places; position++) {
		const uint32_t value = *value_at(tables, position);
		if (!route_is_used(value) || (value & ROUTE_NAMED) != 0)
			continue;
		unlink_from_device(tables, route_device(value), position);
		remove_at(tables, position);
	}
}

void routes_free_waiting(struct tables *tables)
{
	struct routes *routes = &tables->routes;

	for (uint32_t i = 0; i < TABLES_FREE_ROUTES; i++) {
		const uint32_t position = list_pop(&routes->waiting, routes->next);
		if (position == TABLES_NONE)
			break;
		set_value(tables, position, ROUTE_NONE);
		routes->taken--;
	}
}
