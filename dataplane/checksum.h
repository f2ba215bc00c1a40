/* Internet checksum (RFC 1071): many bytes at a time, folded once. */
#ifndef CHAPPE_DATAPLANE_CHECKSUM_H
#define CHAPPE_DATAPLANE_CHECKSUM_H

#include <stdint.h>
#include <string.h>

typedef uint64_t checksum_lanes __attribute__((vector_size(16)));

/* Sum of the 16-bit words of len bytes, an odd one padded with zero; add any number of sums and
 * fold. */
static inline uint64_t checksum_sum(const void *data, uint32_t len)
{
	const uint8_t *bytes = data;
	const checksum_lanes low = { 0xffffffff, 0xffffffff };
	checksum_lanes lanes = { 0, 0 }, word;
	uint32_t half;

	for (; len >= sizeof word; len -= (uint32_t)sizeof word, bytes += sizeof word) {
		memcpy(&word, bytes, sizeof word);
		lanes += (word & low) + (word >> 32);
	}
	uint64_t sum = 0;
	for (; len >= sizeof half; len -= (uint32_t)sizeof half, bytes += sizeof half) {
		memcpy(&half, bytes, sizeof half);
		sum += half;
	}
	if (len > 0) {
		half = 0;
		memcpy(&half, bytes, len);
		sum += half;
	}
	/* At most 2^16 words of 32 bits: no lane overflows, nor does their folded sum. */
	sum += (lanes[0] & 0xffffffff) + (lanes[0] >> 32);
	sum += (lanes[1] & 0xffffffff) + (lanes[1] >> 32);
	return sum;
}

/* The same for cells, in vectors as wide as the processor has them. */
enum checksum_form { CHECKSUM_BASE, CHECKSUM_AVX2, CHECKSUM_AVX512 };
enum checksum_form checksum_widest(void);
uint64_t checksum_sum_by(enum checksum_form form, const void *data, uint32_t len);

static inline uint64_t checksum_sum_cell(const void *data, uint32_t len)
{
	return checksum_sum_by(checksum_widest(), data, len);
}

/* One's complement sum in 16 bits, in the byte order of the wire: 0xffff over data that holds its
 * right checksum; inverted, the checksum of data whose field is zero. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* The same for a sum of two that were folded already. */
static inline uint16_t checksum_fold_two(uint32_t sum)
{
	return (uint16_t)(sum + (sum >> 16));
}

#endif
