/* Records as they lie on disk: sealed under the key of their epoch (epoch.h), with AES-256-GCM
 * (seal.h) and a nonce that names kind and number, so that no record passes for another one.
 * Outside of the sealing lie the epoch and, of a cell, its number and size; no record names who
 * sent it.
 *
 * Numbers count what arrives, so their order is the order of messages, and shows no more than how
 * many came. Wherever a record is copied to, it stays the same bytes. */
#ifndef CHAPPE_STORE_RECORD_H
#define CHAPPE_STORE_RECORD_H

#include "epoch.h"
#include "src/wire.h"

enum {
	RECORD_FRAME_MAX_BYTES = WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES,
	RECORD_NUMBER_BITS = 44, /* a million frames a second for half a year, 100,000 for five */
};

/* What the index says of a frame. */
struct record_index {
	uint32_t epoch;
	uint8_t route[WIRE_ROUTE_BYTES];
	uint64_t frame_id;
	uint32_t arrived; /* minutes since 1970 */
	uint8_t ttl;      /* 2^n minutes, 0 = the default */
	bool large;
};

/* On disk: epoch, and sealed the 30 bytes of the rest. */
struct record_index_bytes {
	le32 epoch;
	uint8_t route[WIRE_ROUTE_BYTES];
	le64 frame_id;
	le32 arrived;
	uint8_t ttl, large;
	uint8_t tag[SEAL_TAG_BYTES];
};
_Static_assert(sizeof(struct record_index_bytes) == 50, "no padding");

/* A cell: number, with its highest bit set where the cell is large; epoch; then sealed arrived and
 * the frame, inner header first. 512 or 1232 bytes. */
struct record_body_bytes {
	le64 number;
	le32 epoch;
	le32 arrived;
	uint8_t rest[RECORD_FRAME_MAX_BYTES + SEAL_TAG_BYTES];
};
enum {
	RECORD_AROUND_BYTES = offsetof(struct record_body_bytes, rest) + SEAL_TAG_BYTES,
	RECORD_SMALL_BYTES =
		RECORD_AROUND_BYTES + WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES,
	RECORD_LARGE_BYTES =
		RECORD_AROUND_BYTES + WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES,
	RECORD_ALIGN = 16, /* both are a multiple of it */
};
_Static_assert(RECORD_SMALL_BYTES == 512 && RECORD_LARGE_BYTES == 1232, "as on the wire");
_Static_assert(RECORD_LARGE_BYTES == sizeof(struct record_body_bytes), "no padding");

struct record_frame {
	uint32_t arrived;
	uint32_t len; /* 480 or 1200 */
	uint8_t bytes[RECORD_FRAME_MAX_BYTES];
};

/* What was delivered of late: frames that arrived in the same minute, sealed together. The number
 * is the minute (32 bits), then a count. */
struct record_delivered {
	uint8_t route[WIRE_ROUTE_BYTES];
	le64 frame_id;
};
struct record_delivered_bytes {
	le32 epoch;
	struct record_delivered frames[]; /* then a tag */
};

void record_seal_index(struct record_index_bytes *bytes, uint64_t number,
	const struct record_index *index, const struct epoch_key *key);
/* 0, or -EBADMSG with index wiped. */
int record_open_index(struct record_index *index, uint64_t number,
	const struct record_index_bytes *bytes, const struct epoch_key *key)
	__attribute__((warn_unused_result));

/* Writes the plain cell of a frame of len bytes; record_seal_body() seals it in place. Returns its
 * length on disk. */
size_t record_lay_body(struct record_body_bytes *bytes, uint64_t number, uint32_t epoch,
	uint32_t arrived, const void *frame, uint32_t len);
void record_seal_body(struct record_body_bytes *bytes, const struct epoch_key *key);
/* What the bytes at the begin of a cell say of it; the length is 0 where they can't be one. */
uint64_t record_body_number(const struct record_body_bytes *bytes);
size_t record_body_length(const struct record_body_bytes *bytes);
/* 0, or -EBADMSG with frame wiped. */
int record_open_body(struct record_frame *frame, uint64_t number,
	const struct record_body_bytes *bytes, size_t len, const struct epoch_key *key)
	__attribute__((warn_unused_result));

/* In place. */
void record_seal_delivered(struct record_delivered_bytes *bytes, uint64_t number, uint32_t count,
	const struct epoch_key *key);
/* Returns how many, or -EBADMSG. */
int64_t record_open_delivered(struct record_delivered_bytes *bytes, uint64_t number, size_t len,
	const struct epoch_key *key) __attribute__((warn_unused_result));
size_t record_delivered_length(uint32_t count);

#endif
