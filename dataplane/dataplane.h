/* What the main lcore has: made by main.c before privileges drop, handed to its parts. Only the
 * main lcore uses it; workers see what their struct worker points to. */
#ifndef CHAPPE_DATAPLANE_DATAPLANE_H
#define CHAPPE_DATAPLANE_DATAPLANE_H

#include "config.h"
#include "confine.h"
#include "port.h"
#include "secrets.h"
#include "worker.h"

struct dataplane {
	struct config config;
	struct confine_account account;
	struct ports ports;
	struct worker *workers[WORKERS_MAX];
	uint32_t worker_count;
	struct tables *tables;
	struct rte_rcu_qsbr *qsbr;
	struct rte_mempool *pool;
	struct secrets_box secrets;
	uint64_t boot;
	uint32_t suites;                  /* bit n = suite n works here */
	uint64_t counters[COUNTER_COUNT]; /* of what ends on the main lcore */
};

static inline void dataplane_count(struct dataplane *dataplane, enum counter counter, uint64_t n)
{
	dataplane->counters[counter] += n;
}

#endif
