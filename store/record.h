/* Records as they lie on disk: sealed under the key of their epoch (epoch.h), with AES-256-GCM
 * (NIST SP 800-38D) and a nonce that names space and number, so that no record passes for another
 * one. nettle has it for every processor, and where that has the instructions at a quarter of the
 * cost of libsodium's ChaCha20-Poly1305: 0.5 against 2.2 µs a cell of 480 bytes. Outside of the
 * sealing lie the epoch, the size of the cell and whether it was delivered; no record names who
 * sent it.
 *
 * Numbers count what arrives, so their order is the order of messages, and shows no more than how
 * many came. */
#ifndef CHAPPE_STORE_RECORD_H
#define CHAPPE_STORE_RECORD_H

#include "epoch.h"
#include "src/wire.h"

enum {
	RECORD_TAG_BYTES = 16,
	RECORD_FRAME_MAX_BYTES = WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES,
	RECORD_NUMBER_BITS = 44, /* 100,000 frames a second for five years */
};

/* What the index says of a frame. */
struct record_index {
	uint32_t epoch;
	bool delivered; /* kept so that a repetition is known; the cell is gone */
	uint8_t route[WIRE_ROUTE_BYTES];
	uint64_t frame_id;
	uint32_t arrived; /* minutes since 1970 */
	uint8_t ttl;      /* 2^n minutes, 0 = the default */
	bool large;
};

/* On disk: epoch, delivered, and sealed the 30 bytes of the rest. */
struct record_index_bytes {
	le32 epoch;
	uint8_t delivered;
	uint8_t route[WIRE_ROUTE_BYTES];
	le64 frame_id;
	le32 arrived;
	uint8_t ttl, large;
	uint8_t tag[RECORD_TAG_BYTES];
};
_Static_assert(sizeof(struct record_index_bytes) == 51, "no padding");

/* epoch, then sealed: arrived and the frame, inner header first. */
struct record_body_bytes {
	le32 epoch;
	le32 arrived;
	uint8_t rest[RECORD_FRAME_MAX_BYTES + RECORD_TAG_BYTES];
};

struct record_frame {
	uint32_t arrived;
	uint32_t len; /* 480 or 1200 */
	uint8_t bytes[RECORD_FRAME_MAX_BYTES];
};

/* The epoch of a record as it lies on disk, 0 where it is too short for one. */
uint32_t record_epoch(const void *bytes, size_t len);

void record_seal_index(struct record_index_bytes *bytes, uint64_t number,
	const struct record_index *index, const struct epoch_key *key);
/* 0, or -EBADMSG with index wiped. */
int record_open_index(struct record_index *index, uint64_t number, const void *bytes, size_t len,
	const struct epoch_key *key) __attribute__((warn_unused_result));

/* Returns the length on disk. */
size_t record_seal_body(struct record_body_bytes *bytes, uint64_t number, uint32_t epoch,
	const struct record_frame *frame, const struct epoch_key *key);
int record_open_body(struct record_frame *frame, uint64_t number, const void *bytes, size_t len,
	const struct epoch_key *key) __attribute__((warn_unused_result));

#endif
