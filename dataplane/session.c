#include "session.h"

#include <rte_pause.h>

enum { WORDS = sizeof(struct endpoint) / sizeof(uint64_t) };

/* The first word holds the sequence and four bytes more, which are stored by themselves. */
static_assert(offsetof(struct endpoint, port) == 4 && sizeof(uint64_t) == 8, "words");

void endpoint_publish(struct endpoint *shared, const struct endpoint *fresh)
{
	const uint32_t sequence = __atomic_load_n(&shared->sequence, __ATOMIC_RELAXED);
	uint64_t words[WORDS];
	uint32_t first[2];

	memcpy(words, fresh, sizeof words);
	memcpy(first, fresh, sizeof first);
	__atomic_store_n(&shared->sequence, sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n((uint32_t *)shared + 1, first[1], __ATOMIC_RELAXED);
	for (uint32_t i = 1; i < WORDS; i++)
		__atomic_store_n((uint64_t *)shared + i, words[i], __ATOMIC_RELAXED);
	__atomic_store_n(&shared->sequence, sequence + 2, __ATOMIC_RELEASE);
}

void endpoint_read(const struct endpoint *shared, struct endpoint *copy)
{
	uint64_t words[WORDS];
	uint32_t before, after;

	for (;;) {
		before = __atomic_load_n(&shared->sequence, __ATOMIC_ACQUIRE);
		for (uint32_t i = 0; i < WORDS; i++)
			words[i] = __atomic_load_n((const uint64_t *)shared + i, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&shared->sequence, __ATOMIC_RELAXED);
		if (likely(before == after && (before & 1) == 0))
			break;
		rte_pause();
	}
	memcpy(copy, words, sizeof words);
	copy->sequence = 0;
}
