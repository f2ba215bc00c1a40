/* To devices that are online, what waits for them, until their `received` has come.
 *
 * In order per route. A device is given PACE frames a tick, and as many and an eighth more as it
 * has acknowledged in the last one: what a line carries shows in what comes back over it. Up to
 * WINDOW frames of a route are out at a time, more than the fragments of the largest message, of
 * which a device acknowledges none before it has all.
 *
 * When nothing of a route was received for a time, all of it that is out is sent again; that time
 * doubles with each try, and so does, now and then, the window. A device of which nothing at all
 * comes is soon given a few frames only, as one that is gone may still have a session; every fourth
 * round is a whole one.
 *
 * Memory: 40 bytes a device slot, touched once the device is online. */
#ifndef CHAPPE_STORE_DELIVER_H
#define CHAPPE_STORE_DELIVER_H

#include "depot.h"
#include "share.h"

enum {
	DELIVER_PACE = 8,             /* frames of a device a tick, whatever it acknowledges */
	DELIVER_TICK_MAX = 1024,      /* the most */
	DELIVER_WINDOW = 1024,        /* of a route; 1 MiB is 901 fragments */
	DELIVER_RETRY_FIRST_MS = 250, /* doubled up to seven times: 32 s */
	DELIVER_RING_MAX = 512,       /* records in the down ring at a time */
};

struct deliver_device {
	uint64_t due_us;         /* in the wheel: when to look what is to be sent again */
	uint32_t next, previous; /* in the list it is in */
	uint32_t at;             /* place of the mailbox to go on with */
	uint16_t acknowledged;   /* frames, since the last tick */
	uint16_t left;           /* frames it may have in this tick */
	uint8_t list;            /* enum list, in deliver.c */
	uint8_t in_vain;         /* rounds without any `received` */
	bool online;
};

enum { DELIVER_SPOKES = 1024, DELIVER_WHEEL_US = 50000 /* so a turn of it takes 51 s */ };

/* Lists of devices: none, served in this tick, in the next one, and the spokes of the wheel. */
enum {
	DELIVER_NOWHERE,
	DELIVER_READY,
	DELIVER_LATER,
	DELIVER_WHEEL,
	DELIVER_LISTS = DELIVER_WHEEL + DELIVER_SPOKES
};

struct deliver_list {
	uint32_t first, last;
};

struct deliver {
	struct depot *depot;
	struct deliver_device *devices;
	uint32_t devices_max;
	struct deliver_list lists[DELIVER_LISTS];
	uint64_t wheel_at;                /* spokes that have passed */
	uint32_t waiting;                 /* devices in the wheel */
	uint64_t sent, again, unreadable; /* frames, since start */
	uint64_t now_us;                  /* of this tick */
	struct record_frame frame;
};

void deliver_init(struct deliver *deliver, struct depot *depot);
void deliver_free(struct deliver *deliver);
/* All devices are offline and have other slots. 0 or -ENOMEM. */
int deliver_reset(struct deliver *deliver, uint32_t devices_max, uint64_t now_us);

void deliver_online(struct deliver *deliver, uint32_t device);
void deliver_offline(struct deliver *deliver, uint32_t device);
/* Something may wait for it that did not before. */
void deliver_waits(struct deliver *deliver, uint32_t device);
/* A frame of a route that leads to the device was received. */
void deliver_received(struct deliver *deliver, uint32_t device, const uint8_t *route);

/* A new tick begins. */
void deliver_tick(struct deliver *deliver, uint64_t now_us);
/* Fills the ring for devices whose turn it is in this tick, until there is none, the ring has
 * DELIVER_RING_MAX, or the clock has reached until_us. */
void deliver_run(struct deliver *deliver, struct ring *down, uint64_t until_us);
/* Whether deliver_run() may go on in this tick. */
bool deliver_is_ready(const struct deliver *deliver);
/* When deliver_tick() has something to do: 0 at the next tick, UINT64_MAX never. */
uint64_t deliver_due_us(const struct deliver *deliver);

#endif
