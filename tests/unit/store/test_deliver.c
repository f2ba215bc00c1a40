/* Delivery: its pace, its window, what it does with devices that do not answer, turn by turn. */
#include "turns.h"

#include <string.h>

/* The rates of a device that acknowledges at once, of one that does not, and the window. */
static void delivery_is_paced(void **state)
{
	(void)state;
	store_many(3, 1000, 1, 3000);
	relay_event(&relay, SHARE_ONLINE, 3, 0);
	turn();
	uint32_t out = drain(SHARE_DELIVER);
	assert_int_equal(out, DELIVER_PACE);
	/* Nothing comes back: the same pace until the window is full, within the first retry. */
	for (int i = 0; i < 20; i++) {
		turn();
		const uint32_t more = drain(SHARE_DELIVER);
		assert_int_equal(more, DELIVER_PACE);
		out += more;
	}
	/* All of it comes back at once: as much and an eighth goes out, and so it grows. */
	uint64_t next = 1;
	uint32_t last = 0;
	for (int i = 0; i < 200 && next <= 3000; i++) {
		struct share_down record;
		for (; out > 0; out--, next++)
			assert_true(relay_received(&relay, 0, 3, 1000, next));
		turn();
		while (relay_take(&relay, &record)) {
			assert_true(relay_frame_id(&record) == next + out);
			out++;
		}
		assert_true(out <= DELIVER_TICK_MAX);
		last = out > last ? out : last;
	}
	assert_int_equal(next, 3001);
	assert_true(last > 200);
	settle();
	assert_int_equal(mailboxes_count(depot_mailboxes(service.depot)), 0);
}

/* A device whose session lives and that is gone: tried ever more rarely, and with few frames. */
static void silent_device_costs_little(void **state)
{
	uint32_t in_first = 0, in_last = 0;

	(void)state;
	store_many(3, 1000, 1, 2000);
	relay_event(&relay, SHARE_ONLINE, 3, 0);
	for (int second = 0; second < 600; second++)
		for (int i = 0; i < 200; i++) {
			turn();
			const uint32_t sent = drain(SHARE_DELIVER);
			in_first += second < 10 ? sent : 0;
			in_last += second >= 300 ? sent : 0;
		}
	assert_true(in_first > 1000);
	assert_true(in_last > 0);
	assert_in_range(
		in_last, 1, 4 * 2000 + 300);     /* whole rounds every fourth time, 32 s apart */
	relay_event(&relay, SHARE_ONLINE, 3, 0); /* a new session: tried at once */
	turn();
	assert_int_equal(drain(SHARE_DELIVER), DELIVER_PACE);
}

/* A route of which nothing is acknowledged does not hold up another of the same device, and is
 * tried again all the same. */
static void routes_of_a_device_do_not_wait_for_each_other(void **state)
{
	uint32_t stuck = 0, moved = 0;

	(void)state;
	store_many(3, 1000, 1, 5);
	store_many(3, 1001, 1, 100);
	relay_event(&relay, SHARE_ONLINE, 3, 0);
	for (int i = 0; i < 400; i++) {
		struct share_down record;
		turn();
		while (relay_take(&relay, &record)) {
			if (relay_route(&record) == 1000) {
				stuck++;
				continue;
			}
			moved++;
			relay_received(&relay, 0, 3, 1001, relay_frame_id(&record));
		}
	}
	assert_int_equal(moved, 100);
	assert_in_range(stuck, 10, 40);
}

/* A device that was silent acknowledges under one route: what is out under another is sent again
 * soon, not when its own time has come. */
static void device_that_is_back_gets_all_at_once(void **state)
{
	uint32_t other = 0;

	(void)state;
	store_many(3, 1000, 1, 1);
	store_many(3, 1001, 1, 1);
	relay_event(&relay, SHARE_ONLINE, 3, 0);
	for (int i = 0; i < 60 * 200; i++) { /* a minute: both are tried every 32 s by now */
		turn();
		(void)drain(SHARE_DELIVER);
	}
	relay_received(&relay, 0, 3, 1000, 1);
	for (int i = 0; i < 20 && other == 0; i++) {
		turn();
		other += drain(SHARE_DELIVER);
	}
	assert_int_equal(other, 1);
}

static void many_devices_drain_together(void **state)
{
	enum { EACH = 50 };
	static uint64_t seen[RELAY_DEVICES];
	uint32_t all = 0;

	(void)state;
	memset(seen, 0, sizeof seen);
	for (uint32_t device = 0; device < RELAY_DEVICES; device++)
		store_many(device, 1000 + device, 1, EACH);
	for (uint32_t device = 0; device < RELAY_DEVICES; device++)
		relay_event(&relay, SHARE_ONLINE, device, 0);
	for (int i = 0; i < 1000 && all < RELAY_DEVICES * EACH; i++) {
		struct share_down record;
		turn();
		assert_true(ring_waiting(&service.attach.share.down) <= DELIVER_RING_MAX);
		while (relay_take(&relay, &record)) {
			const uint32_t device = (uint32_t)(relay_route(&record) - 1000);
			assert_true(relay_frame_id(&record) == ++seen[device]);
			relay_received(&relay, device % WORKERS, device, 1000 + device,
				relay_frame_id(&record));
			all++;
		}
	}
	assert_int_equal(all, RELAY_DEVICES * EACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, turns_setup, turns_teardown)
		TEST(delivery_is_paced),
		TEST(silent_device_costs_little),
		TEST(routes_of_a_device_do_not_wait_for_each_other),
		TEST(device_that_is_back_gets_all_at_once),
		TEST(many_devices_drain_together),
#undef TEST
	};
	return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}
