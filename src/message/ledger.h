/* What has become of a device's own message numbers with one contact: which of them may still reach
 * it, and which never will. The contact need not wait for the latter: floor and skip say so. */
#ifndef CHAPPE_LEDGER_H
#define CHAPPE_LEDGER_H

#include "src/message/message.h"

enum ledger_state {
	LEDGER_SETTLED = 0, /* the contact is done with it, or it was never used */
	LEDGER_GIVEN_UP,    /* the contact shall not wait for it; it may arrive all the same */
	LEDGER_LIVE,        /* on the way, live */
	LEDGER_STORED,      /* may be at the relay, or on the way there; not acknowledged yet */
};

struct ledger {
	uint64_t next;   /* the number after the last one used */
	uint64_t lowest; /* of those in sight: neither settled nor given up; next if none is */
	uint64_t sight;  /* what became of numbers below was forgotten */
	uint8_t state[MESSAGE_WINDOW]; /* of number n, from sight on: state[n % MESSAGE_WINDOW] */
};

/* next and done as saved: numbers from done to next were given up, but for those whose bit is set
 * in stored (number n: bit n % MESSAGE_WINDOW), other than partial. */
void ledger_init(struct ledger *ledger, uint64_t next, uint64_t done, uint64_t partial,
	const le64 stored[MESSAGE_WINDOW / 64]);
/* The bits for ledger_init(), of the numbers up to begun: nothing of later ones was sent. */
void ledger_save(const struct ledger *ledger, uint64_t begun, le64 stored[MESSAGE_WINDOW / 64]);

/* Uses the next number. */
uint64_t ledger_use(struct ledger *ledger, enum ledger_state state);
enum ledger_state ledger_get(const struct ledger *ledger, uint64_t number);
/* SETTLED or GIVEN_UP; nothing happens to numbers that are out of sight. */
void ledger_set(struct ledger *ledger, uint64_t number, enum ledger_state state);

/* A number of an earlier run that may be at the relay, whatever ledger_init() took it for; nothing
 * happens to one that is out of sight. */
void ledger_restore(struct ledger *ledger, uint64_t number);

/* All numbers below are settled or given up; done: the contact is done with all below. */
uint64_t ledger_floor(const struct ledger *ledger, uint64_t done);

/* seal_plain.skip of a message that is about to be sent for the first time: a stored one does not
 * wait for live ones that may never come. */
uint8_t ledger_skip(const struct ledger *ledger, uint64_t number, bool stored);

#endif
