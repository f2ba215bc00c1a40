/* What the files of the depot share. */
#ifndef CHAPPE_STORE_DEPOT_PRIVATE_H
#define CHAPPE_STORE_DEPOT_PRIVATE_H

#include "calendar.h"
#include "depot.h"
#include "recent.h"

/* Epochs of what was erased, one for each record. */
struct depot_released {
	uint32_t *epochs;
	size_t count, room;
};

/* The epoch under which records are sealed at present. It is held as if it were a record more, so
 * that its key stays. */
struct depot_epoch {
	uint32_t number; /* 0: none was needed yet */
	uint32_t began;  /* minute */
	const struct epoch_key *key;
	bool used;
};

/* Of a message that was read to be delivered, what `received` asks for: the index on disk need not
 * be read and opened for it. */
struct depot_sent {
	uint64_t number; /* 0: none */
	uint64_t frame_id;
	uint32_t epoch, arrived;
};
enum { DEPOT_SENT = 1 << 16 /* 1.5 MiB: of 64 routes whose window is full */ };

struct depot {
	struct depot_limits limits;
	struct engine *engine;
	struct epochs *epochs;
	struct mailboxes *boxes;
	struct recent *recent;
	struct calendar calendar;
	uint32_t now;
	uint64_t next;                  /* number of the next frame */
	struct depot_epoch arriving;    /* of frames that come */
	struct depot_epoch remembering; /* of what is known of those that were received */
	bool failed;                    /* a commit did: nothing is taken any more */
	bool disk_short;
	int directory; /* of the store, to ask for room */

	/* Frames from `durable` on are not committed yet: those below `sealed` are being written.
	 */
	uint64_t durable, sealed;
	uint64_t frame_ids[2 * DEPOT_BATCH_MAX]; /* of these, by number */
	struct depot_sent sent[DEPOT_SENT];      /* by number */
	struct depot_released released, released_sealed;
	bool committing;
	bool keys_held; /* no key is destroyed */

	uint64_t expired;      /* frames, since start */
	uint32_t sweep_place;  /* of the mailbox that is looked at, ... */
	uint64_t sweep_number; /* ... and from where on */
	uint32_t swept_before; /* of this pass: what came before this minute is gone after it */
	uint32_t forgot;       /* minute in which recent frames were looked through */
};

/* The minute from which on a message is too old. */
uint32_t depot_expiry(const struct depot *depot, uint32_t arrived, uint8_t ttl);

/* Erases what lies on disk under a number; its epoch is released by the next commit. */
void depot_erase(struct depot *depot, uint64_t number, uint32_t epoch);
/* A record less, from the next commit on. */
void depot_release(struct depot *depot, uint32_t epoch);

/* Makes sure that there is an epoch to seal under. 0 or -errno. */
int depot_use_epoch(struct depot *depot, struct depot_epoch *epoch);

/* Reads everything at start. */
int depot_load(struct depot *depot, struct depot_report *report);

#endif
