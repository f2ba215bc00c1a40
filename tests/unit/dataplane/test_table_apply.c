/* What control asks for, and what the dataplane does and answers. */
#include "table_control.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_failures_with_the_first),
		TEST(installs_confirms_and_ends),
		TEST(installs_on_what_is_leased_once),
		TEST(wipes_what_held_keys),
		TEST(leases_more_until_none_is_left),
		TEST(removes_what_a_sync_does_not_name),
	};
	return table_control_run(tests, RTE_DIM(tests));
}
