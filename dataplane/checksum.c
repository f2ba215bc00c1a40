#include "checksum.h"

enum { BLOCK_BYTES = 64 };
typedef uint64_t block_lanes __attribute__((vector_size(BLOCK_BYTES)));

/* Of whole blocks. Compiled once a form, into whatever vectors that has for 64 bytes. */
static inline __attribute__((always_inline)) uint64_t sum_blocks(
	const uint8_t *bytes, uint32_t blocks)
{
	const block_lanes low = (block_lanes){ 0 } + 0xffffffff;
	block_lanes lanes = { 0 }, word;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < blocks; i++) {
		memcpy(&word, bytes + i * BLOCK_BYTES, sizeof word);
		lanes += (word & low) + (word >> 32);
	}
	/* Blocks are 2^10 at most: lanes have 43 bits, their sum 46. */
	for (uint32_t i = 0; i < BLOCK_BYTES / sizeof lanes[0]; i++)
		sum += lanes[i];
	return sum;
}

static uint64_t sum_base(const uint8_t *bytes, uint32_t blocks)
{
	return sum_blocks(bytes, blocks);
}

__attribute__((target("avx2"))) static uint64_t sum_avx2(const uint8_t *bytes, uint32_t blocks)
{
	return sum_blocks(bytes, blocks);
}

__attribute__((target("avx512f,prefer-vector-width=512"))) static uint64_t sum_avx512(
	const uint8_t *bytes, uint32_t blocks)
{
	return sum_blocks(bytes, blocks);
}

enum checksum_form checksum_widest(void)
{
	if (__builtin_cpu_supports("avx512f"))
		return CHECKSUM_AVX512;
	return __builtin_cpu_supports("avx2") ? CHECKSUM_AVX2 : CHECKSUM_BASE;
}

uint64_t checksum_sum_by(enum checksum_form form, const void *data, uint32_t len)
{
	const uint8_t *bytes = data;
	const uint32_t blocks = len / BLOCK_BYTES;
	const uint64_t rest =
		checksum_sum(bytes + blocks * BLOCK_BYTES, len - blocks * BLOCK_BYTES);

	switch (form) {
	case CHECKSUM_AVX512:
		return rest + sum_avx512(bytes, blocks);
	case CHECKSUM_AVX2:
		return rest + sum_avx2(bytes, blocks);
	default:
		return rest + sum_base(bytes, blocks);
	}
}
