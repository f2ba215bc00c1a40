/* Which device slots the routes lead to under which something waits: the dataplane is asked after
 * it came, or said SHARE_RESYNC, a few hundred routes at a time. Routes that lead nowhere are asked
 * for again after a second, then after twice that, as control may not have told the dataplane yet:
 * at most after 4 s, or 1 ms for each of them, which those that were revoked bear too. One that led
 * somewhere before is asked for within a second. */
#ifndef CHAPPE_STORE_RESOLVE_H
#define CHAPPE_STORE_RESOLVE_H

#include "deliver.h"

enum {
	RESOLVE_ASKED_MAX = 1024,    /* without an answer yet: a quarter of the events' ring */
	RESOLVE_ANSWER_US = 2000000, /* later it is lost */
	RESOLVE_AGAIN_FIRST_US = 1000000,
	RESOLVE_AGAIN_FEW_US = 4000000,
	RESOLVE_AGAIN_EACH_US = 1000,
	RESOLVE_AGAIN_LAST_US = 60000000,
};

struct resolve {
	struct depot *depot;
	struct deliver *deliver;
	uint32_t place; /* of the mailbox to look at next */
	uint32_t asked; /* and not answered */
	uint32_t left;  /* routes of this pass that lead nowhere, or were not answered */
	bool passing;
	uint64_t answer_due_us; /* of the last question */
	uint64_t again_us;      /* when the next pass begins; UINT64_MAX: none is needed */
	uint64_t now_us;        /* of the last turn */
	uint32_t wait_us;
};

void resolve_init(struct resolve *resolve, struct depot *depot, struct deliver *deliver);
/* No slot is known: a pass begins. */
void resolve_reset(struct resolve *resolve);
/* Asks, where it is time to. */
void resolve_turn(struct resolve *resolve, struct ring *down, uint64_t now_us);
void resolve_answer(struct resolve *resolve, const struct share_event *event);
/* The dataplane says with another event where a route leads. */
void resolve_learn(struct resolve *resolve, const struct share_event *event);
/* When resolve_turn() has something to do: 0 at the next tick. */
uint64_t resolve_due_us(const struct resolve *resolve);

#endif
