/* The `punt` link between dataplane and control: SOCK_SEQPACKET, lossy, every loss counted. A
 * message is n records of one fixed size, at most 64 KiB. Control draws no conclusion from silence
 * here. */
#ifndef CHAPPE_PUNT_MSG_H
#define CHAPPE_PUNT_MSG_H

#include "endpoint.h"
#include "wire.h"

enum { PUNT_MESSAGE_BYTES = 65536 };

enum punt_kind {
	PUNT_INIT = 1,     /* to control: an init whose macs are good; frame[0..511] */
	PUNT_CONTROL = 2,  /* to control: an opened control frame: inner header and payload */
	PUNT_SEND_RAW = 3, /* to dataplane: send frame[0..len-1] to endpoint as it is */
	PUNT_SEND_SESSION =
		4, /* to dataplane: inner header and payload, to seal for session index */
};

struct punt_record {
	uint16_t kind;            /* enum punt_kind */
	uint16_t len;             /* bytes of frame in use */
	uint32_t owner;           /* PUNT_INIT: the worker to own the session */
	uint32_t index;           /* PUNT_CONTROL, PUNT_SEND_SESSION: the session */
	uint32_t device;          /* PUNT_CONTROL: its device slot */
	struct endpoint endpoint; /* PUNT_INIT, PUNT_SEND_RAW */
	uint8_t frame[WIRE_LARGE_BYTES];
};
_Static_assert(sizeof(struct punt_record) == 1312, "no padding");

enum { PUNT_RECORDS_MAX = PUNT_MESSAGE_BYTES / sizeof(struct punt_record) };

/* Checks what came from the link: whole records of kinds that go this way, each with a len that its
 * kind can have. Returns 0 or -EBADMSG. */
int punt_message_check(const struct punt_record *records, size_t len, bool to_control);

#endif
