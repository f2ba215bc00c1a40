/* What time does to the tables: deadlines, and grace periods, after which what was unlinked is
 * wiped and free. */
#include "tables_private.h"

#include <rte_cycles.h>
#include <sodium.h>

/* Ends what is past its deadline among the next TABLES_EXPIRY_SLOTS slots. */
static void expire(struct tables *tables)
{
	const uint64_t now = rte_rdtsc();

	for (uint32_t i = 0; i < RTE_MIN(tables->view.slots, (uint32_t)TABLES_EXPIRY_SLOTS); i++) {
		const uint32_t number = tables->expiry_cursor;
		const struct slot *slot = &tables->slots[number];
		if ((SLOT_LIVE_STATES & 1 << slot->state) != 0 && slot->deadline <= now)
			session_end(tables, number, slot->reason);
		tables->expiry_cursor = number + 1 < tables->view.slots ? number + 1 : 0;
	}
}

/* After the grace period: no worker holds a pointer any more. */
static void wipe_waiting(struct tables *tables)
{
	for (uint32_t i = 0; i < TABLES_WIPE_SESSIONS; i++) {
		const uint32_t number = list_pop(&tables->waiting, tables->slot_next);
		if (number == TABLES_NONE)
			return;
		struct session *session = &tables->sessions[number];
		sodium_memzero(session, sizeof *session);
		session->receive.index = SESSION_NONE;
		session->send.tag = SESSION_NO_TAG;
		tables->slots[number].state = SLOT_FREE;
		list_push(&tables->free, tables->slot_next, number);
	}
}

/* Everything unlinked since the last one shares a grace period. */
static void grace(struct tables *tables)
{
	if (tables->grace_running) {
		if (rte_rcu_qsbr_check(tables->qsbr, tables->token, false) != 1)
			return;
		wipe_waiting(tables);
		routes_free_waiting(tables);
		tables->grace_running = tables->waiting.head != TABLES_NONE ||
					tables->routes.waiting.head != TABLES_NONE;
		if (tables->grace_running)
			return;
	}
	if (tables->unlinked.head == TABLES_NONE && tables->routes.removed.head == TABLES_NONE)
		return;
	tables->waiting = tables->unlinked;
	tables->routes.waiting = tables->routes.removed;
	list_init(&tables->unlinked);
	list_init(&tables->routes.removed);
	tables->token = rte_rcu_qsbr_start(tables->qsbr);
	tables->grace_running = true;
}

void tables_reclaim(struct tables *tables, tables_ended *ended, void *arg)
{
	uint32_t number;

	expire(tables);
	while ((number = list_pop(&tables->ended, tables->slot_next)) != TABLES_NONE) {
		const struct slot *slot = &tables->slots[number];
		if (ended != NULL)
			ended(arg,
				&(struct table_ended){ slot->index, slot->device, slot->reason });
		list_push(&tables->unlinked, tables->slot_next, number);
	}
	grace(tables);
}
