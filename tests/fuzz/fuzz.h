/* What the fuzz targets share. */
#ifndef CHAPPE_TESTS_FUZZ_H
#define CHAPPE_TESTS_FUZZ_H

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Called once before the first input, and for each input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Like assert(), whatever NDEBUG says. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A copy of exactly its length, so that the address sanitizer sees a step over its end. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len);
	MUST(copy || len == 0);
	if (len)
		memcpy(copy, data, len);
	return copy;
}

/* The keys of tests/vectors/frames.json: 32 bytes that count up. */
static inline void fuzz_key(uint8_t key[32], uint8_t first)
{
	for (uint8_t i = 0; i < 32; i++)
		key[i] = (uint8_t)(first + i);
}

#endif
