/* The link to control itself: who may say what, when, and what is waited for. */
#include "dataplane/send.h"
#include "table_control.h"

static void introduces_itself(void **state)
{
	(void)state;
	hang_up();
	dial();
	struct table_hello hello;
	memcpy(&hello, hear(TABLE_HELLO), sizeof hello);
	assert_int_equal(hello.version, TABLE_VERSION);
	assert_int_equal(hello.owners, LINKS_WORKERS);
	assert_int_equal(hello.boot, dataplane.boot);
	assert_int_equal(hello.devices_max, LINKS_DEVICES);
	assert_int_equal(hello.suites, dataplane.suites);
	assert_true(silent());
	say(TABLE_HELLO, &hello, 1, sizeof hello);
	assert_int_equal(leased_count, 2 * (LINKS_DEVICES / 4 / LINKS_WORKERS));
}

static void refuses_what_comes_before_hello(void **state)
{
	(void)state;
	hang_up();
	dial();
	hear(TABLE_HELLO);
	say(TABLE_SYNC_BEGIN, NULL, 0, 0);
	assert_true(links_closed(control));
}

static void refuses_other_versions(void **state)
{
	(void)state;
	hang_up();
	dial();
	hear(TABLE_HELLO);
	const struct table_hello hello = { .version = TABLE_VERSION + 1 };
	say(TABLE_HELLO, &hello, 1, sizeof hello);
	assert_true(links_closed(control));
}

static void closes_on_what_is_no_message(void **state)
{
	(void)state;
	const struct table_head heads[] = { { .op = 99 }, { .op = TABLE_ACK, .count = 1 },
		{ .op = TABLE_DEVICE_SET, .count = 1 }, { .op = TABLE_SYNC_BEGIN, .count = 1 } };
	for (size_t i = 0; i < RTE_DIM(heads); i++) {
		assert_int_equal(send(control, &heads[i], sizeof heads[i], 0), sizeof heads[i]);
		table_link_receive(&table);
		assert_true(links_closed(control));
		hang_up();
		dial();
		greet();
	}
}

static void serves_one_control_at_a_time(void **state)
{
	(void)state;
	const int second = links_connect("table.sock");
	table_link_accept(&table);
	assert_true(links_closed(second));
	close(second);
	set_device(1); /* the first goes on */
	/* A dead one is replaced, also where its end has not been read yet. */
	close(control);
	dial();
	greet();
	set_device(1);
}

/* A control that does not read: nothing blocks, nothing is lost. */
static void waits_for_a_slow_control(void **state)
{
	(void)state;
	uint32_t asked = 0;
	while (table.queue.bytes == 0 && asked < 100000) {
		say(TABLE_STATS_GET, NULL, 0, 0);
		asked++;
	}
	assert_true(table.queue.bytes > 0);
	for (uint32_t i = 0; i < asked; i++) {
		for (int k = 0; k <= LINKS_WORKERS; k++) {
			hear(TABLE_STATS);
			table_link_turn(&table);
		}
		hear(TABLE_ACK);
		table_link_turn(&table);
	}
	assert_int_equal(table.queue.bytes, 0);
	assert_true(silent());
}

/* While the responses of a whole message would not find room in an inject ring, none is read. */
static void waits_for_a_slow_worker(void **state)
{
	const uint32_t most =
		(TABLE_MESSAGE_BYTES - sizeof(struct table_head)) / sizeof(struct table_install);
	const uint8_t response[WIRE_SMALL_BYTES] = { WIRE_RESPONSE };
	const struct endpoint to = { .family = 4 };
	const uint64_t dropped = dataplane.counters[COUNTER_drop_inject_full];
	struct rte_ring *inject = dataplane.workers[1]->inject;
	struct rte_mbuf *mbuf;

	(void)state;
	set_device(2);
	while (send_room(&dataplane, 1, most))
		assert_int_equal(send_raw(&dataplane, 1, &to, response, sizeof response), 0);
	const struct table_install install = install_of(leased[0], 2);
	say(TABLE_SESSION_INSTALL, &install, 1, sizeof install);
	assert_true(silent());
	while (rte_ring_sc_dequeue(inject, (void **)&mbuf) == 0)
		rte_pktmbuf_free(mbuf);
	table_link_receive(&table);
	table_link_turn(&table);
	assert_int_equal(acked().failed, 0);
	assert_int_equal(dataplane.counters[COUNTER_drop_inject_full], dropped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(introduces_itself),
		TEST(refuses_what_comes_before_hello),
		TEST(refuses_other_versions),
		TEST(closes_on_what_is_no_message),
		TEST(serves_one_control_at_a_time),
		TEST(waits_for_a_slow_control),
		TEST(waits_for_a_slow_worker),
	};
	return table_control_run(tests, RTE_DIM(tests));
}
