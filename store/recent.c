#include "recent.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { RECENT_FIRST = 1024, RECENT_FRAME_BYTES = 24 };
_Static_assert(sizeof(struct recent_frame) == 24, "no padding");

/* Open addressing with linear probing, at most 3/4 full; epoch 0 is an empty place. */
struct recent {
	uint8_t secret[crypto_shorthash_siphashx24_KEYBYTES];
	struct recent_frame *frames;
	uint32_t size, count;
};

struct recent *recent_create(void)
{
	struct recent *recent = calloc(1, sizeof *recent);

	if (!recent)
		return NULL;
	recent->frames = calloc(RECENT_FIRST, sizeof *recent->frames);
	recent->size = RECENT_FIRST;
	randombytes_buf(recent->secret, sizeof recent->secret);
	if (!recent->frames) {
		free(recent);
		return NULL;
	}
	return recent;
}

void recent_destroy(struct recent *recent)
{
	if (!recent)
		return;
	free(recent->frames);
	free(recent);
}

uint32_t recent_count(const struct recent *recent)
{
	return recent->count;
}

static void hash(
	const struct recent *recent, const uint8_t *route, uint64_t frame_id, uint8_t out[16])
{
	uint8_t bytes[RECENT_FRAME_BYTES];

	memcpy(bytes, route, 16);
	memcpy(bytes + 16, &frame_id, sizeof frame_id);
	crypto_shorthash_siphashx24(out, bytes, sizeof bytes, recent->secret);
}

static uint32_t home(const struct recent *recent, const struct recent_frame *frame)
{
	uint32_t word;

	memcpy(&word, frame->hash, sizeof word);
	return word & (recent->size - 1);
}

static uint32_t probe(const struct recent *recent, const struct recent_frame *frame)
{
	uint32_t at = home(recent, frame);

	while (recent->frames[at].epoch != 0 &&
		memcmp(recent->frames[at].hash, frame->hash, sizeof frame->hash) != 0)
		at = (at + 1) & (recent->size - 1);
	return at;
}

static int grow(struct recent *recent)
{
	struct recent_frame *old = recent->frames;
	const uint32_t size = recent->size;

	if (recent->count >= RECENT_MAX)
		return -ENOSPC;
	if ((uint64_t)recent->count * 4 < (uint64_t)size * 3)
		return 0;
	recent->frames = calloc((size_t)size * 2, sizeof *old);
	if (!recent->frames) {
		recent->frames = old;
		return -ENOMEM;
	}
	recent->size = size * 2;
	for (uint32_t i = 0; i < size; i++)
		if (old[i].epoch != 0)
			recent->frames[probe(recent, &old[i])] = old[i];
	free(old);
	return 0;
}

int recent_add(struct recent *recent, const uint8_t *route, uint64_t frame_id, uint32_t arrived,
	uint32_t epoch)
{
	struct recent_frame frame = { .arrived = arrived, .epoch = epoch };
	const int result = grow(recent);

	if (result < 0)
		return result;
	hash(recent, route, frame_id, frame.hash);
	const uint32_t at = probe(recent, &frame);
	recent->count += recent->frames[at].epoch == 0;
	recent->frames[at] = frame;
	return 0;
}

bool recent_has(const struct recent *recent, const uint8_t *route, uint64_t frame_id)
{
	struct recent_frame frame;

	hash(recent, route, frame_id, frame.hash);
	return recent->frames[probe(recent, &frame)].epoch != 0;
}

/* Closes the gap, as those behind it may be found only over it. */
static void remove_at(struct recent *recent, uint32_t gap)
{
	const uint32_t mask = recent->size - 1;

	for (uint32_t at = (gap + 1) & mask; recent->frames[at].epoch != 0; at = (at + 1) & mask) {
		const uint32_t wanted = home(recent, &recent->frames[at]);
		if (((at - wanted) & mask) < ((at - gap) & mask))
			continue;
		recent->frames[gap] = recent->frames[at];
		gap = at;
	}
	recent->frames[gap] = (struct recent_frame){ 0 };
	recent->count--;
}

void recent_forget(struct recent *recent, uint32_t minute, recent_gone *gone, void *arg)
{
	for (uint32_t at = 0; at < recent->size;) {
		const struct recent_frame frame = recent->frames[at];
		if (frame.epoch == 0 || frame.arrived >= minute) {
			at++;
			continue;
		}
		/* Another one may have moved here: the place is looked at again. */
		remove_at(recent, at);
		gone(arg, &frame);
	}
}
