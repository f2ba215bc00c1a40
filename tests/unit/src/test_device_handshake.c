/* How the hop client gets a session, and what else the relay may answer. */
#include "hop_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void it_connects_and_confirms(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	assert_int_equal(f->relay->counts.inits, 1);
	assert_int_equal(f->relay->counts.confirmed, 1);
	assert_int_equal(f->counters.sessions, 1);
	assert_int_equal(f->hop.grant.keepalive_s, WIRE_KEEPALIVE_S);
	assert_memory_equal(f->relay->last_invitation_id, f->config.invitation_id,
		sizeof f->config.invitation_id);
	assert_int_equal(hop_send_live(f), 0);
	hop_relay_sends(f, relay_peer_session(f->relay, f->device), 77);
	hop_settle(f);
	assert_int_equal(f->frames, 1);
	assert_int_equal(f->last_frame_id, 77);
	assert_int_equal(f->relay->counts.unopened, 0);
}

static void the_attempt_is_stored_before_the_init_goes_out(void **state)
{
	struct hop_fixture *f = *state;
	f->config.attempt = 41;
	f->save_error = -EIO;
	device_hop_connect(&f->hop, f->relay->now_ns);
	hop_settle(f);
	assert_int_equal(f->relay->counts.inits, 0);
	assert_int_equal(f->hop.error, CHAPPE_ERR_STORAGE);
	f->save_error = 0;
	hop_run_for(f, 2 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->saved_attempt, 42);
	assert_int_equal(f->inits_at_save, 0);
	assert_int_equal(f->relay->last_attempt, 42);
}

static void a_lost_response_is_asked_for_again_ever_more_slowly(void **state)
{
	struct hop_fixture *f = *state;
	uint64_t at[6], last_attempt = 0;
	f->relay->lose_responses = 6;
	device_hop_connect(&f->hop, f->relay->now_ns);
	for (int i = 0; i < 6; i++) {
		unsigned int before = f->relay->counts.inits;
		while (f->relay->counts.inits == before || i == 0) {
			if (i == 0 && f->relay->counts.inits == 1)
				break;
			f->relay->now_ns = device_hop_deadline(&f->hop);
			hop_settle(f);
		}
		at[i] = f->relay->now_ns;
		assert_true(f->relay->last_attempt > last_attempt);
		last_attempt = f->relay->last_attempt;
		assert_int_equal(f->saved_attempt, last_attempt);
	}
	for (int i = 1; i < 6; i++) {
		uint64_t nominal = (500 * PEER_MS) << (i - 1);
		assert_in_range(
			at[i] - at[i - 1], nominal * 3 / 4 - PEER_MS, nominal * 5 / 4 + PEER_MS);
	}
	assert_int_equal(f->hop.error, CHAPPE_ERR_UNREACHABLE);
	hop_run_for(f, 25 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->hop.error, CHAPPE_OK);
}

static void a_cookie_is_answered_at_once_and_used_again(void **state)
{
	struct hop_fixture *f = *state;
	uint64_t start = f->relay->now_ns;
	f->relay->demand_cookie = true;
	hop_connect(f);
	assert_int_equal(f->relay->now_ns, start);
	assert_int_equal(f->relay->counts.cookies, 1);
	assert_int_equal(f->relay->counts.inits, 2);
	assert_int_equal(f->saves, 1); /* the same init: no new attempt */
	relay_peer_restart(f->relay);
	hop_send_live(f);
	hop_settle(f);
	assert_int_equal(f->relay->counts.confirmed, 2);
	assert_int_equal(f->relay->counts.cookies, 1); /* the cookie is still good */
}

static void a_forged_cookie_reply_changes_nothing(void **state)
{
	struct hop_fixture *f = *state;
	struct wire_cookie_reply reply = { .type = WIRE_COOKIE_REPLY };
	f->relay->down = true;
	device_hop_connect(&f->hop, f->relay->now_ns);
	reply.receiver_index = put32(f->hop.sender_index);
	device_hop_receive(&f->hop, (uint8_t *)&reply, sizeof reply, f->relay->now_ns);
	assert_int_equal(f->counters.drop_handshake, 1);
	assert_int_equal(f->counters.handshakes_started, 1);
	assert_int_equal(f->hop.cookie_until_ns, 0);
}

/* Each byte of a response altered: the handshake stays alive, and the true response ends it. */
static void a_forged_response_does_not_disturb_the_handshake(void **state)
{
	struct hop_fixture *f = *state;
	struct peer_datagram response;
	device_hop_connect(&f->hop, f->relay->now_ns);
	assert_int_equal(f->link->count, 1);
	response = f->link->queue[f->link->head];
	f->link->count = 0;
	for (size_t i = 8; i < WIRE_SMALL_BYTES; i++) {
		struct peer_datagram forged = response;
		forged.bytes[i] ^= (uint8_t)(1u << i % 8);
		device_hop_receive(&f->hop, forged.bytes, forged.len, f->relay->now_ns);
		assert_null(f->hop.pending);
	}
	assert_int_equal(f->counters.drop_handshake, WIRE_SMALL_BYTES - 8);
	relay_peer_push(f->link, response.bytes, response.len);
	hop_settle(f);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
}

static void addresses_are_tried_in_turn(void **state)
{
	struct hop_fixture *f = *state;
	f->config.name_count = 3;
	strcpy(f->config.names[1], "two:4460");
	strcpy(f->config.names[2], "three:4460");
	f->relay->deaf_target = "one:4460";
	device_hop_connect(&f->hop, f->relay->now_ns);
	hop_run_for(f, PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_string_equal(f->link->target, "two:4460");
	/* a rekey stays there, names are not resolved again */
	unsigned int targets = f->link->targets_set;
	hop_run_for(f, 900 * PEER_S);
	assert_int_equal(f->relay->counts.confirmed, 2);
	assert_int_equal(f->link->targets_set, targets);
	/* a relay that is gone is looked for everywhere, names resolved anew */
	f->relay->deaf_target = "two:4460";
	hop_run_for(f, 60 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_string_equal(f->link->target, "three:4460");
	assert_true(f->link->targets_set > targets);
}

static void a_relay_without_aes_is_reached_with_chacha(void **state)
{
	struct hop_fixture *f = *state;
	if (!(hop_suites() & 1u << WIRE_SUITE_AES256GCM))
		skip();
	f->relay->suites = 1u << WIRE_SUITE_CHACHA20POLY1305;
	device_hop_connect(&f->hop, f->relay->now_ns);
	hop_settle(f);
	assert_int_equal(f->relay->last_suite, WIRE_SUITE_AES256GCM);
	hop_run_for(f, PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->hop.current_suite, WIRE_SUITE_CHACHA20POLY1305);
	/* now it knows: the rekey does not try AES */
	unsigned int inits = f->relay->counts.inits;
	hop_run_for(f, 900 * PEER_S);
	assert_int_equal(f->relay->counts.inits, inits + 1);
	assert_int_equal(f->relay->counts.confirmed, 2);
}

static void aes_is_preferred_once_the_relay_says_it_has_it(void **state)
{
	struct hop_fixture *f = *state;
	if (!(hop_suites() & 1u << WIRE_SUITE_AES256GCM))
		skip();
	f->relay->lose_responses = 1; /* the second try is ChaCha20 */
	device_hop_connect(&f->hop, f->relay->now_ns);
	hop_run_for(f, PEER_S);
	assert_int_equal(f->hop.current_suite, WIRE_SUITE_CHACHA20POLY1305);
	hop_run_for(f, 900 * PEER_S);
	assert_int_equal(f->hop.current_suite, WIRE_SUITE_AES256GCM);
}

static void confirmation_is_repeated_until_answered(void **state)
{
	struct hop_fixture *f = *state;
	f->relay->lose_keepalive_answers = 3;
	device_hop_connect(&f->hop, f->relay->now_ns);
	hop_settle(f);
	uint64_t first_id = f->relay->last_keepalive_id;
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTING);
	assert_int_equal(hop_send_live(f), -ENOTCONN); /* nothing but keepalives before that */
	hop_run_for(f, 3 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->relay->counts.keepalives, 4);
	assert_int_equal(f->relay->last_keepalive_id, first_id);
	assert_int_equal(f->relay->counts.inits, 1);
}

static void a_session_never_confirmed_gives_way_to_a_new_handshake(void **state)
{
	struct hop_fixture *f = *state;
	f->relay->lose_keepalive_answers = 1000;
	device_hop_connect(&f->hop, f->relay->now_ns);
	hop_run_for(f, WIRE_PENDING_S * PEER_S + PEER_S);
	assert_true(f->relay->counts.inits >= 2);
	f->relay->lose_keepalive_answers = 0;
	hop_run_for(f, 5 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
}

/* ---- What the relay may say instead of yes ---- */

static void every_status_is_an_error_of_its_own(void **state)
{
	static const struct {
		enum wire_status status;
		enum chappe_error error;
		enum chappe_state state;
		bool recovers; /* once the relay says yes, without being told to try */
	} rows[] = {
		{ WIRE_STATUS_REVOKED, CHAPPE_ERR_REVOKED, CHAPPE_STATE_REFUSED, false },
		{ WIRE_STATUS_FULL, CHAPPE_ERR_FULL, CHAPPE_STATE_WAITING, true },
		{ WIRE_STATUS_STALE_ATTEMPT, CHAPPE_ERR_STALE_ATTEMPT, CHAPPE_STATE_WAITING, true },
		{ WIRE_STATUS_DRAINING, CHAPPE_ERR_DRAINING, CHAPPE_STATE_WAITING, true },
		{ WIRE_STATUS_INVITATION_USED, CHAPPE_ERR_INVITATION_USED, CHAPPE_STATE_REFUSED,
			false },
		{ 99, CHAPPE_ERR_FULL, CHAPPE_STATE_WAITING, true },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		void *each;
		hop_setup(&each);
		struct hop_fixture *f = each;
		f->relay->status = rows[i].status;
		f->relay->retry_after_s = 7;
		device_hop_connect(&f->hop, f->relay->now_ns);
		hop_settle(f);
		assert_int_equal(f->hop.error, rows[i].error);
		assert_int_equal(f->hop.state, rows[i].state);
		unsigned int inits = f->relay->counts.inits;
		hop_run_for(f, 7 * PEER_S - PEER_MS);
		assert_int_equal(f->relay->counts.inits, inits); /* it waits as it is told */
		f->relay->status = WIRE_STATUS_OK;
		hop_run_for(f, 120 * PEER_S);
		assert_int_equal(f->hop.state == CHAPPE_STATE_CONNECTED, rows[i].recovers);
		if (!rows[i].recovers)
			assert_int_equal(f->relay->counts.inits, inits);
		hop_teardown(&each);
	}
}

static void a_stale_attempt_is_retried_once_with_a_higher_one(void **state)
{
	struct hop_fixture *f = *state;
	f->relay->devices[f->device].highest_attempt = 5000; /* the device was restored */
	device_hop_connect(&f->hop, f->relay->now_ns);
	hop_settle(f);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->relay->counts.inits, 2);
	assert_true(f->saved_attempt > 5000);
	assert_int_equal(f->relay->last_attempt, f->saved_attempt);
}

static void a_draining_relay_sends_us_to_its_other_address_at_once(void **state)
{
	struct hop_fixture *f = *state;
	uint64_t start = f->relay->now_ns;
	f->config.name_count = 2;
	strcpy(f->config.names[1], "two:4460");
	f->relay->status = WIRE_STATUS_DRAINING;
	f->relay->status_times = 1;
	hop_connect(f);
	assert_int_equal(f->relay->now_ns, start);
	assert_string_equal(f->link->target, "two:4460");
}

static void a_refused_rekey_leaves_the_session_but_revocation_ends_it(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	f->relay->status = WIRE_STATUS_FULL;
	hop_run_for(f, 900 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->hop.error, CHAPPE_ERR_FULL);
	assert_int_equal(hop_send_live(f), 0);
	f->relay->status = WIRE_STATUS_REVOKED;
	hop_run_for(f, 30 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_REFUSED);
	assert_int_equal(hop_send_live(f), -ENOTCONN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, hop_setup, hop_teardown)
		T(it_connects_and_confirms),
		T(the_attempt_is_stored_before_the_init_goes_out),
		T(a_lost_response_is_asked_for_again_ever_more_slowly),
		T(a_cookie_is_answered_at_once_and_used_again),
		T(a_forged_cookie_reply_changes_nothing),
		T(a_forged_response_does_not_disturb_the_handshake),
		T(addresses_are_tried_in_turn),
		T(a_relay_without_aes_is_reached_with_chacha),
		T(aes_is_preferred_once_the_relay_says_it_has_it),
		T(confirmation_is_repeated_until_answered),
		T(a_session_never_confirmed_gives_way_to_a_new_handshake),
		cmocka_unit_test(every_status_is_an_error_of_its_own),
		T(a_stale_attempt_is_retried_once_with_a_higher_one),
		T(a_draining_relay_sends_us_to_its_other_address_at_once),
		T(a_refused_rekey_leaves_the_session_but_revocation_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
