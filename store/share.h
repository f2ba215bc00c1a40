/* What dataplane and chappe-store share: memory with rings (ring.h), made by the dataplane before
 * its privileges drop and handed over as a sealed memfd. Up: one ring of each worker, in which
 * frames come. Events: one ring of the main lcore. Down: one ring to the main lcore, what is to be
 * sent.
 *
 * Either side checks each record that it takes by share_*_ok(): the other one may be hostile. What
 * is lost where a ring is full was not acknowledged and comes again, but for events: for one that
 * found no room, SHARE_RESYNC follows as soon as there is some. */
#ifndef CHAPPE_STORE_SHARE_H
#define CHAPPE_STORE_SHARE_H

#include "ring.h"
#include "src/wire.h"

enum {
	SHARE_WORKERS_MAX = 32,
	SHARE_UP_SLOTS = 2048,
	SHARE_EVENT_SLOTS = 4096,
	SHARE_DOWN_SLOTS = 8192,
	SHARE_FRAME_MAX_BYTES = WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES,
};

enum share_up_kind {
	SHARE_STORED = 1,   /* the route was looked up: it leads to device */
	SHARE_RECEIVED = 2, /* the route leads to the device that sent it */
};

struct share_up {
	uint16_t kind, len; /* len: bytes of frame in use, 480 or 1200; 32 for SHARE_RECEIVED */
	uint32_t device;    /* slot the route leads to */
	uint32_t index;     /* session of the sender, where `accepted` goes */
	uint8_t reserved[20];
	uint8_t frame[SHARE_FRAME_MAX_BYTES]; /* inner header first */
	uint8_t padding[48];
};
_Static_assert(sizeof(struct share_up) == 1280, "whole cache lines");

enum share_event_kind {
	SHARE_ONLINE = 1,   /* device has a confirmed session */
	SHARE_OFFLINE = 2,  /* what was to be delivered to it was not: it has none */
	SHARE_RESOLVED = 3, /* the answer to SHARE_RESOLVE: route leads to device */
	SHARE_NO_ROUTE = 4, /* the same: it leads nowhere, or not yet */
	SHARE_RESYNC = 5,   /* events were lost, or devices have other slots: resolve all */
};

struct share_event {
	uint32_t kind, device;
	uint8_t route[WIRE_ROUTE_BYTES];
	uint8_t padding[40];
};
_Static_assert(sizeof(struct share_event) == 64, "a cache line");

enum share_down_kind {
	SHARE_SEND = 1,    /* to session index: `accepted` with this inner header */
	SHARE_DELIVER = 2, /* to the session of the device to which the frame's route leads now */
	SHARE_RESOLVE = 3, /* where does the route of this inner header lead? */
};

struct share_down {
	uint16_t kind, len; /* len: 480 or 1200 for SHARE_DELIVER, else 32 */
	uint32_t index;     /* SHARE_SEND */
	uint8_t reserved[24];
	uint8_t frame[SHARE_FRAME_MAX_BYTES];
	uint8_t padding[48];
};
_Static_assert(sizeof(struct share_down) == 1280, "whole cache lines");

/* Whether a record is one: kind, len, the kind in its inner header, slots below devices_max. */
bool share_up_ok(const struct share_up *record, uint32_t devices_max);
bool share_event_ok(const struct share_event *record, uint32_t devices_max);
bool share_down_ok(const struct share_down *record);

/* Consumer: ring_take() of what is in use of a record; what lies behind is as it was before. */
bool share_take_up(struct ring *ring, struct share_up *record);
bool share_take_down(struct ring *ring, struct share_down *record);

/* One side's views of the rings in one piece of memory. */
struct share {
	void *memory;
	size_t bytes;
	uint32_t workers;
	struct ring up[SHARE_WORKERS_MAX], events, down;
};

/* Dataplane: makes the memory, its size sealed, and attaches as producer of up and events and
 * consumer of down. Returns 0 or -errno; *fd is the caller's. */
int share_make(struct share *share, uint32_t workers, int *fd);
/* Store: maps what it was handed and attaches as the other side. -EPROTO where the size is another
 * one or could change, which would end the process that reads behind the end. */
int share_map(struct share *share, uint32_t workers, int fd);
void share_unmap(struct share *share);

#endif
