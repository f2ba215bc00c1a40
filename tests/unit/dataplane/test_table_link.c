#include "dataplane/send.h"
#include "table_control.h"

/* What a worker does when it has opened the first keepalive. */
static void confirm(uint32_t index)
{
	assert_int_equal(rte_ring_enqueue_elem(dataplane.workers[wire_index_owner(index)]->events,
				 &index, sizeof index),
		0);
	table_link_turn(&table);
}

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

static void answers_failures_with_the_first(void **state)
{
	(void)state;
	const struct table_device devices[] = { { .slot = 1 }, { .slot = LINKS_DEVICES },
		{ .slot = 2 }, { .slot = UINT32_MAX } };
	say(TABLE_DEVICE_SET, devices, 4, sizeof *devices);
	const struct table_ack ack = acked();
	assert_int_equal(ack.op, TABLE_DEVICE_SET);
	assert_int_equal(ack.failed, 2);
	assert_int_equal(ack.first, 1);
	assert_true(ack.error < 0);
}

static void installs_confirms_and_ends(void **state)
{
	(void)state;
	set_device(3);
	const uint32_t index = leased[leased_count - 1];
	const struct table_install install = install_of(index, 3);
	say(TABLE_SESSION_INSTALL, &install, 1, sizeof install);
	assert_int_equal(acked().failed, 0);
	/* The response leaves by the owner's inject ring. */
	struct rte_mbuf *mbuf = NULL;
	assert_int_equal(rte_ring_dequeue(dataplane.workers[1]->inject, (void **)&mbuf), 0);
	assert_int_equal(frame_of(mbuf)->work, FRAME_SEND_RAW);
	assert_int_equal(rte_pktmbuf_data_len(mbuf), WIRE_SMALL_BYTES);
	assert_memory_equal(frame_bytes(mbuf), install.response, WIRE_SMALL_BYTES);
	assert_memory_equal(&frame_of(mbuf)->endpoint, &install.endpoint, sizeof install.endpoint);
	rte_pktmbuf_free(mbuf);

	confirm(index);
	const struct table_confirmed *confirmed = hear(TABLE_SESSION_CONFIRMED);
	assert_int_equal(confirmed->index, index);
	assert_int_equal(confirmed->device, 3);

	say(TABLE_SESSION_REMOVE, &index, 1, sizeof index);
	struct table_ack ack = { 0 };
	struct table_ended ended = { 0 };
	for (int i = 0; i < 2; i++) {
		const void *records = message.bytes + sizeof message.head;
		assert_true(recv(control, message.bytes, sizeof message.bytes, 0) > 0);
		if (message.head.op == TABLE_ACK)
			memcpy(&ack, records, sizeof ack);
		else
			memcpy(&ended, records, sizeof ended);
	}
	assert_int_equal(ack.op, TABLE_SESSION_REMOVE);
	assert_int_equal(ack.failed, 0);
	assert_int_equal(ended.index, index);
	assert_int_equal(ended.device, 3);
	assert_int_equal(ended.reason, TABLE_END_REMOVED);
}

static void installs_on_what_is_leased_once(void **state)
{
	(void)state;
	set_device(3);
	struct table_install install = install_of(leased[0], 3);
	installed(leased[0], 3);
	say(TABLE_SESSION_INSTALL, &install, 1, sizeof install);
	assert_int_equal(acked().error, -EINVAL);
	install.index = leased[1] ^ 1U << WIRE_INDEX_SLOT_BITS; /* another generation */
	say(TABLE_SESSION_INSTALL, &install, 1, sizeof install);
	assert_int_equal(acked().error, -EINVAL);
	install.index = leased[1];
	install.endpoint.port = 1;
	say(TABLE_SESSION_INSTALL, &install, 1, sizeof install);
	assert_int_equal(acked().error, -EINVAL);
}

static void wipes_what_held_keys(void **state)
{
	(void)state;
	set_device(3);
	installed(leased[0], 3);
	assert_true(
		sodium_is_zero(table.in, sizeof(struct table_head) + sizeof(struct table_install)));
}

static void leases_more_until_none_is_left(void **state)
{
	(void)state;
	struct table_lease_get get = { .owner = 1, .count = 1000 };
	say(TABLE_LEASE_GET, &get, 1, sizeof get);
	hear(TABLE_LEASE);
	const uint32_t slots = LINKS_DEVICES + LINKS_DEVICES / 8;
	assert_int_equal(message.head.count, slots - leased_count);
	assert_int_equal(acked().failed, 0);
	say(TABLE_LEASE_GET, &get, 1, sizeof get);
	assert_int_equal(acked().error, -ENOSPC);
	get.owner = LINKS_WORKERS;
	say(TABLE_LEASE_GET, &get, 1, sizeof get);
	assert_int_equal(acked().error, -EINVAL);
	/* What was not used is there again for the next control. */
	hang_up();
	dial();
	greet();
	get.owner = 0;
	say(TABLE_LEASE_GET, &get, 1, sizeof get);
	hear(TABLE_LEASE);
	assert_int_equal(message.head.count, slots - leased_count);
	assert_int_equal(acked().failed, 0);
}

static uint32_t dumped(uint64_t seq)
{
	uint32_t n = 0;
	do {
		hear(TABLE_SESSION_DUMP);
		if (seq)
			assert_int_equal(message.head.seq, seq);
		n += message.head.count;
	} while (!(message.head.flags & TABLE_LAST));
	return n;
}

static void lists_sessions(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		set_device(i);
		installed(leased[i], i);
		confirm(leased[i]);
		hear(TABLE_SESSION_CONFIRMED);
	}
	say(TABLE_SESSION_LIST, NULL, 0, 0);
	assert_int_equal(acked().failed, 0);
	assert_int_equal(dumped(control_seq), 5);
	say(TABLE_SESSION_LIST, NULL, 0, 0);
	assert_int_equal(acked().failed, 0);
	assert_int_equal(dumped(control_seq), 5);
}

static void removes_what_a_sync_does_not_name(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		set_device(i);
		installed(leased[i], i);
		confirm(leased[i]);
		hear(TABLE_SESSION_CONFIRMED);
	}
	const uint32_t kept = leased[0], gone = leased[1];
	hang_up();
	dial();
	greet();
	say(TABLE_SYNC_BEGIN, NULL, 0, 0);
	assert_int_equal(acked().failed, 0);
	set_device(0);
	set_device(1);
	say(TABLE_SESSION_KEEP, &kept, 1, sizeof kept);
	assert_int_equal(acked().failed, 0);
	say(TABLE_SYNC_END, NULL, 0, 0);
	/* ACK and ENDED, in the order of the turn */
	bool ended = false;
	for (int i = 0; i < 2; i++) {
		assert_true(recv(control, message.bytes, sizeof message.bytes, 0) > 0);
		if (message.head.op == TABLE_SESSION_ENDED) {
			const struct table_ended *end =
				(const void *)(message.bytes + sizeof message.head);
			assert_int_equal(message.head.count, 1);
			assert_int_equal(end->index, gone);
			ended = true;
		}
	}
	assert_true(ended);
	say(TABLE_SESSION_LIST, NULL, 0, 0);
	assert_int_equal(acked().failed, 0);
	assert_int_equal(dumped(control_seq), 1);
}

static void tells_counters(void **state)
{
	(void)state;
	dataplane.workers[1]->counters[COUNTER_rx_frames] = 71;
	dataplane.counters[COUNTER_drop_inject_full] = 3;
	say(TABLE_STATS_GET, NULL, 0, 0);
	for (uint32_t i = 0; i <= LINKS_WORKERS; i++) {
		const uint64_t *values = hear(TABLE_STATS);
		assert_int_equal(message.head.seq, control_seq);
		assert_int_equal(message.head.flags, i == LINKS_WORKERS ? TABLE_LAST : 0);
		assert_int_equal(values[COUNTER_rx_frames], i == 1 ? 71 : 0);
		assert_int_equal(values[COUNTER_drop_inject_full], i == LINKS_WORKERS ? 3 : 0);
	}
	assert_int_equal(acked().failed, 0);
}

static bool timed(void)
{
	bool on = false;
	for (uint32_t i = 0; i < LINKS_WORKERS; i++)
		on |= dataplane.workers[i]->times.on;
	return on;
}

static void times_stages_while_somebody_asks(void **state)
{
	(void)state;
	dataplane.workers[1]->times.sums[STAGE_seal] = (struct stage_sum){ 5000, 12 };
	assert_false(timed());
	say(TABLE_STAGES_GET, NULL, 0, 0);
	for (uint32_t i = 0; i < LINKS_WORKERS; i++) {
		const struct stage_sum *sums = hear(TABLE_STAGES);
		assert_int_equal(message.head.count, STAGE_COUNT);
		assert_int_equal(message.head.seq, control_seq);
		assert_int_equal(message.head.flags, i + 1 == LINKS_WORKERS ? TABLE_LAST : 0);
		assert_int_equal(sums[STAGE_seal].cycles, i == 1 ? 5000 : 0);
		assert_int_equal(sums[STAGE_seal].frames, i == 1 ? 12 : 0);
		assert_true(dataplane.workers[i]->times.on);
	}
	assert_int_equal(acked().failed, 0);
	/* It ends by itself, with and without who asked. */
	assert_true(table.stages_until > rte_rdtsc());
	assert_true(table.stages_until <= rte_rdtsc() + TABLE_STAGES_S * rte_get_tsc_hz());
	table_link_turn(&table);
	assert_true(timed());
	hang_up();
	table.stages_until = rte_rdtsc();
	table_link_turn(&table);
	assert_false(timed());
	assert_int_equal(table.stages_until, 0);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
		TEST(introduces_itself),
		TEST(refuses_what_comes_before_hello),
		TEST(refuses_other_versions),
		TEST(closes_on_what_is_no_message),
		TEST(answers_failures_with_the_first),
		TEST(installs_confirms_and_ends),
		TEST(installs_on_what_is_leased_once),
		TEST(wipes_what_held_keys),
		TEST(leases_more_until_none_is_left),
		TEST(lists_sessions),
		TEST(removes_what_a_sync_does_not_name),
		TEST(tells_counters),
		TEST(times_stages_while_somebody_asks),
		TEST(serves_one_control_at_a_time),
		TEST(waits_for_a_slow_control),
		TEST(waits_for_a_slow_worker),
	};
	char error[256] = "";
	const int epoll = epoll_create1(0);
	if (links_make() < 0 || table_link_init(&table, &dataplane) < 0 ||
		link_listen(&table.link, "table.sock", "chappe-control", links_directory, epoll, 1,
			&dataplane.account, error, sizeof error) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	link_close(&table.link);
	table_link_free(&table);
	links_free();
	return failed;
}
