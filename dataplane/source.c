#include "source.h"

#include <sodium.h>
#include <string.h>

bool bucket_take(
	struct bucket *bucket, uint64_t now, uint64_t tsc_hz, const struct bucket_rate *rate)
{
	uint64_t tick = tsc_hz / rate->per_s; /* TSC cycles that a token takes */
	if (bucket->filled_at == 0) {
		bucket->filled_at = now;
		bucket->tokens = rate->burst;
	} else if (now > bucket->filled_at) {
		uint64_t fresh = (now - bucket->filled_at) / tick;
		bucket->filled_at += fresh * tick;
		bucket->tokens += fresh;
		if (bucket->tokens > rate->burst)
			bucket->tokens = rate->burst;
	}
	if (bucket->tokens == 0)
		return false;
	bucket->tokens--;
	return true;
}

void source_init(struct source_buckets *sources)
{
	memset(sources, 0, sizeof *sources);
	randombytes_buf(sources->hash_key, sizeof sources->hash_key);
}

bool source_take(struct source_buckets *sources, const struct endpoint *endpoint, uint64_t now,
	uint64_t tsc_hz, const struct bucket_rate *rate)
{
	uint8_t source[16];
	uint64_t hash;
	memcpy(source, endpoint->remote, sizeof source);
	if (endpoint->family == 6)
		memset(source + 8, 0, 8); /* a /64 is one household's */
	crypto_shorthash((uint8_t *)&hash, source, sizeof source, sources->hash_key);
	return bucket_take(&sources->buckets[hash % SOURCE_BUCKETS], now, tsc_hz, rate);
}
