/* Frames that were delivered a short while ago, so that a repetition which was on the way meanwhile
 * is not stored once more. Frames are known by 128 bits of a keyed hash (SipHash-2-4-128). */
#ifndef CHAPPE_STORE_RECENT_H
#define CHAPPE_STORE_RECENT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RECENT_MINUTES = 10,  /* from arrival: for so long may a sender repeat a frame */
	RECENT_MAX = 3 << 20, /* 5,242 frames a second for ten minutes; 24 bytes each */
};

struct recent_frame {
	uint8_t hash[16];
	uint32_t arrived; /* minutes */
	uint32_t epoch;   /* under which its record lies */
};

struct recent;

struct recent *recent_create(void); /* NULL without memory */
void recent_destroy(struct recent *recent);
uint32_t recent_count(const struct recent *recent);

/* -ENOSPC above RECENT_MAX, -ENOMEM. */
int recent_add(struct recent *recent, const uint8_t *route, uint64_t frame_id, uint32_t arrived,
	uint32_t epoch);
bool recent_has(const struct recent *recent, const uint8_t *route, uint64_t frame_id);

/* Forgets those that arrived before a minute, calling gone() for each. */
typedef void recent_gone(void *arg, const struct recent_frame *frame);
void recent_forget(struct recent *recent, uint32_t minute, recent_gone *gone, void *arg);

#endif
