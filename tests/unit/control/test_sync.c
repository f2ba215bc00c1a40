/* What happens to sessions, routes and devices when one of the two processes ends and comes back.
 */
#include "rig.h"

static int setup(void **state)
{
	*state = rig_create();
	return 0;
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

	rig_store_device(rig, &device, 3);
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

	rig_store_device(rig, &one, 0);
	rig_store_device(rig, &two, 1);
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

	rig_store_device(rig, &device, 2);
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

	rig_store_device(rig, &one, 0);
	rig_store_device(rig, &two, 1);
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

	rig_store_device(rig, &old, 0);
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

	rig_store_device(rig, &one, 0);
	rig_store_device(rig, &two, 7);
	rig->devices_max = 2;
	rig_start(rig);
	rig_connect(rig);
	assert_true(rig->devices[0]);
	rig_handshake(rig, &one);
	assert_true(rig_counter(rig, CONTROL_COUNTER_table_failures) > 0);
}

static void info_tells_the_state(void **state)
{
	struct rig *rig = *state;
	struct control_device_memory memory;
	struct control_info info;
	struct rig_device device;
	uint32_t index;

	rig_store_device(rig, &device, 0);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(runs_before_the_dataplane_is_there),
		TEST(restarted_control_keeps_sessions),
		TEST(restarted_dataplane_gets_devices_and_routes_and_no_session),
		TEST(what_was_revoked_meanwhile_goes),
		TEST(sessions_of_a_slot_given_anew_do_not_stay),
		TEST(too_small_dataplane_is_no_crash),
		TEST(info_tells_the_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
