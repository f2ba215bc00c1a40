/* A bounded lock-free ring in shared memory, one producer, one consumer, each of which may be
 * another process that is not trusted: what the other side writes is checked before use, and what
 * was taken is a copy that it can't change any more.
 *
 * Counters grow without bound; counter % slots is the position. The memory outlives either side: a
 * new consumer goes on where the last one stopped. */
#ifndef CHAPPE_STORE_RING_H
#define CHAPPE_STORE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RING_LINE_BYTES = 64, RING_SLOTS_MAX = 1 << 20, RING_SLOT_BYTES_MAX = 1 << 16 };

/* In shared memory, followed by the slots. All zeros is an empty ring. */
struct ring_shared {
	_Alignas(RING_LINE_BYTES) uint64_t produced; /* producer: slots ever filled */
	_Alignas(RING_LINE_BYTES) uint64_t consumed; /* consumer: slots ever emptied */
};
_Static_assert(sizeof(struct ring_shared) == 2 * RING_LINE_BYTES, "a cache line each");

/* One side's view, private to it. */
struct ring {
	struct ring_shared *shared;
	uint8_t *slots;
	uint32_t count, slot_bytes;
	uint64_t own, peer; /* own counter; the other's, as last read */
	bool broken;        /* the other side's counter is impossible: nothing passes any more */
};

/* Bytes of shared memory; count is a power of two, slot_bytes a multiple of 64. 0 where they are
 * not, or too large. */
size_t ring_bytes(uint32_t count, uint32_t slot_bytes);

/* Views memory of ring_bytes(), aligned to a cache line, as the side that fills or empties it.
 * Returns 0, or -EPROTO where the counters in it can't be. */
int ring_attach_producer(
	struct ring *ring, struct ring_shared *shared, uint32_t count, uint32_t slot_bytes);
int ring_attach_consumer(
	struct ring *ring, struct ring_shared *shared, uint32_t count, uint32_t slot_bytes);

/* Producer: the slot to fill next, NULL while the ring is full or broken; it is the consumer's from
 * ring_publish() on. */
void *ring_claim(struct ring *ring);
void ring_publish(struct ring *ring);
/* Producer: records that the consumer has not taken; all slots where the ring is broken. */
uint32_t ring_waiting(struct ring *ring);

/* Consumer: copies the oldest record, slot_bytes, wipes it in shared memory and gives the slot
 * back. False where the ring is empty or broken. */
bool ring_take(struct ring *ring, void *record);
/* The same in steps, for records that use a part of their slot. The oldest record lies in memory
 * that the producer still can change: copy before you look. NULL where there is none. */
const void *ring_oldest(struct ring *ring);
/* Wipes that many bytes of it and gives the slot back. */
void ring_discard(struct ring *ring, size_t bytes);
/* Asks for the first bytes of a record that waits behind the oldest one. */
void ring_prefetch(const struct ring *ring, uint32_t behind, size_t bytes);

/* Either side: whether something waits in it. */
bool ring_waits(const struct ring *ring);

#endif
