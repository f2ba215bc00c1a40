/* Accepting, and what becomes of the store when it or the dataplane starts anew, turn by turn. */
#include "turns.h"

#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

static void frame_is_accepted_and_waits(void **state)
{
	(void)state;
	assert_true(relay_stored(&relay, 1, 3, 77, 1000, 5, LARGE));
	turn();
	assert_nothing_down(); /* never in the turn in which it came */
	settle();
	assert_accepts(77, 1000, 5);
	turn();
	assert_nothing_down();
	assert_int_equal(service.accept.counts.accepted, 1);
	assert_int_equal(mailboxes_count(depot_mailboxes(service.depot)), 1);
}

static void what_waited_is_delivered_until_received(void **state)
{
	(void)state;
	store(3, 1000, 1, SMALL);
	store(3, 1000, 2, LARGE);
	store(4, 1001, 3, SMALL);
	relay_event(&relay, SHARE_ONLINE, 3, 0);
	turn();
	assert_delivers(1000, 1, SMALL);
	assert_delivers(1000, 2, LARGE);
	assert_nothing_down();
	relay_received(&relay, 0, 3, 1000, 1);
	turn();
	assert_nothing_down();
	now_us += UINT64_C(2000) * DELIVER_RETRY_FIRST_MS;
	turn();
	turn();
	assert_delivers(1000, 2, LARGE); /* again: it was not received */
	assert_nothing_down();
	relay_received(&relay, 0, 3, 1000, 2);
	settle();
	now_us += 100000000;
	turn();
	turn();
	assert_nothing_down();
	assert_int_equal(mailboxes_count(depot_mailboxes(service.depot)), 1);
	assert_int_equal(service.accept.counts.received, 2);
}

static void one_that_is_online_gets_it_after_the_commit(void **state)
{
	(void)state;
	relay_event(&relay, SHARE_ONLINE, 3, 0);
	turn();
	assert_true(relay_stored(&relay, 0, 3, 9, 1000, 1, SMALL));
	settle();
	assert_accepts(9, 1000, 1);
	assert_delivers(1000, 1, SMALL);
	relay_event(&relay, SHARE_OFFLINE, 3, 0);
	turn();
	assert_true(relay_stored(&relay, 0, 3, 9, 1000, 2, SMALL));
	settle();
	assert_accepts(9, 1000, 2);
	now_us += 100000000;
	turn();
	turn();
	assert_nothing_down();
}

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

static void repeated_frame_is_stored_once(void **state)
{
	(void)state;
	store(3, 1000, 1, SMALL);
	for (int i = 0; i < 3; i++)
		store(3, 1000, 1, SMALL);
	assert_true(relay_stored(&relay, 0, 3, 8, 1000, 2, SMALL));
	assert_true(relay_stored(&relay, 0, 3, 9, 1000, 2, SMALL)); /* in one batch */
	settle();
	assert_accepts(8, 1000, 2);
	assert_accepts(9, 1000, 2);
	assert_int_equal(service.accept.counts.accepted, 2);
	assert_int_equal(service.accept.counts.repeated, 4);
	relay_event(&relay, SHARE_ONLINE, 3, 0);
	turn();
	assert_delivers(1000, 1, SMALL);
	assert_delivers(1000, 2, SMALL);
	assert_nothing_down();
	relay_received(&relay, 0, 3, 1000, 1);
	relay_received(&relay, 0, 3, 1000, 2);
	settle();
	store(3, 1000, 1, SMALL); /* also after it was received */
	turn();
	assert_nothing_down();
	assert_int_equal(mailboxes_count(depot_mailboxes(service.depot)), 0);
}

static void over_quota_there_is_silence(void **state)
{
	struct depot_limits limits = service.limits;

	(void)state;
	limits.route_frames = 2;
	depot_set_limits(service.depot, &limits);
	store(3, 1000, 1, SMALL);
	store(3, 1000, 2, SMALL);
	assert_true(relay_stored(&relay, 0, 3, 9, 1000, 3, SMALL));
	settle();
	turn();
	assert_nothing_down();
	assert_int_equal(service.accept.counts.refused[DEPOT_OVER_ROUTE], 1);
	store(3, 1000, 1, SMALL); /* what is known is acknowledged */
	store(3, 1001, 1, SMALL);
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

static void restarted_dataplane_gets_all_again(void **state)
{
	(void)state;
	store(3, 1000, 1, SMALL);
	relay_event(&relay, SHARE_ONLINE, 3, 0);
	turn();
	assert_delivers(1000, 1, SMALL);
	assert_true(relay_stored(&relay, 0, 3, 9, 1000, 2, SMALL));
	turn();
	relay_hang_up(&relay); /* with a frame taken and not acknowledged */
	turn();
	assert_int_equal(service.attach.state, ATTACH_AWAY);
	now_us += 1000000;
	connect_both();
	settle();
	const struct share_down record = next_down(SHARE_RESOLVE);
	assert_nothing_down(); /* no `accepted` for a session of before */
	relay_event(&relay, SHARE_RESOLVED, 9, relay_route(&record));
	relay_event(&relay, SHARE_ONLINE, 9, 0);
	turn();
	turn();
	assert_delivers(1000, 1, SMALL);
	assert_delivers(1000, 2, SMALL);
}

/* Whatever the dataplane writes to the rings, the store lets go of it, and comes back. */
static void hostile_records_end_the_link(void **state)
{
	(void)state;
	for (int kind = 0; kind < 6; kind++) {
		struct share_up *up = ring_claim(&relay.share.up[0]);
		struct share_event *event = ring_claim(&relay.share.events);
		memset(up, 0, sizeof *up);
		relay_cell(up->frame, SMALL, WIRE_STORED, 1, 1);
		up->kind = SHARE_STORED;
		up->len = kind == 0 ? SHARE_FRAME_MAX_BYTES + 1 : SMALL;
		up->device = kind == 1 ? RELAY_DEVICES : 0;
		((struct wire_inner *)up->frame)->kind = kind == 2 ? WIRE_LIVE : WIRE_STORED;
		event->kind = kind == 3 ? 77 : SHARE_ONLINE;
		event->device = kind == 4 ? RELAY_DEVICES : 0;
		if (kind < 3)
			ring_publish(&relay.share.up[0]);
		else if (kind < 5)
			ring_publish(&relay.share.events);
		else
			relay.share.up[1].shared->produced += 1 << 20;
		turn();
		assert_int_equal(service.attach.state, ATTACH_AWAY);
		relay_hang_up(&relay);
		now_us += 1000000;
		connect_both();
		assert_int_equal(service.attach.state, ATTACH_PRESENT);
	}
	relay.share.down.shared->consumed += 1 << 20;
	relay_stored(&relay, 0, 3, 9, 1000, 1, SMALL);
	settle();
	turn();
	turn();
	assert_int_not_equal(service.attach.state, ATTACH_PRESENT);
	relay_hang_up(&relay);
	now_us += 1000000;
	connect_both();
	assert_int_equal(mailboxes_count(depot_mailboxes(service.depot)), 1);
}

/* On a disk of its own, below what has to stay free: nothing is taken. Once there is room it is,
 * though nothing has been committed meanwhile. */
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

static void room_that_comes_back_is_noticed(void **state)
{
	(void)state;
	service_close(&service);
	relay_close(&relay);
	const bool mounted = files_mount("200m");
	relay_listen(&relay, files_directory);
	open_service();
	connect_both();
	if (!mounted)
		skip();
	assert_true(relay_stored(&relay, 0, 3, 9, 1000, 1, SMALL));
	settle();
	assert_nothing_down();
	assert_int_equal(service.accept.counts.refused[DEPOT_OVER_TOTAL], 1);
	files_limit("1g", false);
	now_us += 1000000;
	turn();
	store(3, 1000, 1, SMALL);
	files_limit("200m", false);
	now_us += 1000000;
	turn();
	assert_true(relay_stored(&relay, 0, 3, 9, 1000, 2, SMALL));
	settle();
	assert_nothing_down();
	service.limits.disk_free_bytes = 1 << 20;
	depot_set_limits(service.depot, &service.limits);
	store(3, 1000, 2, SMALL);
	service_close(&service);
	relay_close(&relay);
	files_unmount();
	relay_listen(&relay, files_directory);
	open_service(); /* for the teardown */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, turns_setup, turns_teardown)
		TEST(frame_is_accepted_and_waits),
		TEST(what_waited_is_delivered_until_received),
		TEST(one_that_is_online_gets_it_after_the_commit),
		TEST(accepted_tells_nothing_of_recipients),
		TEST(repeated_frame_is_stored_once),
		TEST(over_quota_there_is_silence),
		TEST(bursts_wait_for_the_commit),
		TEST(steps_take_and_commit_but_do_not_accept),
		TEST(end_of_a_commit_wakes_the_loop),
		TEST(in_a_crowd_ticks_are_short),
		TEST(crowd_takes_a_while_and_many_senders),
		TEST(restarted_dataplane_gets_all_again),
		TEST(hostile_records_end_the_link),
		TEST(repetition_takes_the_time_of_a_commit),
		TEST(room_that_comes_back_is_noticed),
#undef TEST
	};
	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
