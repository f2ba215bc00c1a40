#include "limit_classes.h"

enum { PLACES = 4 * TABLE_LIMIT_CLASSES };

struct limit_pair {
	int64_t frames_per_s, bytes_per_s;
};

struct limit_pairs {
	uint32_t count;
	struct limit_pair places[PLACES]; /* open addressing; zeros are free */
};

/* Pairs without any limit take no class of their own; more than there can be are not told apart. */
static void add(struct limit_pairs *pairs, const struct limit_pair *pair)
{
	/* Fibonacci hashing: who sets limits is not who wants them to collide. */
	const uint64_t mixed = ((uint64_t)pair->frames_per_s * 31 + (uint64_t)pair->bytes_per_s) *
			       UINT64_C(0x9e3779b97f4a7c15);
	uint32_t at = (uint32_t)(mixed >> 32) % PLACES;

	if (pairs->count == TABLE_LIMIT_CLASSES ||
		(pair->frames_per_s == 0 && pair->bytes_per_s == 0))
		return;
	while (pairs->places[at].frames_per_s != 0 || pairs->places[at].bytes_per_s != 0) {
		if (memcmp(&pairs->places[at], pair, sizeof *pair) == 0)
			return;
		at = (at + 1) % PLACES;
	}
	pairs->places[at] = *pair;
	pairs->count++;
}

bool limit_classes_fit(const struct control *control, const struct store_limits *own)
{
	static struct limit_pairs pairs; /* 64 KiB; one thread */
	const struct store_limits *defaults = &control->config->limits;
	const struct limit_pair wanted = {
		own->frames_per_s == STORE_LIMIT_DEFAULT ? defaults->frames_per_s
							 : own->frames_per_s,
		own->bytes_per_s == STORE_LIMIT_DEFAULT ? defaults->bytes_per_s : own->bytes_per_s,
	};
	struct limit_pair pair = { defaults->frames_per_s, defaults->bytes_per_s };
	bool there = wanted.frames_per_s == 0 && wanted.bytes_per_s == 0;

	memset(&pairs, 0, sizeof pairs);
	add(&pairs, &pair);
	there |= memcmp(&pair, &wanted, sizeof pair) == 0;
	/* The device's own pair until now counts too: the dataplane takes the new class first. */
	for (uint32_t slot = 0; !there && slot < control->directory.capacity; slot++) {
		const struct device *device = &control->directory.devices[slot];
		struct store_limits limits;
		if (device->state != DEVICE_ENROLLED)
			continue;
		control_limits(control, device, &limits);
		pair = (struct limit_pair){ limits.frames_per_s, limits.bytes_per_s };
		add(&pairs, &pair);
		there = memcmp(&pair, &wanted, sizeof pair) == 0;
	}
	return there || pairs.count < TABLE_LIMIT_CLASSES - 1;
}
