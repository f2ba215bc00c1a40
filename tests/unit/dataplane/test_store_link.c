/* The link to a chappe-store that comes, is killed and comes again, and what it is told. */
#include "store_peer.h"

/* ---- Connections ---- */

static void workers_hand_over_while_a_store_is_ready(void **state)
{
	(void)state;
	assert_true(connected());
	hang_up();
	assert_false(connected());
	dial();
	assert_false(connected());
	say_ready(LINK_VERSION);
	assert_true(connected());
}

static void refuses_another_version(void **state)
{
	(void)state;
	hang_up();
	dial();
	say_ready(LINK_VERSION + 1);
	assert_true(links_closed(peer));
	assert_false(connected());
}

static void refuses_what_is_no_message(void **state)
{
	const uint8_t bytes[100] = { 1 };
	(void)state;
	for (uint32_t len = 1; len < sizeof bytes; len += 3) {
		hang_up();
		dial();
		assert_int_equal(send(peer, bytes, len, 0), len);
		store_link_receive(&link_);
		if (len == sizeof(struct link_ready))
			continue;
		assert_true(links_closed(peer));
		assert_false(connected());
	}
}

static void ready_is_said_once(void **state)
{
	(void)state;
	say_ready(LINK_VERSION);
	assert_true(links_closed(peer));
	assert_false(connected());
}

static void refuses_a_second_store(void **state)
{
	(void)state;
	int second = links_connect("store.sock");
	store_link_accept(&link_);
	assert_true(links_closed(second));
	close(second);
	assert_true(connected());
	assert_false(links_closed(peer));
}

/* A store that was killed in the middle: the next one finds what it had not taken, in order. */
static void the_next_store_goes_on_where_the_last_one_stopped(void **state)
{
	struct share_up record;
	(void)state;
	struct ring *ring = &dataplane.workers[1]->store_up;
	for (uint32_t i = 0; i < 10; i++) {
		struct share_up *slot = ring_claim(ring);
		slot->kind = SHARE_STORED;
		slot->index = i;
		ring_publish(ring);
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_true(ring_take(&store.up[1], &record));
	const struct share_down left = down(SHARE_DELIVER, routes[1], 1, CELL_BYTES);
	come_online(1);
	ask(&left);
	hang_up();
	(void)store_link_turn(&link_);
	assert_injected(indices[1], left.frame, CELL_BYTES);
	dial();
	say_ready(LINK_VERSION);
	for (uint32_t i = 4; i < 10; i++) {
		assert_true(ring_take(&store.up[1], &record));
		assert_int_equal(record.index, i);
	}
	assert_false(ring_take(&store.up[1], &record));
	ask(&left);
	(void)store_link_turn(&link_);
	assert_injected(indices[1], left.frame, CELL_BYTES);
}

static uint32_t bell(void)
{
	uint64_t value;
	uint32_t n = 0;
	while (recv(descriptors[LINK_BELL], &value, sizeof value, MSG_DONTWAIT) == sizeof value)
		n++;
	return n;
}

static void rings_while_something_waits(void **state)
{
	struct share_up record;
	(void)state;
	(void)bell();
	assert_false(store_link_turn(&link_));
	assert_int_equal(bell(), 0);
	assert_non_null(ring_claim(&dataplane.workers[1]->store_up));
	ring_publish(&dataplane.workers[1]->store_up);
	assert_true(store_link_turn(&link_));
	assert_int_equal(bell(), 1);
	assert_true(ring_take(&store.up[1], &record));
	(void)store_link_turn(&link_);
	assert_int_equal(bell(), 0);
	come_online(1);
	(void)store_link_turn(&link_);
	assert_int_equal(bell(), 1);
}

/* A store that never reads, and makes its end of everything block. */
static void is_never_blocked_by_the_store(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < LINK_DESCRIPTORS; i++)
		(void)fcntl(descriptors[i], F_SETFL, 0);
	while (send(descriptors[LINK_BELL], &link_, 8, MSG_DONTWAIT) == 8)
		;
	assert_non_null(ring_claim(&dataplane.workers[0]->store_up));
	ring_publish(&dataplane.workers[0]->store_up);
	for (uint32_t i = 0; i < 100000; i++)
		(void)store_link_turn(&link_);
	for (uint32_t i = 0; i < 100000; i++)
		store_link_rung(&link_);
	assert_true(bell() > 0);
}

/* ---- Events ---- */

static void tells_who_is_online(void **state)
{
	(void)state;
	come_online(1);
	come_online(2);
	for (uint32_t slot = 1; slot <= 2; slot++) {
		assert_true(told());
		assert_int_equal(event.kind, SHARE_ONLINE);
		assert_int_equal(event.device, slot);
	}
	assert_false(told());
	go_offline(1);
	hang_up();
	come_online(3);
	dial();
	say_ready(LINK_VERSION);
	(void)store_link_turn(&link_);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_RESYNC);
	for (uint32_t slot = 2; slot <= 3; slot++) {
		assert_true(told());
		assert_int_equal(event.kind, SHARE_ONLINE);
		assert_int_equal(event.device, slot);
	}
	assert_false(told());
}

static void what_found_no_room_is_made_up_for(void **state)
{
	(void)state;
	come_online(1);
	for (uint32_t i = 0; i < SHARE_EVENT_SLOTS + 10; i++)
		store_link_online(&link_, 1);
	come_online(2);
	uint32_t n = 0;
	for (; told(); n++)
		assert_int_equal(event.device, 1);
	assert_int_equal(n, SHARE_EVENT_SLOTS);
	(void)store_link_turn(&link_);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_RESYNC);
	for (uint32_t slot = 1; slot <= 2; slot++) {
		assert_true(told());
		assert_int_equal(event.kind, SHARE_ONLINE);
		assert_int_equal(event.device, slot);
	}
	assert_false(told());
}

static void control_in_step_means_ask_anew(void **state)
{
	(void)state;
	store_link_resync(&link_);
	(void)store_link_turn(&link_);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_RESYNC);
	assert_false(told());
}

static void answers_where_a_route_leads(void **state)
{
	uint8_t nowhere[WIRE_ROUTE_BYTES] = { 9 };
	(void)state;
	struct share_down record = down(SHARE_RESOLVE, routes[3], 0, WIRE_INNER_HEADER_BYTES);
	ask(&record);
	record = down(SHARE_RESOLVE, nowhere, 0, WIRE_INNER_HEADER_BYTES);
	ask(&record);
	(void)store_link_turn(&link_);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_RESOLVED);
	assert_int_equal(event.device, 3);
	assert_memory_equal(event.route, routes[3], WIRE_ROUTE_BYTES);
	assert_true(told());
	assert_int_equal(event.kind, SHARE_NO_ROUTE);
	assert_memory_equal(event.route, nowhere, WIRE_ROUTE_BYTES);
	assert_false(told());
}

/* An answer waits for room, with what is behind it; nothing is lost. */
static void answers_wait_for_room(void **state)
{
	enum { ROUNDS = 4, QUESTIONS = SHARE_EVENT_SLOTS / 2 };
	const struct share_down record = down(SHARE_RESOLVE, routes[3], 0, WIRE_INNER_HEADER_BYTES);
	uint32_t answers = 0, asked = 0;
	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < QUESTIONS && ring_waiting(&store.down) < SHARE_DOWN_SLOTS;
			i++, asked++)
			ask(&record);
		for (uint32_t i = 0; i < 10; i++)
			(void)store_link_turn(&link_);
	}
	assert_true(asked > SHARE_EVENT_SLOTS);
	for (bool more = true; more;) {
		for (more = false; told(); more = true, answers++)
			assert_int_equal(event.kind, SHARE_RESOLVED);
		(void)store_link_turn(&link_);
	}
	assert_int_equal(answers, asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, tear_down)
		TEST(workers_hand_over_while_a_store_is_ready),
		TEST(refuses_another_version),
		TEST(refuses_what_is_no_message),
		TEST(ready_is_said_once),
		TEST(refuses_a_second_store),
		TEST(the_next_store_goes_on_where_the_last_one_stopped),
		TEST(rings_while_something_waits),
		TEST(is_never_blocked_by_the_store),
		TEST(tells_who_is_online),
		TEST(what_found_no_room_is_made_up_for),
		TEST(control_in_step_means_ask_anew),
		TEST(answers_where_a_route_leads),
		TEST(answers_wait_for_room),
	};
	if (!peer_start())
		return 1;
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	links_free();
	return failed;
}
