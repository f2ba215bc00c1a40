/* Accepting, and what becomes of the store when it or the dataplane starts anew, turn by turn. */
#include "turns.h"

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
		TEST(repeated_frame_is_stored_once),
		TEST(over_quota_there_is_silence),
		TEST(restarted_dataplane_gets_all_again),
		TEST(hostile_records_end_the_link),
		TEST(room_that_comes_back_is_noticed),
#undef TEST
	};
	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
