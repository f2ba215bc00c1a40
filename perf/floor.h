/* The floor (what the path is measured against): opening and sealing the same cells in the same
 * order with intel-ipsec-mb and nothing else, the key schedules prefetched a burst ahead. Its keys
 * are copies in memory of its own. */
#ifndef CHAPPE_PERF_FLOOR_H
#define CHAPPE_PERF_FLOOR_H

#include "rig.h"
#include <intel-ipsec-mb.h>

enum { FLOOR_BURST = 32 };

struct floor_aes {
	struct gcm_key_data open, seal;
};
struct floor_chacha {
	uint8_t open[WIRE_KEY_BYTES], seal[WIRE_KEY_BYTES];
};

struct floor {
	struct aead aead;
	IMB_MGR *mgr; /* aead's */
	enum wire_suite suite;
	uint32_t sessions;
	bool owns_keys;
	union {
		void *keys;
		struct floor_aes *aes;
		struct floor_chacha *chacha;
	};
};

/* With the keys of all devices of the rig. */
void floor_init(struct floor *floor, const struct rig *rig);
/* For another thread: the same keys, a manager of its own. */
void floor_share(struct floor *floor, const struct floor *owner);
void floor_fini(struct floor *floor);

/* Opens cells[i], len bytes from its header on, under session from[i] and seals it in place under
 * to[i]. n is a multiple of FLOOR_BURST. Returns the TSC cycles that it took. */
uint64_t floor_run(const struct floor *floor, uint8_t *const *cells, uint32_t len,
	const uint32_t *from, const uint32_t *to, uint32_t n);

#endif
