/* Where routes lead: what the store asks the dataplane, turn by turn. */
#include "turns.h"

/* After a restart the store knows no slots: it asks, and delivers what is then known. */
static void restarted_store_asks_where_routes_lead(void **state)
{
	uint32_t asked = 0;

	(void)state;
	for (uint64_t route = 1000; route < 1010; route++)
		store(3, route, 1, SMALL);
	service_close(&service);
	open_service();
	connect_both();
	relay_event(&relay, SHARE_ONLINE, 3, 0);
	for (int i = 0; i < 10 && asked < 10; i++) {
		struct share_down record;
		turn();
		while (relay_take(&relay, &record)) {
			assert_int_equal(record.kind, SHARE_RESOLVE);
			/* Half of them lead nowhere yet. */
			const uint64_t route = relay_route(&record);
			relay_event(&relay, route % 2 ? SHARE_RESOLVED : SHARE_NO_ROUTE, 3, route);
			asked++;
		}
	}
	assert_int_equal(asked, 10);
	turn();
	assert_int_equal(drain(SHARE_DELIVER), 5);
	now_us += RESOLVE_AGAIN_FIRST_US + TICK_US;
	turn(); /* asks again for those only */
	for (asked = 0; asked < 5; asked++) {
		const struct share_down record = next_down(SHARE_RESOLVE);
		assert_int_equal(relay_route(&record) % 2, 0);
		relay_event(&relay, SHARE_RESOLVED, 4, relay_route(&record));
	}
	assert_int_equal(drain(SHARE_DELIVER), 5); /* the others', again */
	relay_event(&relay, SHARE_ONLINE, 4, 0);
	turn();
	turn();
	assert_true(drain(SHARE_DELIVER) >= 5);
}

/* A route that is gone while its frames are delivered. */
static void route_without_an_end_is_asked_for(void **state)
{
	(void)state;
	store(3, 1000, 1, SMALL);
	relay_event(&relay, SHARE_ONLINE, 3, 0);
	turn();
	assert_delivers(1000, 1, SMALL);
	relay_event(&relay, SHARE_NO_ROUTE, 0, 1000);
	turn();
	const struct share_down record = next_down(SHARE_RESOLVE);
	assert_true(relay_route(&record) == 1000);
	relay_event(&relay, SHARE_RESOLVED, 7, 1000);
	relay_event(&relay, SHARE_ONLINE, 7, 0);
	turn();
	turn();
	assert_delivers(1000, 1, SMALL);
}

/* Beside routes that lead nowhere for good, which are asked for ever more rarely. */
static void route_that_led_somewhere_is_asked_for_soon(void **state)
{
	uint64_t asked_us = 0;

	(void)state;
	store(3, 1000, 1, SMALL);
	store(3, 1001, 1, SMALL);
	relay_event(&relay, SHARE_NO_ROUTE, 0, 1000);
	for (int i = 0; i < 60 * 200; i++) {
		struct share_down record;
		turn();
		while (relay_take(&relay, &record)) {
			assert_int_equal(record.kind, SHARE_RESOLVE);
			assert_true(asked_us == 0 ||
				    now_us - asked_us <= RESOLVE_AGAIN_FEW_US + 2 * TICK_US);
			asked_us = now_us;
			relay_event(&relay, SHARE_NO_ROUTE, 0, relay_route(&record));
		}
	}
	assert_true(asked_us > 0);
	relay_event(&relay, SHARE_NO_ROUTE, 0, 1001);
	const uint64_t began_us = now_us;
	bool asked = false;
	while (!asked && now_us < began_us + RESOLVE_AGAIN_FIRST_US + 4 * TICK_US) {
		struct share_down record;
		turn();
		while (relay_take(&relay, &record)) {
			asked |= relay_route(&record) == 1001;
			relay_event(&relay, SHARE_NO_ROUTE, 0, relay_route(&record));
		}
	}
	assert_true(asked);
}

/* Each of them is work for all mailboxes. */
static void takes_few_resyncs_in_a_turn(void **state)
{
	uint32_t turns = 0;

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_true(relay_event(&relay, SHARE_RESYNC, 0, 0));
	for (; ring_waiting(&relay.share.events) > 0; turns++) {
		assert_in_range(turns, 0, 20);
		assert_true(service_due_us(&service) == 0);
		turn();
	}
	assert_in_range(turns, 10, 20);
	store(3, 7, 1, SMALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, turns_setup, turns_teardown)
		TEST(restarted_store_asks_where_routes_lead),
		TEST(route_without_an_end_is_asked_for),
		TEST(route_that_led_somewhere_is_asked_for_soon),
		TEST(takes_few_resyncs_in_a_turn),
#undef TEST
	};
	return cmocka_run_group_tests_name("service_resolve", tests, NULL, NULL);
}
