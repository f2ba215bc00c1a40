#include "dataplane/random.h"
#include "dataplane/secrets.h"
#include "eal.h"

#include <rte_rcu_qsbr.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rte_rcu_qsbr *qsbr;
static const uint8_t public[2][WIRE_KEY_BYTES] = { { 1 }, { 2 } };
static const uint8_t reset[2][RESET_SECRET_BYTES] = { { 3 }, { 4 } };

static void publishes_what_control_says(void **state)
{
	(void)state;
	struct secrets_box box;
	struct mac_keys keys;
	secrets_init(&box, 42, 0);
	assert_false(secrets_read(&box)->from_control);
	secrets_set(&box, public[0], reset[0]);
	assert_false(secrets_read(&box)->from_control);
	secrets_turn(&box, qsbr, 0);
	const struct secrets *now = secrets_read(&box);
	mac_keys_derive(&keys, public[0]);
	assert_true(now->from_control);
	assert_int_equal(now->boot, 42);
	assert_memory_equal(&now->macs, &keys, sizeof keys);
	assert_memory_equal(now->reset, reset[0], sizeof reset[0]);
}

/* A reader that has not come round may still look at the copy that would be overwritten. */
static void waits_for_readers(void **state)
{
	(void)state;
	struct secrets_box box;
	secrets_init(&box, 42, 0);
	rte_rcu_qsbr_thread_register(qsbr, 0);
	rte_rcu_qsbr_thread_online(qsbr, 0);
	secrets_set(&box, public[0], reset[0]);
	secrets_turn(&box, qsbr, 0);
	const struct secrets *seen = secrets_read(&box);
	secrets_set(&box, public[1], reset[1]);
	secrets_turn(&box, qsbr, 0);
	assert_ptr_equal(secrets_read(&box), seen);
	assert_memory_equal(seen->reset, reset[0], sizeof reset[0]);
	rte_rcu_qsbr_quiescent(qsbr, 0);
	secrets_turn(&box, qsbr, 0);
	assert_ptr_not_equal(secrets_read(&box), seen);
	assert_memory_equal(secrets_read(&box)->reset, reset[1], sizeof reset[1]);
	rte_rcu_qsbr_thread_offline(qsbr, 0);
	rte_rcu_qsbr_thread_unregister(qsbr, 0);
}

static void rotates_cookie_secrets(void **state)
{
	(void)state;
	struct secrets_box box;
	secrets_init(&box, 42, 1000);
	uint8_t first[32];
	memcpy(first, secrets_read(&box)->cookie.current, sizeof first);
	assert_false(sodium_is_zero(first, sizeof first));
	secrets_turn(&box, qsbr, 1000 + MAC_COOKIE_SECRET_S - 1);
	assert_memory_equal(secrets_read(&box)->cookie.current, first, sizeof first);
	secrets_turn(&box, qsbr, 1000 + MAC_COOKIE_SECRET_S);
	assert_memory_not_equal(secrets_read(&box)->cookie.current, first, sizeof first);
	assert_memory_equal(secrets_read(&box)->cookie.previous, first, sizeof first);
	secrets_wipe(&box);
	assert_true(sodium_is_zero((const uint8_t *)&box, sizeof box));
}

static void draws_bytes_once(void **state)
{
	(void)state;
	enum { NONCES = 1000 };
	static uint8_t nonces[NONCES][24];
	struct random_pool pools[2];
	random_pool_init(&pools[0]);
	random_pool_init(&pools[1]);
	for (int i = 0; i < NONCES; i++) {
		random_pool_take(&pools[i % 2], nonces[i], sizeof nonces[i]);
		const struct random_pool *pool = &pools[i % 2];
		assert_true(sodium_is_zero(
			pool->bytes + RANDOM_KEY_BYTES, pool->used - RANDOM_KEY_BYTES));
		for (int k = 0; k < i; k++)
			assert_memory_not_equal(nonces[i], nonces[k], sizeof nonces[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publishes_what_control_says),
		cmocka_unit_test(waits_for_readers),
		cmocka_unit_test(rotates_cookie_secrets),
		cmocka_unit_test(draws_bytes_once),
	};
	eal_start();
	qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, rte_rcu_qsbr_get_memsize(1));
	if (!qsbr || rte_rcu_qsbr_init(qsbr, 1) != 0 || sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
