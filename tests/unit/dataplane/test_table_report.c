/* What the dataplane tells control. */
#include "table_control.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lists_sessions),
		TEST(tells_counters),
		TEST(times_stages_while_somebody_asks),
	};
	return table_control_run(tests, RTE_DIM(tests));
}
