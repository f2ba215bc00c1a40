/* Bodies of control frames (inner kind 5): what a device asks of its relay (docs/protocol.md).
 * Request payload: op, len, body; the answer has the same frame_id and op | CONTROL_OP_ANSWER, and
 * its body begins with a status. Every operation is idempotent: a request repeated with the same
 * frame_id changes nothing and gets the same answer; only after a restart of control a repeated
 * ROUTE_REVOKE or ROUTE_SET may find its route gone (NO_ROUTE): for a revocation that is success.
 * All integers are little-endian. */
#ifndef CHAPPE_CONTROL_OP_H
#define CHAPPE_CONTROL_OP_H

#include "wire.h"

enum { CONTROL_OP_ANSWER = 0x8000 };

/* op, code, request body bytes, answer body bytes (status included) */
#define CONTROL_OPS(X)                                                                             \
	X(ROUTE_CREATE, 1, sizeof(struct control_route_create),                                    \
		sizeof(struct control_route_answer))                                               \
	X(ROUTE_REVOKE, 2, sizeof(struct control_route), sizeof(struct control_answer))            \
	X(ROUTE_SET, 3, sizeof(struct control_route_set), sizeof(struct control_answer))           \
	X(LIMITS_GET, 4, 0, sizeof(struct control_limits_answer))

enum control_op {
#define X(name, code, request_bytes, answer_bytes) CONTROL_OP_##name = code,
	CONTROL_OPS(X)
#undef X
};

enum control_status {
	CONTROL_OK = 0,
	CONTROL_FULL = 1,     /* the device has all the routes it may have, or the relay is full */
	CONTROL_NO_ROUTE = 2, /* not a route of this device */
	CONTROL_UNKNOWN_OP = 3,
	CONTROL_BAD_REQUEST = 4, /* wrong length */
	CONTROL_BUSY = 5,        /* the relay could not write it down: try again */
};

enum control_route_flags { CONTROL_ROUTE_LIVE = 1 /* live frames are allowed */ };

struct control_head {
	le16 op, len; /* len: bytes of body that follow */
};
struct control_route_create {
	le32 flags; /* enum control_route_flags */
};
struct control_route {
	uint8_t route[WIRE_ROUTE_BYTES];
};
struct control_route_set {
	uint8_t route[WIRE_ROUTE_BYTES];
	le32 flags;
};
struct control_answer {
	le16 status; /* enum control_status */
};
struct control_route_answer {
	le16 status;
	uint8_t route[WIRE_ROUTE_BYTES];
};
struct control_limits_answer {
	le16 status;
	le32 routes_max, routes_used, frames_per_s;
	le64 bytes_per_s;
};

#endif
