#include "record.h"

#include "engine.h"
#include <errno.h>
#include <sodium.h>

_Static_assert(RECORD_TAG_BYTES == GCM_DIGEST_SIZE, "tag");
_Static_assert(EPOCH_KEY_BYTES == AES256_KEY_SIZE, "key");

enum {
	INDEX_PLAIN_OFFSET = offsetof(struct record_index_bytes, route),
	INDEX_PLAIN_BYTES = offsetof(struct record_index_bytes, tag) - INDEX_PLAIN_OFFSET,
	BODY_PLAIN_OFFSET = offsetof(struct record_body_bytes, arrived),
	BODY_ARRIVED_BYTES = sizeof(le32),
};

struct nonce {
	le32 space;
	le64 number;
};
_Static_assert(sizeof(struct nonce) == GCM_IV_SIZE, "nonce");

static void begin(struct gcm_ctx *message, enum engine_space space, uint64_t number,
	const struct epoch_key *key)
{
	const struct nonce nonce = { put32(space), put64(number) };

	gcm_set_iv(message, &key->hash, sizeof nonce, (const uint8_t *)&nonce);
}

static void digest(struct gcm_ctx *message, const struct epoch_key *key, uint8_t *tag)
{
	gcm_digest(message, &key->hash, &key->cipher, (nettle_cipher_func *)aes256_encrypt,
		RECORD_TAG_BYTES, tag);
}

static void seal(uint8_t *bytes, size_t len, enum engine_space space, uint64_t number,
	const struct epoch_key *key)
{
	struct gcm_ctx message;

	begin(&message, space, number, key);
	gcm_encrypt(&message, &key->hash, &key->cipher, (nettle_cipher_func *)aes256_encrypt, len,
		bytes, bytes);
	digest(&message, key, bytes + len);
}

static int open_sealed(uint8_t *bytes, size_t len, enum engine_space space, uint64_t number,
	const struct epoch_key *key)
{
	uint8_t tag[RECORD_TAG_BYTES];
	struct gcm_ctx message;

	begin(&message, space, number, key);
	gcm_decrypt(&message, &key->hash, &key->cipher, (nettle_cipher_func *)aes256_encrypt, len,
		bytes, bytes);
	digest(&message, key, tag);
	return crypto_verify_16(tag, bytes + len) == 0 ? 0 : -EBADMSG;
}

uint32_t record_epoch(const void *bytes, size_t len)
{
	le32 epoch;

	if (len < sizeof epoch)
		return 0;
	memcpy(&epoch, bytes, sizeof epoch);
	return get32(epoch);
}

void record_seal_index(struct record_index_bytes *bytes, uint64_t number,
	const struct record_index *index, const struct epoch_key *key)
{
	bytes->epoch = put32(index->epoch);
	bytes->delivered = index->delivered;
	memcpy(bytes->route, index->route, sizeof bytes->route);
	bytes->frame_id = put64(index->frame_id);
	bytes->arrived = put32(index->arrived);
	bytes->ttl = index->ttl;
	bytes->large = index->large;
	seal(bytes->route, INDEX_PLAIN_BYTES, ENGINE_INDEX, number, key);
}

int record_open_index(struct record_index *index, uint64_t number, const void *bytes, size_t len,
	const struct epoch_key *key)
{
	struct record_index_bytes copy;

	memset(index, 0, sizeof *index);
	if (len != sizeof copy)
		return -EBADMSG;
	memcpy(&copy, bytes, sizeof copy);
	if (copy.delivered > 1 ||
		open_sealed(copy.route, INDEX_PLAIN_BYTES, ENGINE_INDEX, number, key) < 0)
		return -EBADMSG;
	index->epoch = get32(copy.epoch);
	index->delivered = copy.delivered;
	memcpy(index->route, copy.route, sizeof index->route);
	index->frame_id = get64(copy.frame_id);
	index->arrived = get32(copy.arrived);
	index->ttl = copy.ttl;
	index->large = copy.large;
	return 0;
}

size_t record_seal_body(struct record_body_bytes *bytes, uint64_t number, uint32_t epoch,
	const struct record_frame *frame, const struct epoch_key *key)
{
	bytes->epoch = put32(epoch);
	bytes->arrived = put32(frame->arrived);
	memcpy(bytes->rest, frame->bytes, frame->len);
	seal((uint8_t *)bytes + BODY_PLAIN_OFFSET, BODY_ARRIVED_BYTES + frame->len, ENGINE_BODY,
		number, key);
	return BODY_PLAIN_OFFSET + BODY_ARRIVED_BYTES + frame->len + RECORD_TAG_BYTES;
}

static bool frame_length(size_t len)
{
	return len == WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES ||
	       len == WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES;
}

int record_open_body(struct record_frame *frame, uint64_t number, const void *bytes, size_t len,
	const struct epoch_key *key)
{
	const size_t around = BODY_PLAIN_OFFSET + BODY_ARRIVED_BYTES + RECORD_TAG_BYTES;
	struct record_body_bytes copy;

	memset(frame, 0, sizeof *frame);
	if (len < around || !frame_length(len - around))
		return -EBADMSG;
	memcpy(&copy, bytes, len);
	if (open_sealed((uint8_t *)&copy + BODY_PLAIN_OFFSET, BODY_ARRIVED_BYTES + len - around,
		    ENGINE_BODY, number, key) < 0)
		return -EBADMSG;
	frame->arrived = get32(copy.arrived);
	frame->len = (uint32_t)(len - around);
	memcpy(frame->bytes, copy.rest, frame->len);
	return 0;
}
