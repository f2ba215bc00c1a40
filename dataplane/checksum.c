#include "checksum.h"

#include <immintrin.h>

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

/* Of all bytes, the last ones under a mask: what is left of a cell behind UDP's header is no whole
 * block. */
__attribute__((target("avx512f,avx512bw"))) static uint64_t sum_avx512(
	const uint8_t *bytes, uint32_t len)
{
	const __m512i low = _mm512_set1_epi64(0xffffffff);
	__m512i lows = _mm512_setzero_si512(), highs = lows;
	uint32_t at = 0;

	for (; at + 2 * BLOCK_BYTES <= len; at += 2 * BLOCK_BYTES) {
		const __m512i one = _mm512_loadu_si512(bytes + at);
		const __m512i two = _mm512_loadu_si512(bytes + at + BLOCK_BYTES);
		lows = _mm512_add_epi64(lows, _mm512_and_si512(one, low));
		highs = _mm512_add_epi64(highs, _mm512_srli_epi64(one, 32));
		lows = _mm512_add_epi64(lows, _mm512_and_si512(two, low));
		highs = _mm512_add_epi64(highs, _mm512_srli_epi64(two, 32));
	}
	for (; at < len; at += BLOCK_BYTES) {
		const uint32_t beyond = at + BLOCK_BYTES > len ? at + BLOCK_BYTES - len : 0;
		const __m512i last = _mm512_maskz_loadu_epi8(UINT64_MAX >> beyond, bytes + at);
		lows = _mm512_add_epi64(lows, _mm512_and_si512(last, low));
		highs = _mm512_add_epi64(highs, _mm512_srli_epi64(last, 32));
	}
	return (uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(lows, highs));
}

enum checksum_form checksum_widest(void)
{
	if (__builtin_cpu_supports("avx512bw"))
		return CHECKSUM_AVX512;
	return __builtin_cpu_supports("avx2") ? CHECKSUM_AVX2 : CHECKSUM_BASE;
}

uint64_t checksum_sum_by(enum checksum_form form, const void *data, uint32_t len)
{
	const uint8_t *bytes = data;
	const uint32_t blocks = len / BLOCK_BYTES;

	if (form == CHECKSUM_AVX512)
		return sum_avx512(bytes, len);
	const uint64_t rest =
		checksum_sum(bytes + blocks * BLOCK_BYTES, len - blocks * BLOCK_BYTES);
	return rest + (form == CHECKSUM_AVX2 ? sum_avx2(bytes, blocks) : sum_base(bytes, blocks));
}
