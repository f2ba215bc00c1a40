/* Sealing end to end (docs/protocol.md, end to end): Noise_Xpsk1_25519_ChaChaPoly_SHA256, every
 * frame sealed alone, so that any of them may be lost, repeated or reordered. The prologue is
 * SEAL_PROLOGUE followed by the 32-byte inner header, which binds the payload to its kind, frame_id
 * and route. Relays neither see these keys nor this code. */
#ifndef CHAPPE_SEAL_H
#define CHAPPE_SEAL_H

#include "noise.h"
#include "wire.h"

#define SEAL_PROLOGUE "chappe e2e 1" /* 12 bytes, no terminator */

enum {
	SEAL_OVERHEAD_BYTES = 96, /* Noise X: e 32, s 32 + 16, tag 16 */
	SEAL_HEADER_BYTES = 16,   /* struct seal_plain before its data */

	/* Plaintext that fills a cell exactly, and the data it has room for. */
	SEAL_SMALL_PLAIN_BYTES = WIRE_SMALL_PAYLOAD_BYTES - SEAL_OVERHEAD_BYTES, /* 352 */
	SEAL_LARGE_PLAIN_BYTES = WIRE_LARGE_PAYLOAD_BYTES - SEAL_OVERHEAD_BYTES, /* 1072 */
	SEAL_SMALL_DATA_BYTES = SEAL_SMALL_PLAIN_BYTES - SEAL_HEADER_BYTES,      /* 336 */
	SEAL_LARGE_DATA_BYTES = SEAL_LARGE_PLAIN_BYTES - SEAL_HEADER_BYTES,      /* 1056 */

	SEAL_SKIP_MAX = 127,       /* of seal_plain.skip */
	SEAL_SKIP_GIVEN_UP = 0x80, /* its upper bit */

	SEAL_MESSAGE_BYTES_MAX = 1 << 20,
	SEAL_FRAGMENTS_MAX = /* 993 */
	(SEAL_MESSAGE_BYTES_MAX + SEAL_LARGE_DATA_BYTES - 1) / SEAL_LARGE_DATA_BYTES,
};

enum seal_type {
	SEAL_DATA = 1,  /* a fragment of a message */
	SEAL_ACK = 2,   /* src/message/ack.h */
	SEAL_HELLO = 3, /* the sender's own contact link: hello_read() of src/link.h */
	/* The message will never come, or not the rest of it. */
	SEAL_GIVEN_UP = 4,
};

/* What is sealed; zeros follow the data up to the end of the cell. A message of more than one
 * fragment has SEAL_LARGE_DATA_BYTES in each but the last, so fragment n begins at byte
 * n * SEAL_LARGE_DATA_BYTES of the message; the last has at least one byte. A message of one
 * fragment may be empty. All other types are one fragment (frag 0,
 * frags 1). */
struct seal_plain {
	uint8_t type; /* enum seal_type */
	/* How many of the numbers right below message it does not wait for, at most SEAL_SKIP_MAX
	 * and below message; with SEAL_SKIP_GIVEN_UP, its sender has finished with all of them or
	 * given them up. In an ack 0. */
	uint8_t skip;
	le16 frag, frags; /* frag < frags <= SEAL_FRAGMENTS_MAX */
	le16 len;         /* bytes of data */
	le64 message;     /* number of the message, from 1; in an ack 0 */
	uint8_t data[];
};
_Static_assert(sizeof(struct seal_plain) == SEAL_HEADER_BYTES, "plaintext layout");

/* The plaintext that fills the smallest cell with room for len bytes of data: 352 or 1072. len is
 * at most SEAL_LARGE_DATA_BYTES. */
static inline size_t seal_plain_bytes(size_t len)
{
	return len <= SEAL_SMALL_DATA_BYTES ? SEAL_SMALL_PLAIN_BYTES : SEAL_LARGE_PLAIN_BYTES;
}

/* Seals plain_len bytes (352 or 1072) into inner->payload: plain_len + SEAL_OVERHEAD_BYTES bytes.
 * The 32 header bytes of *inner must be final: changing any of them afterwards makes the payload
 * unopenable. plain must not overlap inner. Returns 0; -EINVAL for another length or a remote key
 * that is no key (low order), with the payload wiped. */
int seal_payload(const struct noise_keypair *own, const uint8_t remote[NOISE_KEY_BYTES],
	const uint8_t psk[NOISE_KEY_BYTES], struct wire_inner *inner,
	const struct seal_plain *plain, size_t plain_len) __attribute__((warn_unused_result));

/* The same, and byte for byte the same whenever it is given the same: for frames that are repeated
 * until the relay has stored them, and not kept sealed until then. The ephemeral key is BLAKE2b-256
 * under own's secret key of all that is sealed, its header and its recipient, so it serves one
 * payload alone. */
int seal_repeatable(const struct noise_keypair *own, const uint8_t remote[NOISE_KEY_BYTES],
	const uint8_t psk[NOISE_KEY_BYTES], struct wire_inner *inner,
	const struct seal_plain *plain, size_t plain_len) __attribute__((warn_unused_result));

/* Opens inner->payload of payload_len bytes (448 or 1168) under the psk of the contact that
 * inner->route was given to. plain has room for payload_len - SEAL_OVERHEAD_BYTES bytes; sender
 * gets the static key of whoever sealed it, which the caller compares with the pinned one. On
 * success the plaintext keeps the rules of struct seal_plain (types not known yet included:
 * -EPROTONOSUPPORT). Returns 0; -EBADMSG if it does not open; -EPROTO if what it holds breaks a
 * rule; on failure plain and sender are wiped. */
int seal_open(const struct noise_keypair *own, const uint8_t psk[NOISE_KEY_BYTES],
	const struct wire_inner *inner, size_t payload_len, uint8_t sender[NOISE_KEY_BYTES],
	struct seal_plain *plain) __attribute__((warn_unused_result));

#endif
