/* Main's own half of the tables: never read by a worker. Split over tables.c (memory, devices,
 * synchronisation), sessions.c, routes.c and tables_reclaim.c (time). */
#ifndef CHAPPE_DATAPLANE_TABLES_PRIVATE_H
#define CHAPPE_DATAPLANE_TABLES_PRIVATE_H

#include "session.h"
#include "tables.h"
#include <rte_rcu_qsbr.h>

enum {
	TABLES_NONE = UINT32_MAX,
	TABLES_EXPIRY_SLOTS = 1024,  /* looked at in one call of tables_reclaim() */
	TABLES_WIPE_SESSIONS = 2048, /* wiped in one call: about 300 microseconds */
	TABLES_FREE_ROUTES = 1024,   /* freed in one call */
};

enum slot_state {
	SLOT_FREE = 0, /* in the first-in first-out list of free slots */
	SLOT_LEASED,   /* control holds its index */
	SLOT_PENDING,
	SLOT_CONFIRMED,
	SLOT_ENDED, /* unlinked; workers may still hold it */
};
enum { SLOT_LIVE_STATES = 1 << SLOT_PENDING | 1 << SLOT_CONFIRMED };

struct slot {
	uint64_t deadline; /* TSC; of pending and confirmed ones */
	uint64_t lifetime; /* TSC cycles from confirmation to the hard lifetime */
	uint32_t index, device;
	uint32_t device_next; /* in the list of the device's sessions */
	uint16_t keepalive_s;
	uint8_t state;      /* enum slot_state */
	uint8_t generation; /* of the next lease */
	uint8_t reason;     /* enum table_end_reason, when it ends at its deadline */
	bool named;         /* since tables_sync_begin() */
};

struct device {
	uint32_t sessions; /* list by slot.device_next; pending, confirmed and replaced ones */
	uint32_t pending;  /* slot or TABLES_NONE */
	uint32_t routes;   /* list by routes.next */
	uint32_t limits;   /* class */
	bool set, named;
};

/* A first-in first-out list of numbers, linked through an array of `next` by number. */
struct list {
	uint32_t head, tail;
};

/* The table itself is view.routes. */
struct routes {
	/* By position: the device's next route, or, once removed, the next to free. */
	uint32_t *next;
	struct list removed; /* unlinked since the last grace period began */
	struct list waiting; /* for the grace period that runs */
	uint32_t taken, max; /* places; taken: removed ones too, until they are free */
};

struct tables {
	struct tables_limits max;
	struct tables_view view;
	struct rte_rcu_qsbr *qsbr;
	struct aead aead;
	struct limits limits;
	struct session *sessions; /* as view.sessions */
	uint32_t *current;        /* as view.current */
	struct slot *slots;
	uint32_t *slot_next; /* of the list that a slot is in: */
	struct device *devices;
	struct routes routes;
	struct list free;     /* slots */
	struct list ended;    /* unlinked, ended() not called yet */
	struct list unlinked; /* ended() called, grace period not begun */
	struct list waiting;  /* for the grace period that runs */
	uint64_t token;       /* of the grace period that runs */
	bool grace_running;
	uint32_t expiry_cursor;
	uint64_t hz;
};

static inline void list_init(struct list *list)
{
	list->head = list->tail = TABLES_NONE;
}

static inline void list_push(struct list *list, uint32_t *next, uint32_t number)
{
	next[number] = TABLES_NONE;
	if (list->tail == TABLES_NONE)
		list->head = number;
	else
		next[list->tail] = number;
	list->tail = number;
}

/* TABLES_NONE when it is empty. */
static inline uint32_t list_pop(struct list *list, const uint32_t *next)
{
	const uint32_t number = list->head;

	if (number == TABLES_NONE)
		return TABLES_NONE;
	list->head = next[number];
	if (list->head == TABLES_NONE)
		list->tail = TABLES_NONE;
	return number;
}

/* sessions.c */
void sessions_init(struct tables *tables);
void session_end(struct tables *tables, uint32_t slot, enum table_end_reason reason);
void sessions_end_of_device(struct tables *tables, uint32_t device);
void sessions_set_limits(struct tables *tables, uint32_t device);
void sessions_sync_begin(struct tables *tables);
void sessions_sync_end(struct tables *tables);

/* routes.c */
int routes_init(struct tables *tables, int socket);
void routes_fini(struct tables *tables);
uint64_t routes_memory_bytes(const struct tables_limits *limits);
void routes_remove_of_device(struct tables *tables, uint32_t device);
void routes_sync_begin(struct tables *tables);
void routes_sync_end(struct tables *tables);
void routes_free_waiting(struct tables *tables);

#endif
