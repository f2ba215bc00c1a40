/* Little-endian integers of the wire format, as byte arrays: structs made of them have no padding
 * and no alignment, so a received frame may be viewed through them wherever it lies. */
#ifndef CHAPPE_BYTES_H
#define CHAPPE_BYTES_H

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "big-endian hosts are not supported");

typedef struct {
	uint8_t b[2];
} le16;
typedef struct {
	uint8_t b[4];
} le32;
typedef struct {
	uint8_t b[8];
} le64;

static inline uint16_t get16(le16 v)
{
	uint16_t x;
	memcpy(&x, v.b, sizeof x);
	return x;
}

static inline uint32_t get32(le32 v)
{
	uint32_t x;
	memcpy(&x, v.b, sizeof x);
	return x;
}

static inline uint64_t get64(le64 v)
{
	uint64_t x;
	memcpy(&x, v.b, sizeof x);
	return x;
}

static inline le16 put16(uint16_t x)
{
	le16 v;
	memcpy(v.b, &x, sizeof x);
	return v;
}

static inline le32 put32(uint32_t x)
{
	le32 v;
	memcpy(v.b, &x, sizeof x);
	return v;
}

static inline le64 put64(uint64_t x)
{
	le64 v;
	memcpy(v.b, &x, sizeof x);
	return v;
}

#endif
