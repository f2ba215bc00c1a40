#include "secrets.h"

#include <rte_rcu_qsbr.h>
#include <sodium.h>

static void secrets_publish(struct secrets_box *box)
{
	struct secrets *next = box->current == &box->copies[0] ? &box->copies[1] : &box->copies[0];
	*next = box->pending;
	__atomic_store_n(&box->current, next, __ATOMIC_RELEASE);
	box->changed = false;
}

static void secrets_rotate(struct secrets_box *box, uint64_t now_s)
{
	uint8_t fresh[32];
	randombytes_buf(fresh, sizeof fresh);
	mac_cookie_rotate(&box->pending.cookie, fresh);
	sodium_memzero(fresh, sizeof fresh);
	box->rotate_at = now_s + MAC_COOKIE_SECRET_S;
	box->changed = true;
}

void secrets_init(struct secrets_box *box, uint64_t boot, uint64_t now_s)
{
	memset(box, 0, sizeof *box);
	box->pending.boot = boot;
	secrets_rotate(box, now_s);
	secrets_publish(box);
}

void secrets_set(struct secrets_box *box, const uint8_t relay_public[WIRE_KEY_BYTES],
	const uint8_t reset[RESET_SECRET_BYTES])
{
	mac_keys_derive(&box->pending.macs, relay_public);
	memcpy(box->pending.reset, reset, sizeof box->pending.reset);
	box->pending.from_control = true;
	box->changed = true;
}

void secrets_turn(struct secrets_box *box, struct rte_rcu_qsbr *qsbr, uint64_t now_s)
{
	if (now_s >= box->rotate_at)
		secrets_rotate(box, now_s);
	if (!box->changed || (box->grace && rte_rcu_qsbr_check(qsbr, box->grace, false) == 0))
		return;
	secrets_publish(box);
	box->grace = rte_rcu_qsbr_start(qsbr);
}

void secrets_wipe(struct secrets_box *box)
{
	sodium_memzero(box, sizeof *box);
}
