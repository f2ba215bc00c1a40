/* Hop session AEAD of the packet path: whole transport frames, in place, the same bytes as
 * src/hop.h. intel-ipsec-mb in the form that fits the processor, chosen at run time; libsodium for
 * ChaCha20-Poly1305 where that library has none for this machine. */
#ifndef CHAPPE_DATAPLANE_AEAD_H
#define CHAPPE_DATAPLANE_AEAD_H

#include "aead_library.h"
#include "src/wire.h"
#include <intel-ipsec-mb.h>
#include <rte_branch_prediction.h>
#include <rte_prefetch.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	AEAD_LINE_BYTES = 64,
	AEAD_ROUND_KEY_LINES = 4, /* AES-256: 15 round keys of 16 bytes */
	/* Lines before the last with powers of the hash key, one a block, the lowest last: 30 for a
	 * small cell; 48, the most there are, for a large one. */
	AEAD_POWERS_LINES_SMALL = 7,
	AEAD_POWERS_LINES = 11,
};

/* One a thread: intel-ipsec-mb's manager keeps state. */
struct aead {
	IMB_MGR *mgr;
	struct aead_library library; /* mgr's */
	bool by_mgr; /* intel-ipsec-mb fits this machine; else libsodium, suite 2 only */
	bool has_aes;
};

/* One direction of a session. Its place begins a cache line; fifteen bytes of its last line are
 * left for its holder, who so gets them with the key. */
struct aead_key {
	union {
		struct gcm_key_data aes; /* round keys, then powers of the hash key */
		uint8_t chacha[WIRE_KEY_BYTES];
	};
	uint8_t suite; /* enum wire_suite */
};
_Static_assert(sizeof(struct aead_key) == 15 * 64 + 49, "sixteen cache lines less 15 bytes");

/* 0 or -ENOMEM. */
int aead_init(struct aead *aead);
/* The same with a copy of intel-ipsec-mb of its own (aead_library.h), for threads that would else
 * slow each other; as aead_init() where there can be none: aead_is_apart() tells. */
int aead_init_apart(struct aead *aead);
static inline bool aead_is_apart(const struct aead *aead)
{
	return aead->library.handle != NULL;
}
void aead_fini(struct aead *aead);

/* Bit n is set where suite n works on this machine; no AES without AES and PCLMULQDQ instructions.
 */
uint32_t aead_suites(const struct aead *aead);

/* 0 or -ENOTSUP. */
int aead_key_init(const struct aead *aead, struct aead_key *key, enum wire_suite suite,
	const uint8_t bytes[WIRE_KEY_BYTES]);

/* Asks for the cache lines that a frame of len bytes needs of an AES key, all but its last, which
 * its holder has asked for. */
static inline void aead_prefetch_aes(const struct aead_key *key, uint32_t len)
{
	const char *start = (const char *)key;
	const char *last = start + (sizeof *key / AEAD_LINE_BYTES) * AEAD_LINE_BYTES;

#pragma GCC unroll 4
	for (uint32_t i = 0; i < AEAD_ROUND_KEY_LINES; i++)
		rte_prefetch0(start + i * AEAD_LINE_BYTES);
#pragma GCC unroll 7
	for (uint32_t i = 1; i <= AEAD_POWERS_LINES_SMALL; i++)
		rte_prefetch0(last - i * AEAD_LINE_BYTES);
	if (len == WIRE_SMALL_BYTES)
		return;
#pragma GCC unroll 4
	for (uint32_t i = AEAD_POWERS_LINES_SMALL + 1; i <= AEAD_POWERS_LINES; i++)
		rte_prefetch0(last - i * AEAD_LINE_BYTES);
}

/* The same for a key of either suite. Reads the key's last line. */
static inline void aead_prefetch(const struct aead_key *key, uint32_t len)
{
	if (likely(key->suite == WIRE_SUITE_AES256GCM))
		aead_prefetch_aes(key, len);
	else
		rte_prefetch0(key);
}

/* Opens in place what wire_check() found to be a transport frame. Returns 0, or -EBADMSG with the
 * inner bytes wiped. */
int aead_open(const struct aead *aead, const struct aead_key *key, uint8_t *frame, uint32_t len)
	__attribute__((warn_unused_result));

/* Seals the len - 32 bytes after the header in place, writes header and tag. */
void aead_seal(const struct aead *aead, const struct aead_key *key, uint32_t receiver_index,
	uint64_t counter, uint8_t *frame, uint32_t len);

#endif
