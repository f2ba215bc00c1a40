/* The shared half of the tables: what workers read, and what owners write. Each field names its
 * writer; fields of several writers lie on cache lines of their own. Workers hold pointers to
 * sessions within one turn only (QSBR); main ends a session by clearing both indices, and wipes the
 * slot after a grace period. */
#ifndef CHAPPE_DATAPLANE_SESSION_H
#define CHAPPE_DATAPLANE_SESSION_H

#include "aead.h"
#include "limit.h"
#include "route.h"
#include "src/endpoint.h"
#include "src/replay.h"
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

enum {
	/* Frames between asking for a key's lines and using them: some 1,500 cycles of AEAD in
	 * between hide main memory, and what was asked for still fits the first-level cache. */
	SESSION_AHEAD = 4,
	SESSION_NONE = UINT32_MAX, /* slot 0x1fffff is never used: no index is this one */
	SESSION_NO_TAG = UINT16_MAX,
	SESSION_TICK_SHIFT = 28, /* a tick is 2^28 TSC cycles: about 0.1 s */
};

/* What a session's owner needs to take frames from its device. A frame in order touches the lines
 * of the key that its length asks for, and one more. */
struct session_receive {
	struct aead_key key; /* main */
	/* on the key's last line */
	uint8_t confirmed; /* owner: a keepalive was opened and main has been told */
	uint16_t limits;   /* main: class, limit.h */
	uint32_t index;   /* main: SESSION_NONE while the slot is empty; published last (release) */
	uint32_t expires; /* main: session_tick() */
	/* owner: frame_source() of the endpoint that is confirmed, as of frames that came from
	 * there; 0: none yet */
	uint32_t source;
	/* owner */
	struct replay_head head;
	struct limit_meter meter;
	uint32_t device;     /* main */
	uint32_t challenged; /* owner: when a challenge last went out, in ROAM_TICKs; 0 = never */
	/* owner */
	uint16_t controls_s; /* of TSC; in an hour, the longest a session lives, no second recurs */
	uint8_t controls;    /* control frames punted in second controls_s */
	uint8_t reserved[21];
	uint64_t bitmap[REPLAY_RELAY_WORDS];
	struct endpoint candidate; /* owner: family 0: none; read by main under its sequence */
};

/* What any worker needs to send to its device. */
struct session_send {
	struct aead_key key; /* main */
	/* on the key's last line */
	uint8_t zero;
	uint16_t tag;             /* main: session_tag() of the index, or SESSION_NO_TAG */
	uint32_t peer_index;      /* main: receiver_index that the device chose */
	uint64_t counter;         /* all workers, by atomic addition: the next to use */
	struct endpoint endpoint; /* owner, main before publishing; under its sequence */
};

struct session {
	struct session_receive receive;
	struct session_send send;
} __rte_cache_aligned;
_Static_assert(offsetof(struct session, receive.head) == 1024, "the key's lines");
_Static_assert(offsetof(struct session, receive.bitmap) == 1024 + 64, "line of the owner");
_Static_assert(offsetof(struct session, receive.candidate) % 64 == 0, "line of the candidate");
_Static_assert(offsetof(struct session, send) % 64 == 0, "lines of the senders");
_Static_assert(offsetof(struct session, send.counter) == offsetof(struct session, send) + 1016 &&
		       offsetof(struct session, send.endpoint) % 64 == 0,
	"line of the endpoint");
_Static_assert(sizeof(struct session) == 2496, "39 cache lines a session");

struct tables_view {
	struct session *sessions; /* slots of them */
	uint32_t slots, devices;
	/* By device slot: index of its confirmed session or SESSION_NONE. Writer: main. */
	const uint32_t *current;
	struct route_table routes; /* writer: main */
	const struct limit_class *limits;
};

/* Owner and generation: what an index says beside its slot. */
static inline uint16_t session_tag(uint32_t index)
{
	return (uint16_t)(index >> WIRE_INDEX_SLOT_BITS);
}

static inline uint32_t session_tick(uint64_t tsc)
{
	return (uint32_t)(tsc >> SESSION_TICK_SHIFT);
}

/* What session_of() and open's checks read. */
static inline void session_prefetch(const struct tables_view *view, uint32_t index)
{
	const uint32_t slot = wire_index_slot(index);
	if (likely(slot < view->slots))
		rte_prefetch0(&view->sessions[slot].receive.index);
}

/* And what opening will read, where no other frames give the time to ask in turn: without having
 * read what suite the key is of. */
static inline void session_prefetch_key(
	const struct tables_view *view, uint32_t index, uint32_t frame_bytes)
{
	const uint32_t slot = wire_index_slot(index);
	if (likely(slot < view->slots)) {
		rte_prefetch0(&view->sessions[slot].receive.head);
		aead_prefetch_aes(&view->sessions[slot].receive.key, frame_bytes);
	}
}

/* The session of an index, as receiver or as sender; NULL when it is not, or no longer, there. */
static inline struct session *session_of(const struct tables_view *view, uint32_t index)
{
	const uint32_t slot = wire_index_slot(index);
	if (unlikely(slot >= view->slots))
		return NULL;
	struct session *session = &view->sessions[slot];
	return __atomic_load_n(&session->receive.index, __ATOMIC_ACQUIRE) == index ? session : NULL;
}

/* Whether the session at the slot of an index is still its. */
static inline bool session_sends(const struct session *session, uint32_t index)
{
	return __atomic_load_n(&session->send.tag, __ATOMIC_ACQUIRE) == session_tag(index);
}

static inline struct session *session_to(const struct tables_view *view, uint32_t index)
{
	const uint32_t slot = wire_index_slot(index);
	if (unlikely(slot >= view->slots))
		return NULL;
	struct session *session = &view->sessions[slot];
	return session_sends(session, index) ? session : NULL;
}

/* What stage_address.c needs of an endpoint's checksums, in endpoint.reserved. */
enum { ENDPOINT_SUMS_AT = 4 }; /* within one word of endpoint_publish() */
struct endpoint_sums {         /* folded */
	uint32_t ip;           /* of the IPv4 header without its length */
	uint32_t pseudo;       /* of UDP's pseudo-header without the length */
};
_Static_assert((offsetof(struct endpoint, reserved) + ENDPOINT_SUMS_AT) % 8 == 0 &&
		       ENDPOINT_SUMS_AT + sizeof(struct endpoint_sums) ==
			       sizeof((struct endpoint *)0)->reserved,
	"one word");

/* Works out the sums of an endpoint that nobody else sees yet. */
void endpoint_prepare(struct endpoint *endpoint);

static inline struct endpoint_sums endpoint_sums(const struct endpoint *endpoint)
{
	struct endpoint_sums sums;
	memcpy(&sums, endpoint->reserved + ENDPOINT_SUMS_AT, sizeof sums);
	return sums;
}

/* A shared endpoint has one writer at a time: main until the session is published, then its owner.
 * Readers copy until no write came between; a write lasts a few dozen cycles. */
void endpoint_publish(struct endpoint *shared, const struct endpoint *fresh);

static inline void endpoint_read(const struct endpoint *shared, struct endpoint *copy)
{
	uint32_t before, after;

	for (;;) {
		before = __atomic_load_n(&shared->sequence, __ATOMIC_ACQUIRE);
		/* Four vectors, so that no field is read across two stores that have not yet
		 * reached the cache. */
		*copy = *shared;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&shared->sequence, __ATOMIC_RELAXED);
		if (likely(before == after && (before & 1) == 0))
			break;
		rte_pause();
	}
	copy->sequence = 0;
}

#endif
