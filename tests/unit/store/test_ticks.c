/* When `accepted` leaves, turn by turn. */
#include "turns.h"

#include <poll.h>
#include <unistd.h>

/* `accepted` leaves in the same turns, whether the recipients are online, offline or unknown, and
 * before what is delivered in that turn. */
static void accepted_tells_nothing_of_recipients(void **state)
{
	(void)state;
	store_many(5, 1005, 1, 200); /* much to deliver, when it is allowed to */
	relay_event(&relay, SHARE_ONLINE, 3, 0);
	relay_event(&relay, SHARE_ONLINE, 5, 0);
	turn();
	(void)drain(SHARE_DELIVER);
	for (uint64_t id = 1000; id < 1010; id++) {
		uint32_t accepted = 0, delivered = 0;
		struct share_down record;
		for (uint32_t device = 3; device < 6; device++) /* 4 is offline */
			assert_true(relay_stored(&relay, device % WORKERS, device, device,
				2000 + device, id, SMALL));
		for (int turns = 0; accepted == 0; turns++) {
			turn();
			usleep(2000);
			while (relay_take(&relay, &record)) {
				if (record.kind == SHARE_SEND) {
					assert_int_equal(delivered, 0);
					accepted++;
				} else {
					delivered += accepted > 0; /* of this turn */
				}
			}
			assert_true(accepted == 0 || accepted == 3);
			assert_true(turns < 10000);
		}
	}
}

/* More than a batch comes while one is being written: it waits in the rings, and none is refused.
 */
static void bursts_wait_for_the_commit(void **state)
{
	uint64_t sent = 0;

	(void)state;
	for (int burst = 0; burst < 60 && sent <= ACCEPT_WAITING_MAX; burst++) {
		for (uint32_t worker = 0; worker < WORKERS; worker++)
			while (relay_stored(&relay, worker, 3, 9, sent % 10, sent, LARGE))
				sent++;
		turn();
	}
	for (int i = 0; i < 100000 && service.accept.counts.accepted < sent; i++) {
		turn();
		(void)drain(SHARE_SEND);
		usleep(100);
	}
	assert_int_equal(service.accept.counts.accepted, sent);
	assert_int_equal(service.accept.counts.refused[DEPOT_FAILED], 0);
	assert_true(sent > ACCEPT_WAITING_MAX);
}

/* Between ticks frames are taken and written; `accepted` leaves at the second tick after they came,
 * whenever the disk had them. */
static void steps_take_and_commit_but_do_not_accept(void **state)
{
	uint64_t sent = 0;

	(void)state;
	assert_true(relay_stored(&relay, 0, 3, 9, 1000, sent++, SMALL));
	service_step(&service, now_us + 1);
	assert_int_equal(accept_gathered(&service.accept), 1);
	assert_false(depot_is_committing(service.depot)); /* not for so few */
	for (; sent <= SERVICE_GATHER; sent++)
		assert_true(
			relay_stored(&relay, (uint32_t)(sent % WORKERS), 3, 9, 1000, sent, SMALL));
	for (int i = 0; i < 100000 && service.accept.committed < sent; i++) {
		service_step(&service, now_us + 2);
		usleep(100);
	}
	assert_int_equal(service.accept.committed, sent);
	service_step(&service, now_us + 2 * SHORT_TICK_US);
	service_step(&service, now_us + 3 * SHORT_TICK_US);
	assert_nothing_down();
	assert_false(service.busy);
	turn();
	assert_nothing_down();
	assert_true(service.busy);
	turn();
	assert_int_equal(drain(SHARE_SEND), sent);
	turn();
	assert_false(service.busy);
}

/* So that the loop need not look for it. */
static void end_of_a_commit_wakes_the_loop(void **state)
{
	struct pollfd ended = { .fd = service.commit_ended, .events = POLLIN };
	uint64_t count;

	(void)state;
	(void)!read(service.commit_ended, &count, sizeof count); /* of the start */
	assert_int_equal(poll(&ended, 1, 0), 0);
	for (uint64_t id = 0; id < 3; id++) {
		assert_true(relay_stored(&relay, 0, 3, 9, 1000, id, SMALL));
		turn();
		assert_int_equal(poll(&ended, 1, 60000), 1);
		assert_true(read(service.commit_ended, &count, sizeof count) == sizeof count);
		assert_true(count == 1);
		turn(); /* takes the end */
		assert_false(depot_is_committing(service.depot));
	}
}

/* So many come in each tick that one device's messages are lost among them. */
static void make_crowd(void)
{
	for (uint64_t tick = 0; tick < UINT64_C(2) * CROWD_TICKS; tick++) {
		for (uint64_t i = 0; i < 2 * SERVICE_CROWD; i++)
			assert_true(relay_stored(&relay, (uint32_t)(i % WORKERS), 10 + i % 8, 9,
				2000 + i % 16, tick << 16 | i, SMALL));
		turn();
		assert_int_equal(service_commit(&service), 0);
		(void)drain(SHARE_SEND);
	}
	turn();
	(void)drain(SHARE_SEND);
	assert_false(accept_has_work(&service.accept));
	assert_true(service.crowded);
}

/* Then `accepted` leaves at the second short tick after a frame came, or once the disk has it. */
static void in_a_crowd_ticks_are_short(void **state)
{
	(void)state;
	relay_event(&relay, SHARE_ONLINE, 4, 0);
	make_crowd();
	assert_true(relay_stored(&relay, 0, 3, 7, 1001, 1, SMALL));
	turn();
	assert_int_equal(accept_gathered(&service.accept), 0);
	assert_int_equal(service_commit(&service), 0);
	service_step(&service, now_us + SHORT_TICK_US - 1);
	assert_nothing_down(); /* durable, and the tick is not over */
	service_step(&service, now_us + SHORT_TICK_US);
	assert_accepts(7, 1001, 1);
	for (uint32_t device = 3; device < 6; device++) /* 4 is online */
		assert_true(relay_stored(&relay, 0, device, 7, 998 + device, 2, SMALL));
	service_step(&service, now_us + 2 * SHORT_TICK_US);
	assert_int_equal(service_commit(&service), 0);
	service_step(&service, now_us + 3 * SHORT_TICK_US - 1);
	assert_nothing_down();
	service_step(&service, now_us + 3 * SHORT_TICK_US);
	for (uint64_t route = 1001; route < 1004; route++)
		assert_accepts(7, route, 2);
	assert_nothing_down();
	turn();
	assert_delivers(1002, 2, SMALL);
	now_us += UINT64_C(2) * CROWD_TICKS * TICK_US;
	turn();
	assert_false(service.crowded);
}

/* A large message makes none, nor does what a recipient that is online says. */
static void crowd_takes_a_while_and_many_senders(void **state)
{
	uint64_t received = 0;

	(void)state;
	for (uint64_t i = 0; i < 901; i++)
		assert_true(relay_stored(&relay, (uint32_t)(i % WORKERS), 3, 9, 1000, i, SMALL));
	turn();
	assert_true(service.busy);
	assert_false(service.crowded);
	settle();
	(void)drain(SHARE_SEND);
	for (uint32_t tick = 0; tick < 4 * CROWD_TICKS; tick++) {
		for (uint32_t i = 0; i < 2 * SERVICE_CROWD; i++)
			relay_received(&relay, i % WORKERS, 3, 1000, received++ % 901);
		turn();
		assert_true(service.busy);
		assert_false(service.crowded);
	}
}

/* An `accepted` that came without the disk's time would tell that the frame waits still, and so
 * that its recipient has not been there. */
static void repetition_takes_the_time_of_a_commit(void **state)
{
	(void)state;
	store(3, 1000, 1, SMALL);
	assert_false(depot_has_changes(service.depot));
	const uint32_t commits = service.committed;
	store(3, 1000, 1, SMALL);
	assert_int_equal(service.committed, commits + 1);
	relay_event(&relay, SHARE_ONLINE, 3, 0);
	turn();
	assert_delivers(1000, 1, SMALL);
	relay_received(&relay, 0, 3, 1000, 1);
	settle();
	const uint32_t received = service.committed;
	store(3, 1000, 1, SMALL); /* known, as one of late */
	assert_int_equal(service.committed, received + 1);
	service_close(&service);
	open_service(); /* reads what that left */
	assert_int_equal(service.report.unreadable + service.report.damaged, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, turns_setup, turns_teardown)
		TEST(accepted_tells_nothing_of_recipients),
		TEST(bursts_wait_for_the_commit),
		TEST(steps_take_and_commit_but_do_not_accept),
		TEST(end_of_a_commit_wakes_the_loop),
		TEST(in_a_crowd_ticks_are_short),
		TEST(crowd_takes_a_while_and_many_senders),
		TEST(repetition_takes_the_time_of_a_commit),
#undef TEST
	};
	return cmocka_run_group_tests_name("ticks", tests, NULL, NULL);
}
