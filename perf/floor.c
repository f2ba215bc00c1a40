#include "floor.h"

#include "bench.h"
#include <rte_cycles.h>
#include <rte_prefetch.h>

enum { LINE_BYTES = 64, BLOCK_BYTES = 16, POWERS_MAX = 48, NONCE_BYTES = 12 };

static uint64_t keys_bytes(const struct floor *floor)
{
	return (uint64_t)floor->sessions *
	       (floor->suite == WIRE_SUITE_AES256GCM ? sizeof *floor->aes : sizeof *floor->chacha);
}

static void set_keys(struct floor *floor, uint32_t session)
{
	uint8_t open[WIRE_KEY_BYTES], seal[WIRE_KEY_BYTES];

	rig_key(session, RIG_TO_RELAY, open);
	rig_key(session, RIG_FROM_RELAY, seal);
	if (floor->suite == WIRE_SUITE_AES256GCM) {
		IMB_AES256_GCM_PRE(floor->mgr, open, &floor->aes[session].open);
		IMB_AES256_GCM_PRE(floor->mgr, seal, &floor->aes[session].seal);
	} else {
		memcpy(floor->chacha[session].open, open, WIRE_KEY_BYTES);
		memcpy(floor->chacha[session].seal, seal, WIRE_KEY_BYTES);
	}
}

void floor_init(struct floor *floor, const struct rig *rig)
{
	*floor = (struct floor){
		.suite = rig->options.suite,
		.sessions = rig->options.sessions,
		.owns_keys = true,
	};
	if (aead_init(&floor->aead) < 0)
		bench_fail("no memory for intel-ipsec-mb");
	floor->mgr = floor->aead.mgr;
	floor->keys = bench_memory(keys_bytes(floor));
	for (uint32_t i = 0; i < floor->sessions; i++)
		set_keys(floor, i);
}

void floor_share(struct floor *floor, const struct floor *owner)
{
	*floor = *owner;
	if (aead_init_apart(&floor->aead) < 0)
		bench_fail("no memory for intel-ipsec-mb");
	floor->mgr = floor->aead.mgr;
	floor->owns_keys = false;
}

void floor_fini(struct floor *floor)
{
	if (floor->owns_keys)
		bench_memory_free(floor->keys, keys_bytes(floor));
	aead_fini(&floor->aead);
}

/* Round keys, and a power of the hash key a block from the end. */
static void prefetch_aes(const struct gcm_key_data *key, uint32_t inner_len)
{
	const char *start = (const char *)key, *end = (const char *)(key + 1);
	uint32_t powers = inner_len / BLOCK_BYTES;

	if (powers > POWERS_MAX)
		powers = POWERS_MAX;
	for (uint32_t i = 0; i < 4; i++)
		rte_prefetch0(start + i * LINE_BYTES);
	for (uint32_t i = 1; i <= (powers * BLOCK_BYTES + LINE_BYTES - 1) / LINE_BYTES; i++)
		rte_prefetch0(end - i * LINE_BYTES);
}

/* The cells come from wherever loading them has left them, as packets of a port do. */
static void prefetch_cell(const uint8_t *cell, uint32_t inner_len)
{
	for (uint32_t at = 0; at < inner_len + WIRE_TRANSPORT_OVERHEAD_BYTES; at += LINE_BYTES)
		rte_prefetch0(cell + at);
}

static uint64_t run_aes(const struct floor *floor, uint8_t *const *cells, uint32_t inner_len,
	const uint32_t *from, const uint32_t *to, uint32_t n)
{
	const struct floor_aes *keys = floor->aes;
	struct gcm_context_data context;
	uint8_t nonce[NONCE_BYTES] = { 0 }, tag[WIRE_TAG_BYTES];
	const uint64_t start = rte_rdtsc_precise();

	for (uint32_t i = 0; i < FLOOR_BURST; i++) {
		prefetch_aes(&keys[from[i]].open, inner_len);
		prefetch_cell(cells[i], inner_len);
	}
	for (uint32_t i = 0; i < n; i += FLOOR_BURST) {
		for (uint32_t j = i; j < i + FLOOR_BURST; j++)
			prefetch_aes(&keys[to[j]].seal, inner_len);
		for (uint32_t j = i; j < i + FLOOR_BURST; j++) {
			uint8_t *inner = cells[j] + WIRE_TRANSPORT_HEADER_BYTES;
			IMB_AES256_GCM_DEC(floor->mgr, &keys[from[j]].open, &context, inner, inner,
				inner_len, nonce, NULL, 0, tag, WIRE_TAG_BYTES);
		}
		for (uint32_t j = i + FLOOR_BURST; j < i + 2 * FLOOR_BURST && j < n; j++) {
			prefetch_aes(&keys[from[j]].open, inner_len);
			prefetch_cell(cells[j], inner_len);
		}
		for (uint32_t j = i; j < i + FLOOR_BURST; j++) {
			uint8_t *inner = cells[j] + WIRE_TRANSPORT_HEADER_BYTES;
			IMB_AES256_GCM_ENC(floor->mgr, &keys[to[j]].seal, &context, inner, inner,
				inner_len, nonce, NULL, 0, tag, WIRE_TAG_BYTES);
		}
	}
	return rte_rdtsc_precise() - start;
}

static void chacha(IMB_MGR *mgr, IMB_CIPHER_DIRECTION direction, const uint8_t *key,
	const uint8_t *nonce, uint8_t *inner, uint32_t inner_len, uint8_t *tag)
{
	IMB_JOB *job = IMB_GET_NEXT_JOB(mgr);

	job->cipher_direction = direction;
	job->chain_order =
		direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->enc_keys = job->dec_keys = key;
	job->key_len_in_bytes = WIRE_KEY_BYTES;
	job->iv = nonce;
	job->iv_len_in_bytes = NONCE_BYTES;
	job->u.CHACHA20_POLY1305.aad = NULL;
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
	job->src = job->dst = inner;
	job->cipher_start_src_offset_in_bytes = 0;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = inner_len;
	job->msg_len_to_hash_in_bytes = inner_len;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = WIRE_TAG_BYTES;
	IMB_SUBMIT_JOB_NOCHECK(mgr);
}

static uint64_t run_chacha(const struct floor *floor, uint8_t *const *cells, uint32_t inner_len,
	const uint32_t *from, const uint32_t *to, uint32_t n)
{
	const struct floor_chacha *keys = floor->chacha;
	const uint8_t nonce[NONCE_BYTES] = { 0 };
	uint8_t tag[WIRE_TAG_BYTES];
	const uint64_t start = rte_rdtsc_precise();

	for (uint32_t i = 0; i < FLOOR_BURST; i++) {
		rte_prefetch0(keys[from[i]].open);
		prefetch_cell(cells[i], inner_len);
	}
	for (uint32_t i = 0; i < n; i += FLOOR_BURST) {
		for (uint32_t j = i; j < i + FLOOR_BURST; j++)
			rte_prefetch0(keys[to[j]].seal);
		for (uint32_t j = i; j < i + FLOOR_BURST; j++)
			chacha(floor->mgr, IMB_DIR_DECRYPT, keys[from[j]].open, nonce,
				cells[j] + WIRE_TRANSPORT_HEADER_BYTES, inner_len, tag);
		for (uint32_t j = i + FLOOR_BURST; j < i + 2 * FLOOR_BURST && j < n; j++) {
			rte_prefetch0(keys[from[j]].open);
			prefetch_cell(cells[j], inner_len);
		}
		for (uint32_t j = i; j < i + FLOOR_BURST; j++)
			chacha(floor->mgr, IMB_DIR_ENCRYPT, keys[to[j]].seal, nonce,
				cells[j] + WIRE_TRANSPORT_HEADER_BYTES, inner_len, tag);
	}
	return rte_rdtsc_precise() - start;
}

uint64_t floor_run(const struct floor *floor, uint8_t *const *cells, uint32_t len,
	const uint32_t *from, const uint32_t *to, uint32_t n)
{
	const uint32_t inner_len = len - WIRE_TRANSPORT_OVERHEAD_BYTES;

	return floor->suite == WIRE_SUITE_AES256GCM
		       ? run_aes(floor, cells, inner_len, from, to, n)
		       : run_chacha(floor, cells, inner_len, from, to, n);
}
