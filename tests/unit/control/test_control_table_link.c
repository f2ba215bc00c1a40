/* The table link: what control asks of the dataplane, and what it does not take from one. */
#include "rig.h"
#include "src/counters.h"

#include <errno.h>
#include <sys/socket.h>

static int setup(void **state)
{
	*state = rig_create();
	return 0;
}

static void nonsense_breaks_the_link(void **state)
{
	struct rig *rig = *state;
	struct table_head head = { .op = 99 };
	uint32_t syncs;

	rig_start(rig);
	rig_connect(rig);
	syncs = rig->syncs;
	assert_true(send(rig->table, &head, sizeof head, 0) > 0);
	rig->mute = true;
	rig_settle(rig);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_links_lost), 1);
	rig->mute = false;
	rig_disconnect(rig);
	rig_connect(rig);
	assert_int_equal(rig->syncs, syncs + 1);
}

/* The dataplane is the process that strangers talk to: nothing it says makes control fall. */
static void a_table_of_impossible_size_breaks_the_link(void **state)
{
	struct rig *rig = *state;
	const uint32_t sizes[] = { 0, (1 << WIRE_INDEX_SLOT_BITS) + 1, UINT32_MAX };

	rig_start(rig);
	for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		rig->devices_max = sizes[i];
		const uint64_t lost = rig_counter(rig, CONTROL_COUNTER_links_lost);
		rig_listen(rig);
		for (int n = 0; n < 200 && rig_counter(rig, CONTROL_COUNTER_links_lost) == lost;
			n++)
			rig_settle(rig);
		assert_true(rig_counter(rig, CONTROL_COUNTER_links_lost) > lost);
		assert_int_equal(rig->syncs, 0);
		rig_disconnect(rig);
	}
	rig->devices_max = RIG_DEVICES;
	rig_connect(rig);
}

static void a_dump_without_end_breaks_the_link(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	rig->endless = true;
	rig_listen(rig);
	for (int n = 0; n < 200 && rig_counter(rig, CONTROL_COUNTER_links_lost) == 0; n++)
		rig_settle(rig);
	assert_true(rig_counter(rig, CONTROL_COUNTER_links_lost) > 0);
	assert_int_equal(rig->syncs, 0);
	rig_disconnect(rig);
	rig->endless = false;
	rig_connect(rig);
}

/* What control has to say to a dataplane that takes nothing does not grow for ever. */
static void one_that_takes_nothing_is_left(void **state)
{
	enum { RECORDS = 4 << 20 };
	struct rig *rig = *state;
	const uint32_t index = 7;

	rig_start(rig);
	rig_connect(rig);
	rig->mute = true;
	for (uint32_t i = 0; i < 6 * RECORDS; i++)
		(void)table_link_add(rig->control->table, TABLE_SESSION_REMOVE, &index, 0);
	rig_settle(rig);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_links_lost), 1);
	assert_int_equal(table_link_backlog(rig->control->table), 0);
	rig->mute = false;
	rig_disconnect(rig);
	rig_connect(rig);
}

struct heard {
	uint32_t sessions, workers, done;
	int error;
	uint64_t sum;
};

static void hear_session(void *arg, const struct table_session *session)
{
	(void)session;
	((struct heard *)arg)->sessions++;
}

static void hear_stats(void *arg, uint32_t worker, const uint64_t *counters, uint32_t count)
{
	struct heard *heard = arg;

	assert_int_equal(worker, heard->workers);
	assert_int_equal(count, COUNTER_COUNT);
	heard->workers++;
	heard->sum += counters[1];
}

static void hear_stages(void *arg, uint32_t worker, const struct stage_sum *sums, uint32_t count)
{
	struct heard *heard = arg;

	assert_int_equal(worker, heard->workers);
	assert_int_equal(count, STAGE_COUNT);
	heard->workers++;
	heard->sum += sums[STAGE_open].cycles;
}

static void hear_end(void *arg, int error)
{
	((struct heard *)arg)->done++;
	((struct heard *)arg)->error = error;
}

static void questions(void **state)
{
	struct rig *rig = *state;
	struct heard sessions = { 0 }, stats = { 0 }, stages = { 0 }, lost = { 0 };
	struct heard forgotten = { 0 };
	struct rig_device device;

	rig_store_device(rig, &device, 0);
	rig_start(rig);
	assert_int_equal(control_stats(rig->control, hear_stats, hear_end, &stats), -ENOTCONN);
	rig_connect(rig);
	rig_handshake(rig, &device);
	assert_int_equal(control_sessions(rig->control, hear_session, hear_end, &sessions), 0);
	assert_int_equal(control_stats(rig->control, hear_stats, hear_end, &stats), 0);
	assert_int_equal(control_stats(rig->control, hear_stats, hear_end, &forgotten), 0);
	assert_int_equal(control_stages(rig->control, hear_stages, hear_end, &stages), 0);
	control_forget(rig->control, &forgotten);
	rig_settle(rig);
	assert_int_equal(sessions.sessions, 1);
	assert_int_equal(sessions.done, 1);
	assert_int_equal(stats.workers, 2);
	assert_int_equal(stats.sum, 1 + 1001);
	assert_int_equal(stats.done, 1);
	assert_int_equal(stages.workers, 2);
	assert_int_equal(stages.sum, 1000 + 2 * STAGE_open);
	assert_int_equal(stages.done, 1);
	assert_int_equal(forgotten.done + forgotten.workers, 0);
	rig->mute = true;
	assert_int_equal(control_sessions(rig->control, hear_session, hear_end, &lost), 0);
	rig_disconnect(rig);
	rig_settle(rig);
	assert_int_equal(lost.done, 1);
	assert_int_equal(lost.error, -ENOTCONN);
}

static void an_answer_to_another_question_breaks_the_link(void **state)
{
	struct rig *rig = *state;
	struct heard stages = { 0 };
	struct rig_device device;

	rig_store_device(rig, &device, 0);
	rig_start(rig);
	rig_connect(rig);
	rig_handshake(rig, &device);
	rig->confused = true;
	assert_int_equal(control_stages(rig->control, hear_stages, hear_end, &stages), 0);
	rig_settle(rig);
	assert_int_equal(stages.done, 1);
	assert_int_equal(stages.error, -ENOTCONN);
	assert_int_equal(stages.workers, 0);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_links_lost), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(nonsense_breaks_the_link),
		TEST(a_table_of_impossible_size_breaks_the_link),
		TEST(a_dump_without_end_breaks_the_link),
		TEST(one_that_takes_nothing_is_left),
		TEST(questions),
		TEST(an_answer_to_another_question_breaks_the_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
