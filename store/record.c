#include "record.h"

#include <errno.h>
#include <sodium.h>

enum kind { KIND_INDEX, KIND_BODY, KIND_DELIVERED };

enum {
	INDEX_PLAIN_OFFSET = offsetof(struct record_index_bytes, route),
	INDEX_PLAIN_BYTES = offsetof(struct record_index_bytes, tag) - INDEX_PLAIN_OFFSET,
	BODY_PLAIN_OFFSET = offsetof(struct record_body_bytes, arrived),
	DELIVERED_AROUND_BYTES = sizeof(struct record_delivered_bytes) + SEAL_TAG_BYTES,
};

static const uint64_t LARGE = UINT64_C(1) << 63;

struct nonce {
	le32 kind;
	le64 number;
};
_Static_assert(sizeof(struct nonce) == SEAL_NONCE_BYTES, "nonce");

static void seal(
	uint8_t *bytes, size_t len, enum kind kind, uint64_t number, const struct epoch_key *key)
{
	const struct nonce nonce = { put32(kind), put64(number) };

	seal_close(&key->sealing, (const uint8_t *)&nonce, bytes, len);
}

static int open_sealed(
	uint8_t *bytes, size_t len, enum kind kind, uint64_t number, const struct epoch_key *key)
{
	const struct nonce nonce = { put32(kind), put64(number) };

	return seal_open(&key->sealing, (const uint8_t *)&nonce, bytes, len);
}

void record_seal_index(struct record_index_bytes *bytes, uint64_t number,
	const struct record_index *index, const struct epoch_key *key)
{
	bytes->epoch = put32(index->epoch);
	memcpy(bytes->route, index->route, sizeof bytes->route);
	bytes->frame_id = put64(index->frame_id);
	bytes->arrived = put32(index->arrived);
	bytes->ttl = index->ttl;
	bytes->large = index->large;
	seal(bytes->route, INDEX_PLAIN_BYTES, KIND_INDEX, number, key);
}

int record_open_index(struct record_index *index, uint64_t number,
	const struct record_index_bytes *bytes, const struct epoch_key *key)
{
	struct record_index_bytes copy = *bytes;

	memset(index, 0, sizeof *index);
	if (open_sealed(copy.route, INDEX_PLAIN_BYTES, KIND_INDEX, number, key) < 0)
		return -EBADMSG;
	index->epoch = get32(copy.epoch);
	memcpy(index->route, copy.route, sizeof index->route);
	index->frame_id = get64(copy.frame_id);
	index->arrived = get32(copy.arrived);
	index->ttl = copy.ttl;
	index->large = copy.large;
	return 0;
}

size_t record_lay_body(struct record_body_bytes *bytes, uint64_t number, uint32_t epoch,
	uint32_t arrived, const void *frame, uint32_t len)
{
	bytes->number = put64(number | (len == RECORD_FRAME_MAX_BYTES ? LARGE : 0));
	bytes->epoch = put32(epoch);
	bytes->arrived = put32(arrived);
	memcpy(bytes->rest, frame, len);
	return RECORD_AROUND_BYTES + len;
}

uint64_t record_body_number(const struct record_body_bytes *bytes)
{
	return get64(bytes->number) & ~LARGE;
}

size_t record_body_length(const struct record_body_bytes *bytes)
{
	const uint64_t number = record_body_number(bytes);

	if (number == 0 || number >> RECORD_NUMBER_BITS != 0)
		return 0;
	return (get64(bytes->number) & LARGE) != 0 ? RECORD_LARGE_BYTES : RECORD_SMALL_BYTES;
}

void record_seal_body(struct record_body_bytes *bytes, const struct epoch_key *key)
{
	seal((uint8_t *)bytes + BODY_PLAIN_OFFSET,
		record_body_length(bytes) - BODY_PLAIN_OFFSET - SEAL_TAG_BYTES, KIND_BODY,
		record_body_number(bytes), key);
}

int record_open_body(struct record_frame *frame, uint64_t number,
	const struct record_body_bytes *bytes, size_t len, const struct epoch_key *key)
{
	struct record_body_bytes copy;

	memset(frame, 0, offsetof(struct record_frame, bytes) + WIRE_INNER_HEADER_BYTES);
	if (len < RECORD_SMALL_BYTES || record_body_number(bytes) != number ||
		record_body_length(bytes) != len)
		return -EBADMSG;
	memcpy(&copy, bytes, len);
	if (open_sealed((uint8_t *)&copy + BODY_PLAIN_OFFSET,
		    len - BODY_PLAIN_OFFSET - SEAL_TAG_BYTES, KIND_BODY, number, key) < 0)
		return -EBADMSG;
	frame->arrived = get32(copy.arrived);
	frame->len = (uint32_t)(len - RECORD_AROUND_BYTES);
	memcpy(frame->bytes, copy.rest, frame->len);
	return 0;
}

size_t record_delivered_length(uint32_t count)
{
	return DELIVERED_AROUND_BYTES + count * sizeof(struct record_delivered);
}

void record_seal_delivered(struct record_delivered_bytes *bytes, uint64_t number, uint32_t count,
	const struct epoch_key *key)
{
	seal((uint8_t *)bytes->frames, count * sizeof *bytes->frames, KIND_DELIVERED, number, key);
}

int64_t record_open_delivered(struct record_delivered_bytes *bytes, uint64_t number, size_t len,
	const struct epoch_key *key)
{
	const size_t plain = len - DELIVERED_AROUND_BYTES;

	if (len < DELIVERED_AROUND_BYTES || plain % sizeof *bytes->frames != 0)
		return -EBADMSG;
	const int result =
		open_sealed((uint8_t *)bytes->frames, plain, KIND_DELIVERED, number, key);
	return result < 0 ? result : (int64_t)(plain / sizeof *bytes->frames);
}
