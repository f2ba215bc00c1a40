/* The shared half of the tables: what workers read, and what owners write. Each field names its
 * writer; fields of several writers lie on cache lines of their own. Workers hold pointers to
 * sessions within one turn only (QSBR); main ends a session by clearing both indices, and wipes the
 * slot after a grace period. */
#ifndef CHAPPE_DATAPLANE_SESSION_H
#define CHAPPE_DATAPLANE_SESSION_H

#include "aead.h"
#include "limit.h"
#include "src/endpoint.h"
#include "src/replay.h"
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_hash.h>
#include <rte_prefetch.h>

enum { SESSION_NONE = UINT32_MAX }; /* slot 0x1fffff is never used: no index is this one */

/* What a session's owner needs to take frames from its device. */
struct session_receive {
	/* main */
	uint32_t index; /* SESSION_NONE while the slot is empty; published last (release) */
	uint32_t device;
	uint64_t expires; /* TSC */
	uint32_t limits;  /* class, limit.h */
	uint8_t reserved[44];
	/* owner */
	struct replay_head head;
	struct limit_meter meter;
	uint32_t challenged; /* when a challenge last went out, in ROAM_TICKs of TSC; 0 = never */
	uint8_t confirmed;   /* a keepalive was opened and main has been told */
	uint8_t controls;    /* control frames punted in second controls_s */
	uint16_t controls_s; /* of TSC; in an hour, the longest a session lives, no second recurs */
	uint64_t bitmap[sizeof((struct replay_relay *)0)->bitmap / sizeof(uint64_t)];
	struct endpoint candidate; /* family 0: none; read by main under its sequence */
	struct aead_key key;       /* main */
};

/* What any worker needs to send to its device. */
struct session_send {
	uint64_t counter;    /* all workers, by atomic addition: the next to use */
	uint32_t index;      /* main: as in the receive half */
	uint32_t peer_index; /* main: receiver_index that the device chose */
	uint8_t reserved[48];
	struct endpoint endpoint; /* owner, main before publishing; under its sequence */
	struct aead_key key;      /* main */
};

struct session {
	struct session_receive receive;
	struct session_send send;
} __rte_cache_aligned;
_Static_assert(offsetof(struct session, receive.head) == 64, "line of the owner");
_Static_assert(offsetof(struct session, receive.bitmap) == 128, "lines of the bitmap");
_Static_assert(offsetof(struct session, send) % 64 == 0, "line of the senders");
_Static_assert(offsetof(struct session, send.endpoint) % 64 == 0, "line of the endpoint");
_Static_assert(sizeof(struct session) == 2880, "45 cache lines: 2.8 KiB a session");

struct tables_view {
	struct session *sessions; /* slots of them */
	uint32_t slots, devices;
	/* By device slot: index of its confirmed session or SESSION_NONE. Writer: main. */
	const uint32_t *current;
	const struct rte_hash *routes; /* route.h; writer: main */
	const struct limit_class *limits;
};

static inline void session_prefetch(const struct tables_view *view, uint32_t index)
{
	const uint32_t slot = wire_index_slot(index);
	if (likely(slot < view->slots))
		rte_prefetch0(&view->sessions[slot].receive);
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

static inline struct session *session_to(const struct tables_view *view, uint32_t index)
{
	const uint32_t slot = wire_index_slot(index);
	if (unlikely(slot >= view->slots))
		return NULL;
	struct session *session = &view->sessions[slot];
	return __atomic_load_n(&session->send.index, __ATOMIC_ACQUIRE) == index ? session : NULL;
}

/* A shared endpoint has one writer at a time: main until the session is published, then its owner.
 * Readers copy until no write came between; a write lasts a few dozen cycles. */
void endpoint_publish(struct endpoint *shared, const struct endpoint *fresh);
void endpoint_read(const struct endpoint *shared, struct endpoint *copy);

#endif
