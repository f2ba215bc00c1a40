/* What the unit tests share: cmocka with its includes, and bytes to fill frames with. */
#ifndef CHAPPE_TESTS_TESTING_H
#define CHAPPE_TESTS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above first. */
#include <cmocka.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

/* The same bytes every time for the same seed. */
static inline void fill(void *out, size_t len, uint8_t seed)
{
	uint8_t key[randombytes_SEEDBYTES] = { seed };
	randombytes_buf_deterministic(out, len, key);
}

static inline void flip_bit(void *bytes, size_t bit)
{
	((uint8_t *)bytes)[bit / 8] ^= (uint8_t)(1U << bit % 8);
}

#endif
