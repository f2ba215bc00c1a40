/* A relay whose tables are played with, for tests of main's side of them. */
#ifndef CHAPPE_TESTS_TABLES_RIG_H
#define CHAPPE_TESTS_TABLES_RIG_H

#include "relay.h"

#include "dataplane/tables_private.h"

static struct relay relay;
static struct endpoint home;

struct ended {
	struct table_ended last;
	uint32_t n;
};

static inline void note_end(void *arg, const struct table_ended *ended)
{
	struct ended *all = arg;
	all->last = *ended;
	all->n++;
}

static inline int setup(void **state)
{
	(void)state;
	relay_start(&relay, &(struct relay_options){ .workers = 2, .queues = 2 });
	home = place(relay.port_ids[0], 4, 0, 9, 999);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	relay_stop(&relay);
	return 0;
}

static inline const struct tables_view *view(void)
{
	return tables_view(relay.tables);
}

/* Passes grace periods until everything unlinked is wiped. */
static inline void reclaim(struct ended *ended)
{
	for (uint32_t turn = 0; turn < 4; turn++) {
		tables_reclaim(relay.tables, note_end, ended);
		for (uint32_t i = 0; i < relay.worker_count; i++)
			rte_rcu_qsbr_quiescent(relay.qsbr, i);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
