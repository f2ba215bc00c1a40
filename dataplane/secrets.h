/* What workers need to know from main and control to answer handshakes and resets: published as one
 * pointer to one struct that nobody writes any more. Main is the only writer. */
#ifndef CHAPPE_DATAPLANE_SECRETS_H
#define CHAPPE_DATAPLANE_SECRETS_H

#include "src/mac.h"
#include "src/reset.h"

struct rte_rcu_qsbr;

struct secrets {
	bool from_control; /* mac keys and reset secret are there: control has said hello */
	uint64_t boot;
	struct mac_keys macs;
	struct mac_cookie_secret cookie;
	uint8_t reset[RESET_SECRET_BYTES];
};

/* Two copies: readers have the current one, main prepares the next in the other one when no reader
 * can have that any more. */
struct secrets_box {
	const struct secrets *current; /* readers: secrets_read() */
	struct secrets copies[2];
	struct secrets pending; /* what is to be published next */
	bool changed;
	uint64_t grace;     /* QSBR token of the last publication */
	uint64_t rotate_at; /* seconds, monotonic */
};

static inline const struct secrets *secrets_read(const struct secrets_box *box)
{
	return __atomic_load_n(&box->current, __ATOMIC_ACQUIRE);
}

/* Draws the first cookie secret and publishes. */
void secrets_init(struct secrets_box *box, uint64_t boot, uint64_t now_s);
/* What control's hello says; published by the next secrets_turn(). */
void secrets_set(struct secrets_box *box, const uint8_t relay_public[WIRE_KEY_BYTES],
	const uint8_t reset[RESET_SECRET_BYTES]);
/* From every turn of the main loop: rotates the cookie secret when due and publishes what changed
 * as soon as the last publication's grace period is over. Never blocks. */
void secrets_turn(struct secrets_box *box, struct rte_rcu_qsbr *qsbr, uint64_t now_s);
void secrets_wipe(struct secrets_box *box);

#endif
