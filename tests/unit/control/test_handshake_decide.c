/* Who may come in, and what those are told who may not. */
#include "rig.h"

#include <errno.h>

static void stale_attempt(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;

	rig_enrol(rig, &device);
	device.attempt = 10;
	rig_handshake(rig, &device);
	device.attempt = 4;
	rig_init(rig, &device);
	assert_int_equal(rig_status(rig, &device), WIRE_STATUS_STALE_ATTEMPT);
	assert_int_equal(get32(device.answer.index), 0);
	device.attempt = 20;
	rig_handshake(rig, &device);
}

static void invitation_used_by_another_device(void **state)
{
	struct rig *rig = *state;
	struct rig_device first, second;

	rig_enrol(rig, &first);
	second = first;
	noise_generate(&second.key);
	rig_init(rig, &second);
	assert_int_equal(rig_status(rig, &second), WIRE_STATUS_INVITATION_USED);
	assert_int_equal(rig_stored_devices(rig), 1);
}

static void expired_invitation(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;

	rig_invite(rig, 0, &device);
	rig_init(rig, &device);
	assert_int_equal(rig_status(rig, &device), WIRE_STATUS_INVITATION_USED);
	assert_int_equal(rig->installs, 0);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_answers_invitation_used), 1);
}

static void revoked_device(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;
	struct store_device stored;
	uint32_t index = rig_enrol(rig, &device);

	assert_int_equal(store_device_by_key(rig->control->store, device.key.public, &stored), 0);
	assert_int_equal(control_device_revoke(rig->control, stored.id), 0);
	assert_int_equal(control_device_revoke(rig->control, stored.id), -EALREADY);
	rig_settle(rig);
	for (int i = 0; i < RIG_SESSIONS; i++)
		assert_false(rig->sessions[i].used && rig->sessions[i].install.index == index);
	/* Whether it still names its invitation or not. */
	rig_init(rig, &device);
	assert_int_equal(rig_status(rig, &device), WIRE_STATUS_REVOKED);
	memset(device.invitation_id, 0, sizeof device.invitation_id);
	rig_init(rig, &device);
	assert_int_equal(rig_status(rig, &device), WIRE_STATUS_REVOKED);
	assert_int_equal(rig->installs, 1);
}

static void full_slots(void **state)
{
	struct rig *rig = *state;
	struct rig_device devices[RIG_DEVICES], extra;
	struct store_invitation refused;

	for (int i = 0; i < RIG_DEVICES - 1; i++)
		rig_enrol(rig, &devices[i]);
	rig_invite(rig, 3600, &extra);
	assert_int_equal(control_invite(rig->control, 3600, &refused, 1), -ENOSPC);
	/* An invitation that was made before the last slot went. */
	rig->control->open_invitations = 0;
	rig_enrol(rig, &devices[RIG_DEVICES - 1]);
	rig_init(rig, &extra);
	assert_int_equal(rig_status(rig, &extra), WIRE_STATUS_FULL);
	assert_true(get16(extra.answer.retry_after_s) > 0);
	/* Devices that are in still get their sessions. */
	rig_handshake(rig, &devices[0]);
}

static void invitations_come_all_or_none(void **state)
{
	struct rig *rig = *state;
	struct store_invitation many[RIG_DEVICES + 1];
	uint64_t open;

	memset(many, 7, sizeof many);
	assert_int_equal(control_invite(rig->control, 60, many, RIG_DEVICES + 1), -ENOSPC);
	assert_int_equal(store_invitations_open(rig->control->store, 0, &open), 0);
	assert_int_equal(open, 0);
	assert_int_equal(control_invite(rig->control, 60, many, RIG_DEVICES), 0);
	assert_memory_not_equal(many[0].id, many[1].id, sizeof many[0].id);
	assert_int_equal(control_invite(rig->control, 60, many, 1), -ENOSPC);
	assert_int_equal(control_invitation_cancel(rig->control, many[1].id), 0);
	assert_int_equal(control_invite(rig->control, 60, many, 1), 0);
}

static void full_leases(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;

	rig_enrol(rig, &device);
	rig->lease_left = 0;
	while (rig->control->table && table_link_leased(rig->control->table) > 2)
		rig_handshake(rig, &device); /* owner 0 keeps its two */
	rig_init(rig, &device);
	assert_int_equal(rig_status(rig, &device), WIRE_STATUS_FULL);
	rig->lease_left = 10;
	rig_init(rig, &device); /* asks for more */
	rig_handshake(rig, &device);
}

static void draining(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;

	rig_enrol(rig, &device);
	control_drain(rig->control, true);
	rig_init(rig, &device);
	assert_int_equal(rig_status(rig, &device), WIRE_STATUS_DRAINING);
	assert_true(get16(device.answer.retry_after_s) > 0);
	control_drain(rig->control, false);
	rig_handshake(rig, &device);
}

static void silence(void **state)
{
	struct rig *rig = *state;
	struct rig_device device, stranger;

	rig_enrol(rig, &device);
	/* A key nobody knows. */
	stranger = device;
	noise_generate(&stranger.key);
	memset(stranger.invitation_id, 0, sizeof stranger.invitation_id);
	rig_init(rig, &stranger);
	assert_int_equal(rig->answers_count, 0);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_drop_unknown_key), 1);
	/* An invitation nobody made. */
	memset(stranger.invitation_id, 7, sizeof stranger.invitation_id);
	rig_init(rig, &stranger);
	assert_int_equal(rig->answers_count, 0);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_drop_unknown_invitation), 1);
	/* Garbage. */
	rig_init(rig, &device);
	device.init.noise[40] ^= 1;
	rig_replay(rig, &device);
	assert_int_equal(rig->answers_count, 0);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_drop_noise), 1);
	device.init.type = WIRE_TRANSPORT;
	rig_replay(rig, &device);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_drop_frame), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(stale_attempt),
		TEST(invitation_used_by_another_device),
		TEST(expired_invitation),
		TEST(revoked_device),
		TEST(full_slots),
		TEST(invitations_come_all_or_none),
		TEST(full_leases),
		TEST(draining),
		TEST(silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
