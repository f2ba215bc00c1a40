/* The link to chappe-store (store/link_msg.h): one chappe-store at a time maps the memory in which
 * workers leave stored frames for it, and in which it leaves what is to be sent. Everything that it
 * writes there is checked; a store that breaks a ring is never let in again.
 *
 * store_link.c holds the connection, store_event.c tells the store of devices, store_down.c sends
 * what it asks for. Only the main lcore uses it; workers see worker.store_connected and store_up.
 */
#ifndef CHAPPE_DATAPLANE_STORE_LINK_H
#define CHAPPE_DATAPLANE_STORE_LINK_H

#include "dataplane.h"
#include "link.h"
#include "store/link_msg.h"
#include "store/share.h"

enum {
	STORE_DOWN_RECORDS_PER_TURN = 1024, /* about 0.3 ms of them */
	/* What is taken from the store leaves this much of an inject ring to control's answers. */
	STORE_INJECT_RESERVE_FRAMES = 256,
	STORE_RINGS_PER_TURN = 64,
	/* And this much of the event ring to devices that come online. */
	STORE_EVENT_RESERVE = 1024,
};

struct store_link {
	struct dataplane *dataplane;
	struct link link;
	struct share share;
	int descriptors[LINK_DESCRIPTORS]; /* what the hello hands over */
	int bell;                          /* our end of LINK_BELL */
	bool ready;                        /* chappe-store has mapped the memory */
	bool resync;                       /* a SHARE_RESYNC is due, and every device anew */
	uint32_t told;            /* devices below this slot were told of since the last resync */
	bool held;                /* record waits for room in an inject ring or the event ring */
	struct share_down record; /* being sent; zeros otherwise */
};

/* Makes the memory and hands the workers their rings; before privileges drop. 0 or -errno. */
int store_link_init(struct store_link *store, struct dataplane *dataplane);
/* Once workers have stopped. */
void store_link_free(struct store_link *store);

void store_link_accept(struct store_link *store);
/* Reads what chappe-store has sent: `ready`, or nothing. */
void store_link_receive(struct store_link *store);
/* Takes what chappe-store rang. */
void store_link_rung(const struct store_link *store);
/* From every turn: sends what the down ring holds, rings the bell. Returns whether there is more to
 * do than a turn may. */
bool store_link_turn(struct store_link *store);
/* Ends the connection; workers stop handing over frames. */
void store_link_lose(struct store_link *store, const char *why);

/* A device has a confirmed session now. */
void store_link_online(struct store_link *store, uint32_t device);
/* Slots of devices may mean others, or routes lead elsewhere: the store is to ask anew. */
void store_link_resync(struct store_link *store);

/* store_event.c */
/* Whether an answer to the store has room; true where nobody waits for it. */
bool store_event_room(struct store_link *store);
void store_event_answer(struct store_link *store, enum share_event_kind kind, uint32_t device,
	const uint8_t route[WIRE_ROUTE_BYTES]);
/* Resync and the devices that are online, as far as there is room. */
void store_event_turn(struct store_link *store);

/* store_down.c */
/* Returns how many records were taken. */
uint32_t store_down_turn(struct store_link *store);

#endif
