/* Accepting and delivering, turn by turn, with the dataplane's side in this process and a clock of
 * the test's own. */
#include "files.h"
#include "relay.h"

#include "store/clock.h"
#include "store/service.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

enum { SMALL = 480, LARGE = 1200, WORKERS = 2 };

static struct service service;
static struct relay relay;
static uint64_t now_us;

static void open_service(void)
{
	static char directory[96];
	char error[SERVICE_ERROR_BYTES] = "";

	snprintf(directory, sizeof directory, "%s/store", files_directory);
	if (service_open(&service, directory, files_directory, error) != 0)
		fail_msg("%s", error);
}

static void turn(void)
{
	now_us += TICK_US;
	service_turn(&service, now_us);
	(void)service_deliver(&service, UINT64_MAX);
}

/* Turns until the disk has what was taken, and one more for what it had before. */
static void settle(void)
{
	turn();
	do {
		turn();
		usleep(100);
	} while (depot_is_committing(service.depot));
}

static void connect_both(void)
{
	for (int i = 0; i < 200 && !relay_accept(&relay, WORKERS); i++)
		turn();
	turn();
	assert_true(relay_is_ready(&relay));
	relay_event(&relay, SHARE_RESYNC, 0, 0);
	turn();
}

static int setup(void **state)
{
	if (sodium_init() < 0 || files_make(state) != 0)
		return -1;
	now_us = clock_us() / TICK_US * TICK_US;
	relay_listen(&relay, files_directory);
	open_service();
	connect_both();
	return 0;
}

static int teardown(void **state)
{
	service_close(&service);
	relay_close(&relay);
	return files_remove(state);
}

/* Takes the next record, which must be there and of a kind. */
static struct share_down next_down(uint16_t kind)
{
	struct share_down record;

	assert_true(relay_take(&relay, &record));
	assert_int_equal(record.kind, kind);
	return record;
}

static void assert_nothing_down(void)
{
	struct share_down record;

	assert_false(relay_take(&relay, &record));
}

static void assert_delivers(uint64_t route, uint64_t frame_id, uint32_t len)
{
	const struct share_down record = next_down(SHARE_DELIVER);
	uint8_t cell[LARGE];

	relay_cell(cell, len, WIRE_STORED, route, frame_id);
	assert_int_equal(record.len, len);
	assert_memory_equal(record.frame, cell, len);
}

static void assert_accepts(uint32_t index, uint64_t route, uint64_t frame_id)
{
	const struct share_down record = next_down(SHARE_SEND);

	assert_int_equal(record.index, index);
	assert_int_equal(record.len, SMALL);
	assert_true(relay_route(&record) == route);
	assert_true(relay_frame_id(&record) == frame_id);
	assert_true(sodium_is_zero(record.frame + WIRE_INNER_HEADER_BYTES,
		sizeof record.frame - WIRE_INNER_HEADER_BYTES));
}

/* Sends one frame and sees it accepted. */
static void store(uint32_t device, uint64_t route, uint64_t frame_id, uint32_t len)
{
	assert_true(relay_stored(&relay, 0, device, 9, route, frame_id, len));
	settle();
	assert_accepts(9, route, frame_id);
}

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

/* What frames may go down in one turn, at most. */
static uint32_t drain(uint16_t kind)
{
	struct share_down record;
	uint32_t count = 0;

	while (relay_take(&relay, &record))
		count += record.kind == kind;
	return count;
}

/* Many frames for one route, accepted. */
static void store_many(uint32_t device, uint64_t route, uint64_t first, uint64_t count)
{
	for (uint64_t id = first; id < first + count;) {
		while (id < first + count &&
			relay_stored(&relay, 0, device, 9, route, id, id % 2 ? LARGE : SMALL))
			id++;
		settle();
		(void)drain(SHARE_SEND);
	}
	settle();
	(void)drain(SHARE_SEND);
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
	for (int burst = 0; burst < 6; burst++) {
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
	assert_true(sent > DEPOT_BATCH_MAX);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(frame_is_accepted_and_waits),
		TEST(what_waited_is_delivered_until_received),
		TEST(one_that_is_online_gets_it_after_the_commit),
		TEST(accepted_tells_nothing_of_recipients),
		TEST(repeated_frame_is_stored_once),
		TEST(over_quota_there_is_silence),
		TEST(bursts_wait_for_the_commit),
		TEST(delivery_is_paced),
		TEST(silent_device_costs_little),
		TEST(routes_of_a_device_do_not_wait_for_each_other),
		TEST(many_devices_drain_together),
		TEST(restarted_store_asks_where_routes_lead),
		TEST(route_without_an_end_is_asked_for),
		TEST(restarted_dataplane_gets_all_again),
		TEST(hostile_records_end_the_link),
#undef TEST
	};
	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
