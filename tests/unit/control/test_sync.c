/* What happens to sessions, routes and devices when one of the two processes ends and comes back.
 */
#include "rig.h"
#include "src/counters.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>

static int setup(void **state)
{
	*state = rig_create();
	return 0;
}

static int teardown(void **state)
{
	rig_destroy(*state);
	return 0;
}

/* A device that was enrolled long ago, with a route. */
static void prepare(struct rig *rig, struct rig_device *device, uint32_t slot)
{
	char error[STORE_ERROR_BYTES];
	struct store *store;
	struct store_device stored = {
		.slot = slot,
		.created_s = control_now_s() - 1000,
		.limits = { -1, -1, -1 },
	};
	struct store_route route = { .created_s = 1, .request = slot };

	memset(device, 0, sizeof *device);
	noise_generate(&device->key);
	randombytes_buf(device->psk, sizeof device->psk);
	device->suite = WIRE_SUITE_CHACHA20POLY1305;
	device->sender_index = slot * 1000;
	memcpy(stored.key, device->key.public, sizeof stored.key);
	memcpy(stored.psk, device->psk, sizeof stored.psk);
	assert_int_equal(store_open(rig->dir, &store, error), 0);
	assert_int_equal(store_device_add(store, &stored), 0);
	randombytes_buf(route.route, sizeof route.route);
	route.device = stored.id;
	assert_int_equal(store_route_add(store, &route), 0);
	assert_int_equal(store_commit(store), 0);
	store_close(store);
}

static uint32_t live_sessions(const struct rig *rig)
{
	uint32_t count = 0;

	for (int i = 0; i < RIG_SESSIONS; i++)
		count += rig->sessions[i].used;
	return count;
}

static void runs_before_the_dataplane_is_there(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;
	struct store_invitation invitation;

	prepare(rig, &device, 3);
	rig_start(rig);
	rig_settle(rig);
	assert_int_equal(control_invite(rig->control, 60, &invitation, 1), 0);
	rig_connect(rig);
	assert_true(rig->devices[3]);
	assert_int_equal(rig_routes(rig), 1);
	rig_handshake(rig, &device);
}

static void restarted_control_keeps_sessions(void **state)
{
	struct rig *rig = *state;
	struct rig_device one, two;
	struct control_limits_answer limits;
	uint32_t index;

	prepare(rig, &one, 0);
	prepare(rig, &two, 1);
	rig_start(rig);
	rig_connect(rig);
	index = rig_handshake(rig, &one);
	rig_handshake(rig, &two);
	rig_init(rig, &two); /* left pending */
	assert_int_equal(live_sessions(rig), 3);
	rig_stop(rig);
	rig_disconnect(rig);
	rig_start(rig);
	rig_connect(rig);
	assert_int_equal(live_sessions(rig), 2);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_sessions_kept), 2);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_sessions_dropped), 1);
	/* The kept session still serves. */
	assert_int_equal(rig_operation(rig, index, 5, CONTROL_OP_LIMITS_GET, NULL, 0, &limits,
				 sizeof limits),
		CONTROL_OK);
}

static void restarted_dataplane_gets_devices_and_routes_and_no_session(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;
	uint32_t installs;

	prepare(rig, &device, 2);
	rig_start(rig);
	rig_connect(rig);
	rig_handshake(rig, &device);
	rig_init(rig, &device);
	installs = rig->installs;
	rig_disconnect(rig);
	rig_new_boot(rig);
	rig_connect(rig);
	assert_true(rig->devices[2]);
	assert_int_equal(rig_routes(rig), 1);
	assert_int_equal(live_sessions(rig), 0);
	assert_int_equal(rig->installs, installs); /* no key is sent again */
	assert_int_equal(rig->control->directory.pendings.count, 0);
	rig_handshake(rig, &device);
	assert_int_equal(get64(device.answer.boot), rig->boot);
}

static void what_was_revoked_meanwhile_goes(void **state)
{
	struct rig *rig = *state;
	struct rig_device one, two;
	struct store_device stored;
	struct store_route route;
	uint32_t count;

	prepare(rig, &one, 0);
	prepare(rig, &two, 1);
	rig_start(rig);
	rig_connect(rig);
	rig_handshake(rig, &one);
	rig_handshake(rig, &two);
	rig_disconnect(rig);
	rig_settle(rig);
	assert_int_equal(store_device_by_key(rig->control->store, one.key.public, &stored), 0);
	assert_int_equal(control_device_revoke(rig->control, stored.id), 0);
	assert_int_equal(store_device_by_key(rig->control->store, two.key.public, &stored), 0);
	assert_int_equal(
		store_routes_after(rig->control->store, stored.id, 0, &route, 1, &count), 0);
	assert_int_equal(control_route_revoke(rig->control, route.route), 0);
	rig_connect(rig);
	assert_false(rig->devices[0]);
	assert_true(rig->devices[1]);
	assert_int_equal(rig_routes(rig), 0);
	assert_int_equal(live_sessions(rig), 1);
}

static void sessions_of_a_slot_given_anew_do_not_stay(void **state)
{
	struct rig *rig = *state;
	struct rig_device old, new;
	struct store_device stored;
	uint32_t index;

	prepare(rig, &old, 0);
	rig_start(rig);
	rig_connect(rig);
	index = rig_handshake(rig, &old);
	rig_disconnect(rig);
	rig_settle(rig);
	assert_int_equal(store_device_by_key(rig->control->store, old.key.public, &stored), 0);
	assert_int_equal(control_device_revoke(rig->control, stored.id), 0);
	rig->devices_max = 1; /* whoever comes next gets this very slot */
	rig_connect(rig);
	rig_enrol(rig, &new);
	assert_int_equal(directory_find(&rig->control->directory, new.key.public), 0);
	for (int i = 0; i < RIG_SESSIONS; i++)
		assert_false(rig->sessions[i].used && rig->sessions[i].install.index == index);
}

static void too_small_dataplane_is_no_crash(void **state)
{
	struct rig *rig = *state;
	struct rig_device one, two;

	prepare(rig, &one, 0);
	prepare(rig, &two, 7);
	rig->devices_max = 2;
	rig_start(rig);
	rig_connect(rig);
	assert_true(rig->devices[0]);
	rig_handshake(rig, &one);
	assert_true(rig_counter(rig, CONTROL_COUNTER_table_failures) > 0);
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

	prepare(rig, &device, 0);
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

	prepare(rig, &device, 0);
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

static void info_tells_the_state(void **state)
{
	struct rig *rig = *state;
	struct control_device_memory memory;
	struct control_info info;
	struct rig_device device;
	uint32_t index;

	prepare(rig, &device, 0);
	rig_start(rig);
	control_info(rig->control, &info);
	assert_false(info.in_step);
	rig_connect(rig);
	index = rig_handshake(rig, &device);
	control_info(rig->control, &info);
	assert_true(info.in_step);
	assert_int_equal(info.devices, 1);
	assert_int_equal(info.devices_max, RIG_DEVICES);
	assert_int_equal(info.boot, rig->boot);
	assert_int_equal(info.threads, 2);
	assert_int_equal(control_device_memory(rig->control, 1, &memory), 0);
	assert_true(memory.has_session);
	assert_int_equal(memory.session, index);
	assert_int_equal(memory.attempt, device.attempt);
	assert_int_equal(control_device_in_slot(rig->control, 0), 1);
	assert_int_equal(control_device_in_slot(rig->control, 1), 0);
	rig_end(rig, index, TABLE_END_EXPIRED);
	rig_settle(rig);
	assert_int_equal(control_device_memory(rig->control, 1, &memory), 0);
	assert_false(memory.has_session);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(runs_before_the_dataplane_is_there),
		TEST(restarted_control_keeps_sessions),
		TEST(restarted_dataplane_gets_devices_and_routes_and_no_session),
		TEST(what_was_revoked_meanwhile_goes),
		TEST(sessions_of_a_slot_given_anew_do_not_stay),
		TEST(too_small_dataplane_is_no_crash),
		TEST(nonsense_breaks_the_link),
		TEST(a_table_of_impossible_size_breaks_the_link),
		TEST(a_dump_without_end_breaks_the_link),
		TEST(one_that_takes_nothing_is_left),
		TEST(questions),
		TEST(an_answer_to_another_question_breaks_the_link),
		TEST(info_tells_the_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
