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

/* Turns until the disk has what was taken. */
static void settle(void)
{
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

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(frame_is_accepted_and_waits),
		TEST(what_waited_is_delivered_until_received),
		TEST(one_that_is_online_gets_it_after_the_commit),
#undef TEST
	};
	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
