#include "session.h"

#include "checksum.h"
#include "headers.h"

enum { WORDS = sizeof(struct endpoint) / sizeof(uint64_t) };

/* The first word holds the sequence and four bytes more, which are stored by themselves. */
static_assert(offsetof(struct endpoint, port) == 4 && sizeof(uint64_t) == 8, "words");

void endpoint_prepare(struct endpoint *endpoint)
{
	struct endpoint_sums sums = { 0 };

	if (endpoint->family == 4) {
		uint8_t ip[sizeof(struct rte_ipv4_hdr)];
		headers_ipv4(ip, endpoint, 0, 0);
		sums.ip = checksum_fold(checksum_sum(ip, sizeof ip));
		sums.pseudo = checksum_fold(checksum_sum(ip + 12, 8) + RTE_BE16(IPPROTO_UDP));
	} else {
		sums.pseudo =
			checksum_fold(checksum_sum(endpoint->local, 16) +
				      checksum_sum(endpoint->remote, 16) + RTE_BE16(IPPROTO_UDP));
	}
	memcpy(endpoint->reserved + ENDPOINT_SUMS_AT, &sums, sizeof sums);
}

void endpoint_publish(struct endpoint *shared, const struct endpoint *fresh)
{
	const uint32_t sequence = __atomic_load_n(&shared->sequence, __ATOMIC_RELAXED);
	struct endpoint prepared = *fresh;
	uint64_t words[WORDS];
	uint32_t first[2];

	endpoint_prepare(&prepared);
	memcpy(words, &prepared, sizeof words);
	memcpy(first, &prepared, sizeof first);
	__atomic_store_n(&shared->sequence, sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n((uint32_t *)shared + 1, first[1], __ATOMIC_RELAXED);
	for (uint32_t i = 1; i < WORDS; i++)
		__atomic_store_n((uint64_t *)shared + i, words[i], __ATOMIC_RELAXED);
	__atomic_store_n(&shared->sequence, sequence + 2, __ATOMIC_RELEASE);
}
