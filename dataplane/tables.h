/* What the main lcore does to the tables. It is their only writer; workers read them under QSBR.
 * Each function returns 0 or -errno and never blocks: what readers may still hold is unlinked at
 * once, and wiped and freed by tables_reclaim() after a grace period. */
#ifndef CHAPPE_DATAPLANE_TABLES_H
#define CHAPPE_DATAPLANE_TABLES_H

#include "src/table_msg.h"

struct tables;
struct tables_view; /* what workers may read: session.h */
struct rte_rcu_qsbr;

struct tables_limits {
	uint32_t devices_max, routes_per_device;
	uint32_t owners;
};

/* Memory for everything is taken here; later calls allocate nothing. NULL with errno on failure. */
struct tables *tables_create(const struct tables_limits *limits, struct rte_rcu_qsbr *qsbr);
/* EAL memory that tables_create() takes, in bytes, rounded up. */
uint64_t tables_memory_bytes(const struct tables_limits *limits);
const struct tables_view *tables_view(const struct tables *tables);
/* Bit n is set where suite n works on this machine. */
uint32_t tables_suites(const struct tables *tables);
void tables_destroy(struct tables *tables);

int tables_device_set(struct tables *tables, const struct table_device *device);
int tables_device_remove(
	struct tables *tables, uint32_t slot); /* ends its sessions, drops its routes */
int tables_route_set(struct tables *tables, const struct table_route *route);
/* For a route that will be set soon: fetches what that will touch. */
void tables_route_prefetch(const struct tables *tables, const struct table_route *route);
int tables_route_remove(struct tables *tables, const uint8_t route[WIRE_ROUTE_BYTES]);

/* Takes a free slot for an owner, first in first out, and forms the index that control may hand
 * out. -ENOSPC when none is free. tables_lease_return() gives an unused one back. */
int tables_lease(struct tables *tables, uint32_t owner, uint32_t *index);
int tables_lease_return(struct tables *tables, uint32_t index);

/* Installs a pending session on a leased index; an earlier pending one of the device ends. */
int tables_session_install(struct tables *tables, const struct table_install *install);
/* The owner has seen its keepalive: the device slot now names it; the one before it lives
 * WIRE_OLD_KEYS_S more. -ENOENT when it has ended meanwhile. */
int tables_session_confirm(struct tables *tables, uint32_t index);
int tables_session_remove(struct tables *tables, uint32_t index, enum table_end_reason reason);

/* Resynchronisation: between begin and end what is set, kept or installed is marked; end removes
 * the rest. */
void tables_sync_begin(struct tables *tables);
int tables_session_keep(struct tables *tables, uint32_t index);
void tables_sync_end(struct tables *tables);

/* Calls ended() for each session that ended since the last call, whatever the reason. Advances
 * expiry and grace periods by a bounded amount of work; call it from every turn of the main loop.
 */
typedef void tables_ended(void *arg, const struct table_ended *ended);
void tables_reclaim(struct tables *tables, tables_ended *ended, void *arg);

/* Walks live sessions from *cursor (0 at first); returns how many were written to out, 0 at the
 * end. */
uint32_t tables_session_dump(
	const struct tables *tables, uint32_t *cursor, struct table_session *out, uint32_t max);

#endif
