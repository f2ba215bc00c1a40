/* The table of routes against a naive model, full and under random acts, and read meanwhile. */
#include "dataplane/route.h"
#include "dataplane/session.h"
#include "dataplane/tables.h"
#include "eal.h"

#include <errno.h>
#include <pthread.h>
#include <rte_rcu_qsbr.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
	DEVICES = 100,
	ROUTES_EACH = 8,
	ROUTES = DEVICES * ROUTES_EACH,
	STEPS = 50000,
	CHURNS = 20000
};

struct known {
	struct table_route record;
	bool set;
};

static struct known known[ROUTES + 1];
static struct rte_rcu_qsbr *qsbr;
static struct tables *tables;

static int setup(void **state)
{
	const struct tables_limits limits = { DEVICES, ROUTES_EACH, 1 };

	(void)state;
	tables = tables_create(&limits, qsbr);
	for (uint32_t i = 0; i <= ROUTES; i++) {
		known[i] = (struct known){ .record.device = i % DEVICES };
		randombytes_buf(known[i].record.route, WIRE_ROUTE_BYTES);
	}
	for (uint32_t i = 0; tables != NULL && i < DEVICES; i++)
		tables_device_set(tables, &(struct table_device){ .slot = i });
	return tables != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	tables_destroy(tables);
	return 0;
}

static uint32_t find(const struct known *one)
{
	const struct route_table *table = &tables_view(tables)->routes;
	const uint8_t *route = one->record.route;

	return route_find(table, route_bucket_of(table, route), route, NULL);
}

/* Every route that is set is found, and no other. */
static void check(void)
{
	for (uint32_t i = 0; i <= ROUTES; i++) {
		const uint32_t value = find(&known[i]);
		if (!known[i].set) {
			assert_int_equal(value, ROUTE_NONE);
			continue;
		}
		assert_true(route_is_used(value));
		assert_int_equal(route_device(value), known[i].record.device);
		assert_int_equal(route_flags(value), known[i].record.flags);
	}
}

static void check_in_bulk(void)
{
	const struct route_table *table = &tables_view(tables)->routes;
	const void *routes[ROUTE_BULK_MAX];
	uint32_t values[ROUTE_BULK_MAX];

	for (uint32_t i = 0; i + ROUTE_BULK_MAX <= ROUTES; i += ROUTE_BULK_MAX) {
		for (uint32_t k = 0; k < ROUTE_BULK_MAX; k++)
			routes[k] = known[i + k].record.route;
		route_find_bulk(table, routes, ROUTE_BULK_MAX, values);
		for (uint32_t k = 0; k < ROUTE_BULK_MAX; k++)
			assert_int_equal(values[k], find(&known[i + k]));
	}
}

/* Frees the places of what was removed. */
static void pass_grace_periods(void)
{
	for (int turn = 0; turn < 4; turn++) {
		tables_reclaim(tables, NULL, NULL);
		rte_rcu_qsbr_quiescent(qsbr, 0);
	}
}

static void set(struct known *one)
{
	assert_int_equal(tables_route_set(tables, &one->record), 0);
	one->set = true;
}

static void unset(struct known *one)
{
	assert_int_equal(tables_route_remove(tables, one->record.route), one->set ? 0 : -ENOENT);
	one->set = false;
}

static void holds_as_many_as_promised(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ROUTES; i++)
		set(&known[i]);
	assert_int_equal(tables_route_set(tables, &known[ROUTES].record), -ENOSPC);
	check();
	check_in_bulk();
	/* The place of a removed one is free after a grace period, not before. */
	unset(&known[7]);
	assert_int_equal(tables_route_set(tables, &known[ROUTES].record), -ENOSPC);
	pass_grace_periods();
	set(&known[ROUTES]);
	check();
}

static void behaves_as_the_model(void **state)
{
	(void)state;
	for (uint32_t step = 0; step < STEPS; step++) {
		struct known *one = &known[randombytes_uniform(ROUTES)];
		switch (randombytes_uniform(32)) {
		case 0:
			pass_grace_periods();
			break;
		case 1 ... 13:
			unset(one);
			break;
		default:
			/* Removed ones hold their places for a while. */
			one->record.flags = randombytes_uniform(1 << ROUTE_FLAG_BITS);
			if (tables_route_set(tables, &one->record) == 0) {
				one->set = true;
				break;
			}
			pass_grace_periods();
			set(one);
		}
		if (step % 512 == 0)
			check();
	}
	check();
	check_in_bulk();
}

static void synchronising_keeps_what_is_named(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ROUTES; i++)
		set(&known[i]);
	tables_sync_begin(tables);
	for (uint32_t i = 0; i < DEVICES; i++)
		tables_device_set(tables, &(struct table_device){ .slot = i });
	for (uint32_t i = 0; i < ROUTES; i++)
		if (i % 3 == 0)
			set(&known[i]);
	check();
	tables_sync_end(tables);
	for (uint32_t i = 0; i < ROUTES; i++)
		known[i].set = i % 3 == 0;
	check();
	pass_grace_periods();
	for (uint32_t i = 0; i < ROUTES; i++)
		set(&known[i]);
	check();
}

/* A reader that has just seen that a place is used compares with what a removal leaves there. */
static void a_removed_route_leaves_nothing_that_can_be_named(void **state)
{
	static const uint64_t zeros[ROUTE_WORDS];
	const struct route_table *table = &tables_view(tables)->routes;
	uint32_t left = 0;

	(void)state;
	set(&known[0]);
	unset(&known[0]);
	for (uint32_t i = 0; i < table->count * ROUTE_BUCKET_ROUTES; i++) {
		const struct route_bucket *bucket = &table->buckets[i / ROUTE_BUCKET_ROUTES];
		const uint64_t *place = bucket->routes[i % ROUTE_BUCKET_ROUTES];
		if (bucket->values[i % ROUTE_BUCKET_ROUTES] == ROUTE_NONE)
			continue;
		assert_memory_not_equal(place, zeros, sizeof zeros);
		assert_memory_not_equal(place, known[0].record.route, WIRE_ROUTE_BYTES);
		left++;
	}
	assert_int_equal(left, 1);
}

struct reader {
	bool running;
	uint32_t missed;
	uint64_t rounds;
};

/* A worker: the first half of the routes stays, and is never to be missed. */
static void *read_on(void *arg)
{
	struct reader *reader = arg;

	while (__atomic_load_n(&reader->running, __ATOMIC_ACQUIRE)) {
		for (uint32_t i = 0; i < ROUTES / 2; i++)
			if (route_device(find(&known[i])) != known[i].record.device)
				reader->missed++;
		__atomic_add_fetch(&reader->rounds, 1, __ATOMIC_RELEASE);
		rte_rcu_qsbr_quiescent(qsbr, 0);
	}
	return NULL;
}

static void a_reader_misses_nothing_while_others_come_and_go(void **state)
{
	struct reader reader = { .running = true };
	pthread_t thread;

	(void)state;
	for (uint32_t i = 0; i < ROUTES / 2; i++)
		set(&known[i]);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
	for (uint32_t i = 0; i < CHURNS || __atomic_load_n(&reader.rounds, __ATOMIC_ACQUIRE) < 100;
		i++) {
		struct known *one = &known[ROUTES / 2 + randombytes_uniform(ROUTES / 2)];
		tables_reclaim(tables, NULL, NULL);
		if (one->set)
			unset(one);
		else
			one->set = tables_route_set(tables, &one->record) == 0;
	}
	__atomic_store_n(&reader.running, false, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_int_equal(reader.missed, 0);
	check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(holds_as_many_as_promised),
		TEST(behaves_as_the_model),
		TEST(synchronising_keeps_what_is_named),
		TEST(a_removed_route_leaves_nothing_that_can_be_named),
		TEST(a_reader_misses_nothing_while_others_come_and_go),
	};

	eal_start();
	qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, rte_rcu_qsbr_get_memsize(1));
	if (qsbr == NULL || sodium_init() < 0 || rte_rcu_qsbr_init(qsbr, 1) != 0 ||
		rte_rcu_qsbr_thread_register(qsbr, 0) != 0)
		return 1;
	rte_rcu_qsbr_thread_online(qsbr, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
