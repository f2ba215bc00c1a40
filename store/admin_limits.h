/* The limits of what waits, one line each: what chappectl, the API and control's store call them,
 * between what they may lie, and what holds where nobody has set them. Frames are counted as they
 * lie in the store: bytes are those of cells, 512 and 1232. */
#ifndef CHAPPE_STORE_ADMIN_LIMITS_H
#define CHAPPE_STORE_ADMIN_LIMITS_H

#include "admin_msg.h"

enum { ADMIN_ROUTE_FRAMES = 10000, ADMIN_DEVICE_FRAMES = 50000 };

/* field of struct admin_limits, least, most, default, what. MAILBOX_ENTRIES_MAX bounds the frames
 * of a route; 50,000 large cells take a device 10 s at 50 Mbit/s. */
#define ADMIN_LIMITS(X)                                                                            \
	X(route_frames, 1, 1 << 20, ADMIN_ROUTE_FRAMES, "frames that wait under one route")        \
	X(route_bytes, 1232, INT64_C(1) << 40, ADMIN_ROUTE_FRAMES * WIRE_LARGE_BYTES,              \
		"bytes that wait under one route")                                                 \
	X(device_frames, 1, INT32_MAX, ADMIN_DEVICE_FRAMES, "frames that wait for one device")     \
	X(device_bytes, 1232, INT64_C(1) << 44, ADMIN_DEVICE_FRAMES * WIRE_LARGE_BYTES,            \
		"bytes that wait for one device")                                                  \
	X(total_bytes, 1232, INT64_C(1) << 50, INT64_C(16) << 30, "bytes that wait altogether")    \
	X(disk_free_bytes, 0, INT64_C(1) << 50, 256 << 20,                                         \
		"bytes that the disk must have free for anything to be taken")                     \
	X(ttl_minutes, 1, 366 * 24 * 60, 21 * 24 * 60, "minutes that a frame waits at most")

static inline struct admin_limits admin_limits_default(void)
{
	return (struct admin_limits){
#define X(field, least, most, otherwise, what) .field = (otherwise),
		ADMIN_LIMITS(X)
#undef X
	};
}

#endif
