/* Wire format, version 1 (docs/protocol.md, sections 1 to 5): sizes, types and typed views of
 * frames. All integers are little-endian. A frame is checked once, by wire_check(); later code
 * takes the typed view and checks neither length nor type again. */
#ifndef CHAPPE_WIRE_H
#define CHAPPE_WIRE_H

#include "bytes.h"
#include <stdbool.h>
#include <stddef.h>

enum {
	WIRE_PORT = 4460,
	WIRE_VERSION = 1,

	WIRE_SMALL_BYTES = 512,
	WIRE_LARGE_BYTES = 1232, /* IPv6 minimum MTU 1280 - 40 IPv6 - 8 UDP */

	WIRE_KEY_BYTES = 32,
	WIRE_TAG_BYTES = 16,
	WIRE_ROUTE_BYTES = 16,
	WIRE_INVITATION_ID_BYTES = 16,
	WIRE_RESET_KEY_BYTES = 16,
	WIRE_COOKIE_BYTES = 16,
	WIRE_TOKEN_BYTES = 16,

	WIRE_TRANSPORT_HEADER_BYTES = 16,
	WIRE_TRANSPORT_OVERHEAD_BYTES = WIRE_TRANSPORT_HEADER_BYTES + WIRE_TAG_BYTES,
	WIRE_INNER_HEADER_BYTES = 32,
	WIRE_SMALL_PAYLOAD_BYTES =
		WIRE_SMALL_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES - WIRE_INNER_HEADER_BYTES,
	WIRE_LARGE_PAYLOAD_BYTES =
		WIRE_LARGE_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES - WIRE_INNER_HEADER_BYTES,

	WIRE_INIT_NOISE_BYTES = 472, /* e 32, s 32 + 16, payload 376 + 16 */
	WIRE_INIT_PAYLOAD_BYTES = 376,
	WIRE_RESPONSE_NOISE_BYTES = 504, /* e 32, payload 456 + 16 */
	WIRE_RESPONSE_PAYLOAD_BYTES = 456,
	WIRE_MAC1_OFFSET = 480,
	WIRE_MAC2_OFFSET = 496,
};
_Static_assert(WIRE_SMALL_PAYLOAD_BYTES == 448 && WIRE_LARGE_PAYLOAD_BYTES == 1168, "cells");

enum wire_type {
	WIRE_INIT = 1,
	WIRE_RESPONSE = 2,
	WIRE_COOKIE_REPLY = 3,
	WIRE_TRANSPORT = 4,
	WIRE_RESET = 5,
};

enum wire_suite {
	WIRE_SUITE_AES256GCM = 1,
	WIRE_SUITE_CHACHA20POLY1305 = 2,
};

/* Why a datagram is not a frame. Whoever receives datagrams counts each by its name. */
enum wire_verdict {
	WIRE_OK = 0,
	WIRE_BAD_LENGTH,   /* neither 512 nor 1232, or not the length of its type */
	WIRE_BAD_TYPE,     /* no such type */
	WIRE_BAD_VERSION,  /* an init or response of another version */
	WIRE_BAD_SUITE,    /* an init or response of an unknown suite */
	WIRE_BAD_RESERVED, /* a reserved byte that is not zero */
};

struct wire_init {
	uint8_t type, version, suite, zero;
	le32 sender_index;
	uint8_t noise[WIRE_INIT_NOISE_BYTES];
	uint8_t mac1[16], mac2[16];
};

struct wire_response {
	uint8_t type, version, suite, zero;
	le32 receiver_index; /* the sender_index of the init */
	uint8_t noise[WIRE_RESPONSE_NOISE_BYTES];
};

/* WireGuard's cookie reply (whitepaper, section 5.4.7), padded with zeros to 512 bytes. */
struct wire_cookie_reply {
	uint8_t type, zero[3];
	le32 receiver_index;
	uint8_t nonce[24];
	uint8_t cookie[WIRE_COOKIE_BYTES + WIRE_TAG_BYTES];
	uint8_t pad[448];
};

/* The header of a transport frame: 480 or 1200 bytes of ciphertext and a tag of 16 follow. */
struct wire_transport {
	uint8_t type, zero[3];
	le32 receiver_index;
	le64 counter;
	uint8_t inner[];
};

/* A reset is as long as the frame that caused it: the mac is its last 16 bytes, zeros before it. */
struct wire_reset {
	uint8_t type, flags;
	le16 zero;
	le32 index;
	le64 counter; /* index and counter as in the frame that caused it */
	le64 boot;
};

enum wire_kind {
	WIRE_LIVE = 1,
	WIRE_STORED = 2,
	WIRE_ACCEPTED = 3,
	WIRE_RECEIVED = 4,
	WIRE_CONTROL = 5,
	WIRE_KEEPALIVE = 6,
};

struct wire_inner {
	uint8_t kind, flags, ttl, hops;
	le32 reserved;
	le64 frame_id;
	uint8_t route[WIRE_ROUTE_BYTES];
	uint8_t payload[]; /* 448 or 1168 bytes */
};

/* First bytes of a keepalive's payload; zeros follow. Devices ask, the relay answers with the same
 * frame_id. An answer or a challenge carries a token when the frame it reacts to came from an
 * endpoint that is not confirmed yet; a device echoes the token in its next keepalive, sent at
 * once. */
struct wire_keepalive {
	uint8_t what; /* enum wire_keepalive_what */
	uint8_t has_token;
	uint8_t zero[6];
	uint8_t token[WIRE_TOKEN_BYTES];
};

enum wire_keepalive_what {
	WIRE_KEEPALIVE_ASK = 0,       /* device to relay */
	WIRE_KEEPALIVE_ANSWER = 1,    /* relay to device */
	WIRE_KEEPALIVE_CHALLENGE = 2, /* relay to device, unasked, always with a token */
};

/* Payload of Noise message 1; zeros follow, trailing bytes are ignored. */
struct wire_init_payload {
	le64 attempt;                                    /* grows with every init of a device key */
	uint8_t invitation_id[WIRE_INVITATION_ID_BYTES]; /* zeros once enrolled */
	le16 keepalive_s;                                /* wanted; 0 = the relay's default */
};

enum wire_status {
	WIRE_STATUS_OK = 0,
	WIRE_STATUS_REVOKED = 1,
	WIRE_STATUS_FULL = 2,
	WIRE_STATUS_STALE_ATTEMPT = 3,
	WIRE_STATUS_DRAINING = 4,        /* or moved: try another address of the relay */
	WIRE_STATUS_INVITATION_USED = 5, /* used or expired */
};

/* Payload of Noise message 2; zeros follow, trailing bytes are ignored. */
struct wire_response_payload {
	uint8_t status; /* enum wire_status; the rest is zero but retry_after, versions and suites
			   unless ok */
	uint8_t zero;
	le16 retry_after_s;
	le32 versions; /* bit n: version n is spoken */
	le32 suites;   /* bit n: suite n is offered */
	le32 index;    /* the relay's receiver_index for this session */
	le64 boot;
	uint8_t reset_key[WIRE_RESET_KEY_BYTES];
	le16 soft_lifetime_s;
	le16 hard_lifetime_s;
	le16 keepalive_s;     /* granted */
	le16 keepalive_min_s; /* the relay's minimum */
	le32 routes_max;      /* for this device */
	le32 frames_per_s;
	le64 bytes_per_s;
};

/* receiver_index of the relay = owner 5 bits, generation 6, slot 21 (most significant first). */
enum { WIRE_INDEX_SLOT_BITS = 21, WIRE_INDEX_GENERATION_BITS = 6, WIRE_INDEX_OWNER_BITS = 5 };

static inline uint32_t wire_index(uint32_t owner, uint32_t generation, uint32_t slot)
{
	return owner << 27 | (generation & 63) << 21 | (slot & 0x1fffff);
}

static inline uint32_t wire_index_owner(uint32_t index)
{
	return index >> 27;
}

static inline uint32_t wire_index_generation(uint32_t index)
{
	return index >> 21 & 63;
}

static inline uint32_t wire_index_slot(uint32_t index)
{
	return index & 0x1fffff;
}

/* Session lifetimes and limits of section 4.2. */
enum {
	WIRE_SOFT_LIFETIME_S = 900,  /* minus 0 to 20 %: the device rekeys */
	WIRE_HARD_LIFETIME_S = 3600, /* the relay drops */
	WIRE_PENDING_S = 5,
	WIRE_OLD_KEYS_S = 10,
	WIRE_KEEPALIVE_S = 25,
	WIRE_REKEY_COUNTER = 1 << 28,
	WIRE_LAST_COUNTER = 1 << 30, /* never sent: the sender stops before it */
	WIRE_RELAY_WINDOW_FRAMES = 2048,
	WIRE_DEVICE_WINDOW_FRAMES = 8192,
};

/* Checks length, type, version, suite and reserved bytes of a datagram: everything that can be
 * known without a key. On WIRE_OK the datagram may be viewed as the struct of its first byte's
 * type. */
enum wire_verdict wire_check(const void *frame, size_t len);

/* Whether wire_check() would find a transport frame: its first question, for the packet path. */
static inline bool wire_is_transport(const void *frame, size_t len)
{
	uint32_t first; /* type and three reserved bytes */

	if (len != WIRE_SMALL_BYTES && len != WIRE_LARGE_BYTES)
		return false;
	memcpy(&first, frame, sizeof first);
	return first == WIRE_TRANSPORT;
}

/* Checks kind, flags, hops and reserved bytes of an opened inner header that came from a device. */
static inline bool wire_inner_from_device_ok(const struct wire_inner *inner)
{
	const uint32_t kinds = 1u << WIRE_LIVE | 1u << WIRE_STORED | 1u << WIRE_RECEIVED |
			       1u << WIRE_CONTROL | 1u << WIRE_KEEPALIVE;
	const uint64_t zeros = UINT64_C(0xffffffffff00ff00); /* all but kind and ttl */
	uint64_t first;

	memcpy(&first, inner, sizeof first);
	return (first & zeros) == 0 && inner->kind <= WIRE_KEEPALIVE &&
	       (kinds >> inner->kind & 1) != 0;
}

#endif
