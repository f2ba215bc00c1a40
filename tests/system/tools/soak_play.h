/* Plays dataplane, senders and recipients for a chappe-store, and tells the model each step.
 *
 * Senders repeat what is not accepted, now and then also what is; recipients come and go, lose
 * deliveries and `received`, and send that again when a message comes again; `accepted` is lost on
 * the way too. One device, SOAK_GONE, is offline until the end. */
#ifndef CHAPPE_TEST_SOAK_PLAY_H
#define CHAPPE_TEST_SOAK_PLAY_H

#include "perf/store_end.h"
#include "soak_model.h"

enum { SOAK_GONE = MODEL_DEVICES - 1, SOAK_WINDOW = 6 };

struct play {
	struct store_end end;
	struct model *model;
	uint64_t random;
	uint32_t slots[MODEL_DEVICES]; /* at this dataplane */
	uint32_t sessions;             /* changes with the dataplane: the high half of indices */
	bool online[MODEL_DEVICES];
	bool sending, lossy;
};

void play_open(struct play *play, struct model *model, const char *run_dir, uint64_t seed);
void play_close(struct play *play);

/* Waits for the store and says who is online. False where it does not come in time. */
bool play_attach(struct play *play, int timeout_ms);
/* A dataplane that starts anew: other slots, other sessions, empty rings. */
void play_renew(struct play *play);
/* One millisecond or so of everything. */
void play_step(struct play *play);
/* What the store has said: also after its end. */
void play_listen(struct play *play);
/* From now on nothing is lost, all are online and nobody writes anything new. */
void play_finish(struct play *play);
/* Random, below n. */
uint32_t play_below(struct play *play, uint32_t n);
uint64_t play_now_ms(void);

#endif
