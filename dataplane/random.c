#include "random.h"

#include <sodium.h>
#include <string.h>

static void random_pool_fill(struct random_pool *pool)
{
	static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES]; /* each key is used once */
	uint8_t key[RANDOM_KEY_BYTES];
	memcpy(key, pool->bytes, sizeof key);
	crypto_stream_chacha20(pool->bytes, sizeof pool->bytes, nonce, key);
	sodium_memzero(key, sizeof key);
	pool->used = RANDOM_KEY_BYTES;
}

void random_pool_init(struct random_pool *pool)
{
	randombytes_buf(pool->bytes, RANDOM_KEY_BYTES);
	random_pool_fill(pool);
}

void random_pool_take(struct random_pool *pool, void *out, size_t len)
{
	if (len > RANDOM_POOL_BYTES - pool->used)
		random_pool_fill(pool);
	memcpy(out, pool->bytes + pool->used, len);
	sodium_memzero(pool->bytes + pool->used, len);
	pool->used += (uint32_t)len;
}
