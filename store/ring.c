#include "ring.h"

#include <errno.h>
#include <string.h>

size_t ring_bytes(uint32_t count, uint32_t slot_bytes)
{
	if (count == 0 || count > RING_SLOTS_MAX || (count & (count - 1)) != 0 || slot_bytes == 0 ||
		slot_bytes > RING_SLOT_BYTES_MAX || slot_bytes % RING_LINE_BYTES != 0)
		return 0;
	return sizeof(struct ring_shared) + (size_t)count * slot_bytes;
}

static int attach(struct ring *ring, struct ring_shared *shared, uint32_t count,
	uint32_t slot_bytes, bool producer)
{
	const uint64_t produced = __atomic_load_n(&shared->produced, __ATOMIC_ACQUIRE);
	const uint64_t consumed = __atomic_load_n(&shared->consumed, __ATOMIC_ACQUIRE);

	if (ring_bytes(count, slot_bytes) == 0 || produced - consumed > count)
		return -EPROTO;
	*ring = (struct ring){
		.shared = shared,
		.slots = (uint8_t *)(shared + 1),
		.count = count,
		.slot_bytes = slot_bytes,
		.own = producer ? produced : consumed,
		.peer = producer ? consumed : produced,
	};
	return 0;
}

int ring_attach_producer(
	struct ring *ring, struct ring_shared *shared, uint32_t count, uint32_t slot_bytes)
{
	return attach(ring, shared, count, slot_bytes, true);
}

int ring_attach_consumer(
	struct ring *ring, struct ring_shared *shared, uint32_t count, uint32_t slot_bytes)
{
	return attach(ring, shared, count, slot_bytes, false);
}

static uint8_t *slot(const struct ring *ring)
{
	return ring->slots + (size_t)(ring->own & (ring->count - 1)) * ring->slot_bytes;
}

static void look_at_consumer(struct ring *ring)
{
	ring->peer = __atomic_load_n(&ring->shared->consumed, __ATOMIC_ACQUIRE);
	ring->broken |= ring->own - ring->peer > ring->count;
}

uint32_t ring_waiting(struct ring *ring)
{
	if (!ring->broken)
		look_at_consumer(ring);
	return ring->broken ? ring->count : (uint32_t)(ring->own - ring->peer);
}

void *ring_claim(struct ring *ring)
{
	if (ring->own - ring->peer == ring->count && !ring->broken)
		look_at_consumer(ring);
	return ring->broken || ring->own - ring->peer == ring->count ? NULL : slot(ring);
}

void ring_publish(struct ring *ring)
{
	__atomic_store_n(&ring->shared->produced, ++ring->own, __ATOMIC_RELEASE);
}

const void *ring_oldest(struct ring *ring)
{
	if (ring->own == ring->peer && !ring->broken) {
		ring->peer = __atomic_load_n(&ring->shared->produced, __ATOMIC_ACQUIRE);
		ring->broken = ring->peer - ring->own > ring->count;
	}
	return ring->broken || ring->own == ring->peer ? NULL : slot(ring);
}

void ring_discard(struct ring *ring, size_t bytes)
{
	/* Its head first: a consumer that is killed while it wipes leaves no record that still
	 * looks whole to the next one. */
	__atomic_store_n((uint64_t *)slot(ring), 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	/* Visible to the other process before the counter is, so no compiler leaves it out. */
	memset(slot(ring), 0, bytes);
	__atomic_store_n(&ring->shared->consumed, ++ring->own, __ATOMIC_RELEASE);
}

bool ring_take(struct ring *ring, void *record)
{
	const void *oldest = ring_oldest(ring);

	if (!oldest)
		return false;
	memcpy(record, oldest, ring->slot_bytes);
	ring_discard(ring, ring->slot_bytes);
	return true;
}

void ring_prefetch(const struct ring *ring, uint32_t behind, size_t bytes)
{
	const uint64_t at = ring->own + behind;

	if (ring->broken || ring->peer - ring->own <= behind)
		return;
	const uint8_t *record = ring->slots + (size_t)(at & (ring->count - 1)) * ring->slot_bytes;
	for (size_t i = 0; i < bytes; i += RING_LINE_BYTES)
		__builtin_prefetch(record + i, 1);
}

bool ring_waits(const struct ring *ring)
{
	return __atomic_load_n(&ring->shared->produced, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&ring->shared->consumed, __ATOMIC_RELAXED);
}
