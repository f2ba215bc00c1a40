/* Handshakes and enrolment, from a punted init to the store. */
#include "rig.h"
#include "src/hop.h"
#include "src/reset.h"

#include <errno.h>

static void invitation_becomes_a_device_when_confirmed(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;
	struct rig_session *session;
	struct store_device stored;
	uint8_t key[WIRE_RESET_KEY_BYTES];
	uint32_t index;

	rig_invite(rig, 3600, &device);
	rig_init(rig, &device);
	session = rig_session(rig, &device);
	assert_non_null(session);
	index = session->install.index;
	assert_int_equal(wire_index_owner(index), 1);
	assert_int_equal(session->install.suite, device.suite);
	assert_int_equal(session->install.endpoint.remote_port, 99);
	assert_int_equal(session->install.hard_lifetime_s, WIRE_HARD_LIFETIME_S);
	assert_int_equal(rig_stored_devices(rig), 0);

	rig_confirm(rig, index);
	assert_int_equal(rig_stored_devices(rig), 1);
	assert_int_equal(store_device_by_key(rig->control->store, device.key.public, &stored), 0);
	assert_memory_equal(stored.psk, device.psk, sizeof stored.psk);
	assert_int_equal(stored.slot, session->install.device);
	assert_int_equal(get64(device.answer.boot), rig->boot);
	reset_key(rig->control->reset_secret, index, key);
	assert_memory_equal(device.answer.reset_key, key, sizeof key);
	assert_int_equal(get16(device.answer.keepalive_s), 25);
	assert_int_equal(get32(device.answer.routes_max), 4);
	assert_int_equal(get32(device.answer.versions), 2);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_enrolments), 1);
	assert_int_equal(rig->control->directory.pendings.count, 0);
}

static void both_suites(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;

	rig_enrol(rig, &device);
	device.suite = WIRE_SUITE_AES256GCM;
	if (!(hop_suites() & 1U << WIRE_SUITE_AES256GCM)) {
		rig_replay(rig, &device);
		return;
	}
	rig_handshake(rig, &device);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_sessions_confirmed), 2);
}

static void enrolled_device_needs_no_invitation_id(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;

	rig_enrol(rig, &device);
	rig_handshake(rig, &device); /* it may still name its invitation */
	memset(device.invitation_id, 0, sizeof device.invitation_id);
	rig_handshake(rig, &device);
	assert_int_equal(rig_stored_devices(rig), 1);
}

static void replayed_init_changes_nothing(void **state)
{
	struct rig *rig = *state;
	struct rig_device device, captured;
	uint32_t installs;

	rig_invite(rig, 3600, &device);
	rig_init(rig, &device);
	captured = device;
	/* While the session is pending, after it is confirmed, after the next one. */
	rig_replay(rig, &captured);
	assert_int_equal(rig->installs, 1);
	assert_int_equal(rig->answers_count, 0);
	rig_confirm(rig, rig_session(rig, &device)->install.index);
	rig_replay(rig, &captured);
	assert_int_equal(rig->installs, 1);
	assert_int_equal(rig->answers_count, 0);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_drop_repeated_init), 2);
	rig_handshake(rig, &device);
	installs = rig->installs;
	rig_replay(rig, &captured);
	assert_int_equal(rig->installs, installs);
	assert_int_equal(rig->answers_count, 1); /* stale attempt */
	assert_int_equal(rig_stored_devices(rig), 1);
	assert_int_equal(rig->control->directory.pendings.count, 0);
}

static void replay_after_a_restart_costs_one_answer(void **state)
{
	struct rig *rig = *state;
	struct rig_device device, captured;
	struct store_device before, after;
	struct rig_session *session;

	rig_invite(rig, 3600, &device);
	rig_init(rig, &device);
	captured = device;
	rig_confirm(rig, rig_session(rig, &device)->install.index);
	rig_handshake(rig, &device);
	assert_int_equal(store_device_by_key(rig->control->store, device.key.public, &before), 0);
	rig_stop(rig);
	rig_disconnect(rig);
	rig_start(rig);
	rig_connect(rig);
	rig_replay(rig, &captured);
	assert_int_equal(rig->installs, 3);
	for (session = rig->sessions; !session->used || session->confirmed; session++)
		assert_true(session < rig->sessions + RIG_SESSIONS);
	rig_end(rig, session->install.index, TABLE_END_UNCONFIRMED);
	rig_settle(rig);
	assert_int_equal(store_device_by_key(rig->control->store, device.key.public, &after), 0);
	assert_memory_equal(&before, &after, sizeof before);
	assert_int_equal(rig->control->directory.pendings.count, 0);
	rig_handshake(rig, &device);
}

static void newest_pending_wins(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;
	uint32_t first;

	rig_invite(rig, 3600, &device);
	rig_init(rig, &device);
	first = rig_session(rig, &device)->install.index;
	rig_init(rig, &device);
	assert_int_not_equal(rig_session(rig, &device)->install.index, first);
	assert_int_equal(rig_session(rig, &device) != NULL, false); /* its handshake is finished */
	rig_end(rig, first, TABLE_END_REPLACED);
	rig_settle(rig);
	assert_int_equal(rig->control->directory.pendings.count, 1);
}

static void unconfirmed_invitation_gives_its_slot_back(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;
	uint32_t index;

	for (int round = 0; round < 3 * RIG_DEVICES; round++) {
		rig_invite(rig, 3600, &device);
		rig_init(rig, &device);
		index = rig_session(rig, &device)->install.index;
		assert_int_equal(rig->control->directory.reserved, 1);
		rig_end(rig, index, TABLE_END_UNCONFIRMED);
		rig_settle(rig);
		assert_int_equal(rig->control->directory.reserved, 0);
		assert_int_equal(rig->removals, round + 1);
		assert_int_equal(control_invitation_cancel(rig->control, device.invitation_id), 0);
	}
	assert_int_equal(rig_stored_devices(rig), 0);
}

static void first_confirmed_wins(void **state)
{
	struct rig *rig = *state;
	struct rig_device first, second;
	struct store_device stored;
	struct rig_session *loser;
	uint32_t first_index, second_index;

	rig_invite(rig, 3600, &first);
	second = first;
	noise_generate(&second.key);
	rig_init(rig, &first);
	first_index = rig_session(rig, &first)->install.index;
	rig_init(rig, &second);
	loser = rig_session(rig, &second);
	second_index = loser->install.index;
	rig_confirm(rig, first_index);
	assert_int_equal(store_device_by_key(rig->control->store, first.key.public, &stored), 0);
	assert_false(loser->used); /* removed at once */
	/* Its confirmation was on its way already. */
	rig_confirm(rig, second_index);
	assert_int_equal(rig_stored_devices(rig), 1);
	assert_int_equal(
		store_device_by_key(rig->control->store, second.key.public, &stored), -ENOENT);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_enrolments_lost), 1);
}

static void wrong_psk_gets_an_answer_it_can_not_open(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;

	rig_invite(rig, 3600, &device);
	device.psk[0] ^= 1;
	rig_init(rig, &device);
	assert_int_equal(rig->installs, 1);
	assert_null(rig_session(rig, &device));
}

static void refused_install_is_forgotten(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;

	rig_invite(rig, 3600, &device);
	rig->install_error = -ENOSPC;
	rig_init(rig, &device);
	assert_int_equal(rig->installs, 1);
	assert_int_equal(rig->control->directory.pendings.count, 0);
	assert_int_equal(rig->control->directory.reserved, 0);
	rig->install_error = 0;
	rig_handshake(rig, &device);
}

static void answers_have_one_size(void **state)
{
	struct rig *rig = *state;
	struct rig_device device, second;

	rig_enrol(rig, &device);
	second = device;
	noise_generate(&second.key);
	rig_init(rig, &second);
	assert_int_equal(rig->answers[0].len, WIRE_SMALL_BYTES);
}

static void used_secret_leaves_the_invitation(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;
	struct store_invitation invitation;

	rig_enrol(rig, &device);
	assert_int_equal(
		store_invitation_get(rig->control->store, device.invitation_id, &invitation), 0);
	assert_true(sodium_is_zero(invitation.secret, sizeof invitation.secret));
	assert_true(invitation.used_s > 0);
	assert_true(invitation.device > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(invitation_becomes_a_device_when_confirmed),
		TEST(both_suites),
		TEST(enrolled_device_needs_no_invitation_id),
		TEST(replayed_init_changes_nothing),
		TEST(replay_after_a_restart_costs_one_answer),
		TEST(newest_pending_wins),
		TEST(unconfirmed_invitation_gives_its_slot_back),
		TEST(first_confirmed_wins),
		TEST(wrong_psk_gets_an_answer_it_can_not_open),
		TEST(refused_install_is_forgotten),
		TEST(answers_have_one_size),
		TEST(used_secret_leaves_the_invitation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
