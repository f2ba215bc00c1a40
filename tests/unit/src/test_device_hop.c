/* How the hop client keeps its session, moves, and takes what arrives. */
#include "hop_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void keepalives_keep_their_interval(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	unsigned int before = f->relay->counts.keepalives;
	hop_run_for(f, 250 * PEER_S);
	assert_in_range(f->relay->counts.keepalives - before, 10, 11);
	assert_int_equal(f->relay->counts.inits, 1);
}

static void one_lost_keepalive_is_repeated_and_costs_no_handshake(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	f->relay->lose_keepalive_answers = 1;
	unsigned int before = f->relay->counts.keepalives;
	hop_run_for(f, 30 * PEER_S);
	assert_int_equal(f->relay->counts.keepalives - before, 2);
	hop_run_for(f, 30 * PEER_S);
	assert_int_equal(f->relay->counts.inits, 1);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
}

static void silence_for_two_keepalives_starts_a_handshake(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	f->link->cut = true;
	hop_run_for(f, 50 * PEER_S - PEER_MS);
	assert_int_equal(f->counters.handshakes_started, 1);
	hop_run_for(f, 2 * PEER_MS);
	assert_int_equal(f->counters.handshakes_started, 2);
	assert_int_equal(f->hop.error, CHAPPE_ERR_UNREACHABLE);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTING);
	/* the old session stays: when the way is open again it serves at once */
	assert_int_equal(hop_send_live(f), 0);
	f->link->cut = false;
	hop_relay_sends(f, relay_peer_session(f->relay, f->device), 5);
	hop_settle(f);
	assert_int_equal(f->frames, 1);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
}

static void it_rekeys_before_the_soft_lifetime(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	hop_run_for(f, 720 * PEER_S - PEER_MS);
	assert_int_equal(f->relay->counts.confirmed, 1);
	hop_run_for(f, 180 * PEER_S + 2 * PEER_MS);
	assert_int_equal(f->relay->counts.confirmed, 2);
}

static void old_keys_receive_for_ten_seconds_more(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	struct peer_session *old = relay_peer_session(f->relay, f->device);
	while (f->relay->counts.confirmed < 2) {
		f->relay->now_ns = device_hop_deadline(&f->hop);
		hop_settle(f);
	}
	struct peer_session *now = relay_peer_session(f->relay, f->device);
	assert_ptr_not_equal(old, now);
	/* new keys are used for sending at once */
	uint64_t counter = f->hop.current->send_counter;
	assert_int_equal(hop_send_live(f), 0);
	assert_int_equal(f->hop.current->send_counter, counter + 1);
	assert_int_equal(f->hop.current->relay_index, now->index);
	hop_relay_sends(f, old, 1);
	hop_settle(f);
	assert_int_equal(f->frames, 1);
	hop_run_for(f, 10 * PEER_S - PEER_MS);
	hop_relay_sends(f, old, 2);
	hop_settle(f);
	assert_int_equal(f->frames, 2);
	hop_run_for(f, 2 * PEER_MS);
	hop_relay_sends(f, old, 3);
	hop_settle(f);
	assert_int_equal(f->frames, 2);
	assert_int_equal(f->counters.drop_unexpected, 1);
	assert_null(f->hop.previous);
}

static void it_rekeys_at_counter_2_28_and_stops_before_2_30(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	f->hop.current->send_counter = WIRE_REKEY_COUNTER - 1;
	assert_int_equal(hop_send_live(f), 0);
	hop_settle(f);
	assert_int_equal(f->relay->counts.confirmed, 2);
	f->relay->down = true;
	f->hop.current->send_counter = WIRE_LAST_COUNTER - 1;
	assert_int_equal(hop_send_live(f), 0);
	assert_int_equal(hop_send_live(f), -ENOTCONN);
	assert_false(device_hop_ready(&f->hop, f->relay->now_ns));
	hop_run_for(f, 60 * PEER_S); /* neither keepalives go past it, nor does the loop spin */
	assert_int_equal(f->hop.current->send_counter, WIRE_LAST_COUNTER);
	f->relay->down = false;
	hop_run_for(f, 30 * PEER_S);
	assert_int_equal(hop_send_live(f), 0);
}

static void a_session_ends_at_its_hard_lifetime(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	f->relay->down = true;
	hop_run_for(f, 3600 * PEER_S - PEER_MS);
	assert_int_equal(hop_send_live(f), 0);
	hop_run_for(f, 2 * PEER_MS);
	assert_int_equal(hop_send_live(f), -ENOTCONN);
	assert_null(f->hop.current);
	assert_int_equal(f->hop.error, CHAPPE_ERR_UNREACHABLE);
	relay_peer_restart(f->relay);
	f->relay->down = false;
	hop_run_for(f, 21 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
}

/* ---- Resets ---- */

static void a_true_reset_brings_a_sending_device_back_at_once(void **state)
{
	struct hop_fixture *f = *state;
	uint64_t start;
	hop_connect(f);
	hop_run_for(f, 60 * PEER_S);
	relay_peer_restart(f->relay);
	start = f->relay->now_ns;
	hop_send_live(f);
	hop_settle(f);
	assert_int_equal(f->relay->now_ns, start);
	assert_int_equal(f->counters.resets, 1);
	assert_int_equal(f->relay->counts.confirmed, 2);
	assert_int_equal(f->hop.boot, f->relay->boot);
}

static void an_idle_device_is_back_at_its_next_keepalive(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	relay_peer_restart(f->relay);
	hop_run_for(f, 26 * PEER_S);
	assert_int_equal(f->relay->counts.confirmed, 2);
}

static void resets_cause_one_handshake_in_five_seconds(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	relay_peer_restart(f->relay);
	f->relay->lose_responses = 1000;
	for (int i = 0; i < 50; i++) {
		hop_send_live(f);
		hop_settle(f);
	}
	assert_int_equal(f->counters.resets, 50);
	assert_int_equal(f->counters.handshakes_started, 2);
	assert_non_null(f->hop.current); /* stays until a new one is confirmed */
	hop_run_for(f, 5 * PEER_S);
	unsigned int inits = f->relay->counts.inits;
	hop_send_live(f);
	hop_settle(f);
	assert_int_equal(f->relay->counts.inits, inits + 1);
}

static void forged_and_repeated_resets_are_ignored(void **state)
{
	struct hop_fixture *f = *state;
	uint8_t frame[WIRE_SMALL_BYTES] = { WIRE_TRANSPORT };
	struct wire_transport *cause = (struct wire_transport *)frame;
	uint8_t reset[WIRE_SMALL_BYTES], key[WIRE_RESET_KEY_BYTES];
	hop_connect(f);
	hop_send_live(f);
	cause->receiver_index = put32(f->hop.current->relay_index);
	cause->counter = put64(f->hop.current->send_counter - 1);
	reset_key(f->relay->reset_secret, f->hop.current->relay_index, key);
	reset_write(key, 9, cause, reset, sizeof reset);
	for (size_t bit = 0; bit < 8 * sizeof reset; bit++) {
		uint8_t forged[WIRE_SMALL_BYTES];
		memcpy(forged, reset, sizeof forged);
		forged[bit / 8] ^= (uint8_t)(1u << bit % 8);
		device_hop_receive(&f->hop, forged, sizeof forged, f->relay->now_ns);
	}
	assert_int_equal(f->counters.resets, 0);
	/* a good mac over a counter that was never sent */
	cause->counter = put64(f->hop.current->send_counter);
	reset_write(key, 9, cause, frame, sizeof frame);
	device_hop_receive(&f->hop, frame, sizeof frame, f->relay->now_ns);
	assert_int_equal(f->counters.resets, 0);
	assert_int_equal(f->counters.handshakes_started, 1);
	/* the true one counts, once */
	device_hop_receive(&f->hop, reset, sizeof reset, f->relay->now_ns);
	assert_int_equal(f->counters.resets, 1);
	assert_int_equal(f->counters.handshakes_started, 2);
	hop_settle(f);
	hop_run_for(f, 6 * PEER_S);
	device_hop_receive(&f->hop, reset, sizeof reset, f->relay->now_ns);
	assert_int_equal(f->counters.resets, 1);
	assert_int_equal(f->counters.handshakes_started, 2);
}

/* ---- Moving, repeating, garbage ---- */

static void a_token_is_echoed_at_once_so_that_roaming_works(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	f->link->address = 999; /* another network */
	hop_send_live(f);
	hop_settle(f);
	assert_int_equal(f->relay->counts.challenges, 1);
	assert_int_equal(f->relay->counts.moved, 1);
	assert_int_equal(f->counters.tokens_echoed, 1);
	assert_true(f->relay->last_keepalive_had_token);
	hop_relay_sends(f, relay_peer_session(f->relay, f->device), 3);
	hop_settle(f);
	assert_int_equal(f->frames, 1);
	assert_int_equal(f->relay->counts.inits, 1);
}

/* The network that led to the relay's first address is gone, another has come. */
static void a_device_that_is_cut_off_looks_for_another_address(void **state)
{
	struct hop_fixture *f = *state;
	f->config.name_count = 2;
	strcpy(f->config.names[1], "two:4460");
	hop_connect(f);
	hop_run_for(f, 60 * PEER_S);
	f->link->address = 999;
	f->link->cut_off = true;
	f->link->cut_off_target = "one:4460";
	hop_send_live(f);
	hop_run_for(f, 3 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_string_equal(f->link->target, "two:4460");
	assert_int_equal(f->relay->counts.confirmed, 2);
	assert_int_equal(hop_send_live(f), 0);
}

/* Changing an address cuts a device off for a moment, which costs no handshake. */
static void a_moment_without_network_costs_no_handshake(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	f->link->cut_off = true;
	hop_send_live(f);
	hop_run_for(f, 900 * PEER_MS);
	f->link->cut_off = false;
	hop_send_live(f);
	hop_run_for(f, 60 * PEER_S);
	assert_int_equal(f->counters.handshakes_started, 1);
}

static void a_device_without_network_is_back_soon_after_it_returns(void **state)
{
	struct hop_fixture *f = *state;
	hop_connect(f);
	f->link->cut_off = true;
	hop_run_for(f, 600 * PEER_S);
	assert_int_equal(f->hop.error, CHAPPE_ERR_UNREACHABLE);
	assert_in_range(f->counters.handshakes_started, 200, 400); /* every other second */
	f->link->cut_off = false;
	hop_run_for(f, 2100 * PEER_MS);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
}

static void repeated_frames_are_dropped_and_late_ones_taken(void **state)
{
	struct hop_fixture *f = *state;
	struct peer_session *session;
	struct peer_datagram first;
	hop_connect(f);
	session = relay_peer_session(f->relay, f->device);
	hop_relay_sends(f, session, 1);
	first = f->link->queue[f->link->head];
	f->link->head++;
	f->link->count--;
	/* the window is 8,192 wide at least */
	session->send_counter += WIRE_DEVICE_WINDOW_FRAMES - 2;
	hop_relay_sends(f, session, 2);
	hop_settle(f);
	relay_peer_push(f->link, first.bytes, first.len);
	hop_settle(f);
	assert_int_equal(f->frames, 2);
	relay_peer_push(f->link, first.bytes, first.len);
	hop_settle(f);
	assert_int_equal(f->frames, 2);
	assert_int_equal(f->counters.drop_replay, 1);
}

static void garbage_is_counted_and_changes_nothing(void **state)
{
	struct hop_fixture *f = *state;
	uint8_t garbage[WIRE_LARGE_BYTES + 1];
	hop_connect(f);
	for (size_t len = 0; len < sizeof garbage; len++) {
		randombytes_buf(garbage, sizeof garbage);
		device_hop_receive(&f->hop, garbage, len, f->relay->now_ns);
	}
	for (uint8_t type = 1; type <= 5; type++) {
		memset(garbage, 0, sizeof garbage);
		garbage[0] = type;
		garbage[1] = type <= WIRE_RESPONSE;
		garbage[2] = type <= WIRE_RESPONSE;
		memcpy(garbage + 4, &f->hop.current->local_index, 4);
		device_hop_receive(&f->hop, garbage, WIRE_SMALL_BYTES, f->relay->now_ns);
	}
	assert_int_equal(f->counters.drop_aead, 1);
	assert_int_equal(f->counters.drop_reset, 1);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->counters.handshakes_started, 1);
	assert_int_equal(hop_send_live(f), 0);
}

static void only_what_a_relay_sends_is_taken_from_it(void **state)
{
	struct hop_fixture *f = *state;
	struct {
		uint8_t kind, flags, hops, reserved;
		bool taken;
	} rows[] = { { WIRE_LIVE, 0, 0, 0, true }, { WIRE_STORED, 0, 0, 0, true },
		{ WIRE_ACCEPTED, 0, 0, 0, true }, { WIRE_RECEIVED, 0, 0, 0, false },
		{ WIRE_CONTROL, 0, 0, 0, true }, { 0, 0, 0, 0, false }, { 7, 0, 0, 0, false },
		{ WIRE_LIVE, 1, 0, 0, false }, { WIRE_LIVE, 0, 1, 0, false },
		{ WIRE_LIVE, 0, 0, 1, false } };
	hop_connect(f);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES] = { 0 };
		struct wire_inner *inner = (struct wire_inner *)bytes;
		unsigned int frames = f->frames;
		inner->kind = rows[i].kind;
		inner->flags = rows[i].flags;
		inner->hops = rows[i].hops;
		inner->reserved = put32(rows[i].reserved);
		relay_peer_send(
			f->relay, relay_peer_session(f->relay, f->device), bytes, sizeof bytes);
		hop_settle(f);
		assert_int_equal(f->frames - frames, rows[i].taken);
	}
	assert_int_equal(f->counters.drop_inner, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, hop_setup, hop_teardown)
		T(keepalives_keep_their_interval),
		T(one_lost_keepalive_is_repeated_and_costs_no_handshake),
		T(silence_for_two_keepalives_starts_a_handshake),
		T(it_rekeys_before_the_soft_lifetime),
		T(old_keys_receive_for_ten_seconds_more),
		T(it_rekeys_at_counter_2_28_and_stops_before_2_30),
		T(a_session_ends_at_its_hard_lifetime),
		T(a_true_reset_brings_a_sending_device_back_at_once),
		T(an_idle_device_is_back_at_its_next_keepalive),
		T(resets_cause_one_handshake_in_five_seconds),
		T(forged_and_repeated_resets_are_ignored),
		T(a_token_is_echoed_at_once_so_that_roaming_works),
		T(a_device_that_is_cut_off_looks_for_another_address),
		T(a_moment_without_network_costs_no_handshake),
		T(a_device_without_network_is_back_soon_after_it_returns),
		T(repeated_frames_are_dropped_and_late_ones_taken),
		T(garbage_is_counted_and_changes_nothing),
		T(only_what_a_relay_sends_is_taken_from_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
