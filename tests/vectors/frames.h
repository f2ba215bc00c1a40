/* One of every frame of version 1, made from fixed keys: what tests/vectors/frames.json publishes
 * for other implementers. */
#ifndef CHAPPE_TESTS_FRAMES_H
#define CHAPPE_TESTS_FRAMES_H

#include <stddef.h>
#include <stdint.h>

struct frames_sink {
	/* One named byte string; what says how it comes about. */
	void (*put)(void *context, const char *name, const char *what, const uint8_t *bytes,
		size_t len);
	void *context;
};

/* Inputs first, then end to end, then each suite. Needs a machine with both suites. Returns 0 or
 * -errno. */
int frames_make(const struct frames_sink *sink);

#endif
