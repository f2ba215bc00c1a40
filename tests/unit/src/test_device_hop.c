/* The hop client against the relay of relay_peer.h, on a clock that the test moves. */
#include "relay_peer.h"
#include "src/device_hop.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
	struct device_hop hop;
	struct relay_peer *relay;
	struct peer_link *link;
	struct device_relay config;
	struct chappe_transport transport;
	struct chappe_counters counters;
	uint64_t saved_attempt;
	unsigned int saves;
	uint64_t inits_at_save;
	int save_error;
	unsigned int frames;
	uint64_t last_frame_id;
	int device;
};

static int save_attempt(void *context, uint64_t attempt)
{
	struct fixture *f = context;
	if (f->save_error)
		return f->save_error;
	f->saved_attempt = attempt;
	f->saves++;
	f->inits_at_save = f->counters.handshakes_started;
	return 0;
}

static void take_frame(void *context, const struct wire_inner *inner, size_t payload_len)
{
	struct fixture *f = context;
	(void)payload_len;
	f->frames++;
	f->last_frame_id = get64(inner->frame_id);
}

static void changed(void *context)
{
	(void)context;
}

static int setup(void **state)
{
	struct fixture *f = aligned_alloc(64, (sizeof *f + 63) / 64 * 64);
	assert_non_null(f);
	memset(f, 0, sizeof *f);
	f->relay = relay_peer_new();
	f->link = &f->relay->links[0];
	f->transport = relay_peer_transport(f->relay, 0);
	f->device = relay_peer_invite(f->relay);
	memcpy(f->config.key, f->relay->key.public, WIRE_KEY_BYTES);
	memcpy(f->config.psk, f->relay->devices[f->device].psk, WIRE_KEY_BYTES);
	memcpy(f->config.invitation_id, f->relay->devices[f->device].invitation_id,
		WIRE_INVITATION_ID_BYTES);
	strcpy(f->config.names[0], "one:4460");
	f->config.name_count = 1;
	noise_generate(&f->config.identity);
	const struct device_hop_calls calls = {
		.context = f, .save_attempt = save_attempt, .frame = take_frame, .changed = changed
	};
	device_hop_init(&f->hop, &f->config, &f->transport, &calls, &f->counters);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	device_hop_wipe(&f->hop);
	relay_peer_free(f->relay);
	free(f);
	return 0;
}

/* Does all that is due at this instant. */
static void settle(struct fixture *f)
{
	uint8_t datagram[WIRE_LARGE_BYTES + 1];
	ssize_t n;
	do {
		while ((n = f->transport.receive(f->link, datagram, sizeof datagram)) >= 0)
			device_hop_receive(&f->hop, datagram, (size_t)n, f->relay->now_ns);
		device_hop_tick(&f->hop, f->relay->now_ns);
	} while (f->link->count || device_hop_deadline(&f->hop) <= f->relay->now_ns);
}

static void run_for(struct fixture *f, uint64_t ns)
{
	uint64_t end = f->relay->now_ns + ns;
	settle(f);
	for (;;) {
		uint64_t due = device_hop_deadline(&f->hop);
		if (due > end)
			break;
		f->relay->now_ns = due;
		settle(f);
	}
	f->relay->now_ns = end;
}

static void connect(struct fixture *f)
{
	device_hop_connect(&f->hop, f->relay->now_ns);
	settle(f);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
}

static int send_live(struct fixture *f)
{
	uint8_t inner[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES] = { WIRE_LIVE };
	return device_hop_send(&f->hop, inner, sizeof inner, f->relay->now_ns);
}

/* A live frame from the relay to the device. */
static void relay_sends(struct fixture *f, struct peer_session *session, uint64_t frame_id)
{
	union {
		struct wire_inner inner;
		uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES];
	} cell = { .inner = { .kind = WIRE_LIVE, .frame_id = put64(frame_id) } };
	relay_peer_send(f->relay, session, &cell, sizeof cell);
}

/* ---- Connecting ---- */

static void it_connects_and_confirms(void **state)
{
	struct fixture *f = *state;
	connect(f);
	assert_int_equal(f->relay->counts.inits, 1);
	assert_int_equal(f->relay->counts.confirmed, 1);
	assert_int_equal(f->counters.sessions, 1);
	assert_int_equal(f->hop.grant.keepalive_s, WIRE_KEEPALIVE_S);
	assert_memory_equal(f->relay->last_invitation_id, f->config.invitation_id,
		sizeof f->config.invitation_id);
	assert_int_equal(send_live(f), 0);
	relay_sends(f, relay_peer_session(f->relay, f->device), 77);
	settle(f);
	assert_int_equal(f->frames, 1);
	assert_int_equal(f->last_frame_id, 77);
	assert_int_equal(f->relay->counts.unopened, 0);
}

static void the_attempt_is_stored_before_the_init_goes_out(void **state)
{
	struct fixture *f = *state;
	f->config.attempt = 41;
	f->save_error = -EIO;
	device_hop_connect(&f->hop, f->relay->now_ns);
	settle(f);
	assert_int_equal(f->relay->counts.inits, 0);
	assert_int_equal(f->hop.error, CHAPPE_ERR_STORAGE);
	f->save_error = 0;
	run_for(f, 2 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->saved_attempt, 42);
	assert_int_equal(f->inits_at_save, 0);
	assert_int_equal(f->relay->last_attempt, 42);
}

static void a_lost_response_is_asked_for_again_ever_more_slowly(void **state)
{
	struct fixture *f = *state;
	uint64_t at[6], last_attempt = 0;
	f->relay->lose_responses = 6;
	device_hop_connect(&f->hop, f->relay->now_ns);
	for (int i = 0; i < 6; i++) {
		unsigned int before = f->relay->counts.inits;
		while (f->relay->counts.inits == before || i == 0) {
			if (i == 0 && f->relay->counts.inits == 1)
				break;
			f->relay->now_ns = device_hop_deadline(&f->hop);
			settle(f);
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
	run_for(f, 25 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->hop.error, CHAPPE_OK);
}

static void a_cookie_is_answered_at_once_and_used_again(void **state)
{
	struct fixture *f = *state;
	uint64_t start = f->relay->now_ns;
	f->relay->demand_cookie = true;
	connect(f);
	assert_int_equal(f->relay->now_ns, start);
	assert_int_equal(f->relay->counts.cookies, 1);
	assert_int_equal(f->relay->counts.inits, 2);
	assert_int_equal(f->saves, 1); /* the same init: no new attempt */
	relay_peer_restart(f->relay);
	send_live(f);
	settle(f);
	assert_int_equal(f->relay->counts.confirmed, 2);
	assert_int_equal(f->relay->counts.cookies, 1); /* the cookie is still good */
}

static void a_forged_cookie_reply_changes_nothing(void **state)
{
	struct fixture *f = *state;
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
	struct fixture *f = *state;
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
	settle(f);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
}

static void addresses_are_tried_in_turn(void **state)
{
	struct fixture *f = *state;
	f->config.name_count = 3;
	strcpy(f->config.names[1], "two:4460");
	strcpy(f->config.names[2], "three:4460");
	f->relay->deaf_target = "one:4460";
	device_hop_connect(&f->hop, f->relay->now_ns);
	run_for(f, PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_string_equal(f->link->target, "two:4460");
	/* a rekey stays there, names are not resolved again */
	unsigned int targets = f->link->targets_set;
	run_for(f, 900 * PEER_S);
	assert_int_equal(f->relay->counts.confirmed, 2);
	assert_int_equal(f->link->targets_set, targets);
	/* a relay that is gone is looked for everywhere, names resolved anew */
	f->relay->deaf_target = "two:4460";
	run_for(f, 60 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_string_equal(f->link->target, "three:4460");
	assert_true(f->link->targets_set > targets);
}

static void a_relay_without_aes_is_reached_with_chacha(void **state)
{
	struct fixture *f = *state;
	if (!(hop_suites() & 1u << WIRE_SUITE_AES256GCM))
		skip();
	f->relay->suites = 1u << WIRE_SUITE_CHACHA20POLY1305;
	device_hop_connect(&f->hop, f->relay->now_ns);
	settle(f);
	assert_int_equal(f->relay->last_suite, WIRE_SUITE_AES256GCM);
	run_for(f, PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->hop.current_suite, WIRE_SUITE_CHACHA20POLY1305);
	/* now it knows: the rekey does not try AES */
	unsigned int inits = f->relay->counts.inits;
	run_for(f, 900 * PEER_S);
	assert_int_equal(f->relay->counts.inits, inits + 1);
	assert_int_equal(f->relay->counts.confirmed, 2);
}

static void aes_is_preferred_once_the_relay_says_it_has_it(void **state)
{
	struct fixture *f = *state;
	if (!(hop_suites() & 1u << WIRE_SUITE_AES256GCM))
		skip();
	f->relay->lose_responses = 1; /* the second try is ChaCha20 */
	device_hop_connect(&f->hop, f->relay->now_ns);
	run_for(f, PEER_S);
	assert_int_equal(f->hop.current_suite, WIRE_SUITE_CHACHA20POLY1305);
	run_for(f, 900 * PEER_S);
	assert_int_equal(f->hop.current_suite, WIRE_SUITE_AES256GCM);
}

static void confirmation_is_repeated_until_answered(void **state)
{
	struct fixture *f = *state;
	f->relay->lose_keepalive_answers = 3;
	device_hop_connect(&f->hop, f->relay->now_ns);
	settle(f);
	uint64_t first_id = f->relay->last_keepalive_id;
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTING);
	assert_int_equal(send_live(f), -ENOTCONN); /* nothing but keepalives before that */
	run_for(f, 3 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->relay->counts.keepalives, 4);
	assert_int_equal(f->relay->last_keepalive_id, first_id);
	assert_int_equal(f->relay->counts.inits, 1);
}

static void a_session_never_confirmed_gives_way_to_a_new_handshake(void **state)
{
	struct fixture *f = *state;
	f->relay->lose_keepalive_answers = 1000;
	device_hop_connect(&f->hop, f->relay->now_ns);
	run_for(f, WIRE_PENDING_S * PEER_S + PEER_S);
	assert_true(f->relay->counts.inits >= 2);
	f->relay->lose_keepalive_answers = 0;
	run_for(f, 5 * PEER_S);
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
		setup(&each);
		struct fixture *f = each;
		f->relay->status = rows[i].status;
		f->relay->retry_after_s = 7;
		device_hop_connect(&f->hop, f->relay->now_ns);
		settle(f);
		assert_int_equal(f->hop.error, rows[i].error);
		assert_int_equal(f->hop.state, rows[i].state);
		unsigned int inits = f->relay->counts.inits;
		run_for(f, 7 * PEER_S - PEER_MS);
		assert_int_equal(f->relay->counts.inits, inits); /* it waits as it is told */
		f->relay->status = WIRE_STATUS_OK;
		run_for(f, 120 * PEER_S);
		assert_int_equal(f->hop.state == CHAPPE_STATE_CONNECTED, rows[i].recovers);
		if (!rows[i].recovers)
			assert_int_equal(f->relay->counts.inits, inits);
		teardown(&each);
	}
}

static void a_stale_attempt_is_retried_once_with_a_higher_one(void **state)
{
	struct fixture *f = *state;
	f->relay->devices[f->device].highest_attempt = 5000; /* the device was restored */
	device_hop_connect(&f->hop, f->relay->now_ns);
	settle(f);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->relay->counts.inits, 2);
	assert_true(f->saved_attempt > 5000);
	assert_int_equal(f->relay->last_attempt, f->saved_attempt);
}

static void a_draining_relay_sends_us_to_its_other_address_at_once(void **state)
{
	struct fixture *f = *state;
	uint64_t start = f->relay->now_ns;
	f->config.name_count = 2;
	strcpy(f->config.names[1], "two:4460");
	f->relay->status = WIRE_STATUS_DRAINING;
	f->relay->status_times = 1;
	connect(f);
	assert_int_equal(f->relay->now_ns, start);
	assert_string_equal(f->link->target, "two:4460");
}

static void a_refused_rekey_leaves_the_session_but_revocation_ends_it(void **state)
{
	struct fixture *f = *state;
	connect(f);
	f->relay->status = WIRE_STATUS_FULL;
	run_for(f, 900 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(f->hop.error, CHAPPE_ERR_FULL);
	assert_int_equal(send_live(f), 0);
	f->relay->status = WIRE_STATUS_REVOKED;
	run_for(f, 30 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_REFUSED);
	assert_int_equal(send_live(f), -ENOTCONN);
}

/* ---- Keeping the session ---- */

static void keepalives_keep_their_interval(void **state)
{
	struct fixture *f = *state;
	connect(f);
	unsigned int before = f->relay->counts.keepalives;
	run_for(f, 250 * PEER_S);
	assert_int_equal(f->relay->counts.keepalives - before, 10);
	assert_int_equal(f->relay->counts.inits, 1);
}

static void one_lost_keepalive_is_repeated_and_costs_no_handshake(void **state)
{
	struct fixture *f = *state;
	connect(f);
	f->relay->lose_keepalive_answers = 1;
	unsigned int before = f->relay->counts.keepalives;
	run_for(f, 31 * PEER_S);
	assert_int_equal(f->relay->counts.keepalives - before, 2);
	run_for(f, 29 * PEER_S);
	assert_int_equal(f->relay->counts.inits, 1);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
}

static void silence_for_two_keepalives_starts_a_handshake(void **state)
{
	struct fixture *f = *state;
	connect(f);
	f->link->cut = true;
	run_for(f, 50 * PEER_S - PEER_MS);
	assert_int_equal(f->counters.handshakes_started, 1);
	run_for(f, 2 * PEER_MS);
	assert_int_equal(f->counters.handshakes_started, 2);
	assert_int_equal(f->hop.error, CHAPPE_ERR_UNREACHABLE);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTING);
	/* the old session stays: when the way is open again it serves at once */
	assert_int_equal(send_live(f), 0);
	f->link->cut = false;
	relay_sends(f, relay_peer_session(f->relay, f->device), 5);
	settle(f);
	assert_int_equal(f->frames, 1);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
}

static void it_rekeys_before_the_soft_lifetime(void **state)
{
	struct fixture *f = *state;
	connect(f);
	run_for(f, 720 * PEER_S - PEER_MS);
	assert_int_equal(f->relay->counts.confirmed, 1);
	run_for(f, 180 * PEER_S + 2 * PEER_MS);
	assert_int_equal(f->relay->counts.confirmed, 2);
}

static void old_keys_receive_for_ten_seconds_more(void **state)
{
	struct fixture *f = *state;
	connect(f);
	struct peer_session *old = relay_peer_session(f->relay, f->device);
	while (f->relay->counts.confirmed < 2) {
		f->relay->now_ns = device_hop_deadline(&f->hop);
		settle(f);
	}
	struct peer_session *now = relay_peer_session(f->relay, f->device);
	assert_ptr_not_equal(old, now);
	/* new keys are used for sending at once */
	uint64_t counter = f->hop.current->send_counter;
	assert_int_equal(send_live(f), 0);
	assert_int_equal(f->hop.current->send_counter, counter + 1);
	assert_int_equal(f->hop.current->relay_index, now->index);
	relay_sends(f, old, 1);
	settle(f);
	assert_int_equal(f->frames, 1);
	run_for(f, 10 * PEER_S - PEER_MS);
	relay_sends(f, old, 2);
	settle(f);
	assert_int_equal(f->frames, 2);
	run_for(f, 2 * PEER_MS);
	relay_sends(f, old, 3);
	settle(f);
	assert_int_equal(f->frames, 2);
	assert_int_equal(f->counters.drop_unexpected, 1);
	assert_null(f->hop.previous);
}

static void it_rekeys_at_counter_2_28_and_stops_before_2_30(void **state)
{
	struct fixture *f = *state;
	connect(f);
	f->hop.current->send_counter = WIRE_REKEY_COUNTER - 1;
	assert_int_equal(send_live(f), 0);
	settle(f);
	assert_int_equal(f->relay->counts.confirmed, 2);
	f->relay->down = true;
	f->hop.current->send_counter = WIRE_LAST_COUNTER - 1;
	assert_int_equal(send_live(f), 0);
	assert_int_equal(send_live(f), -ENOTCONN);
	assert_false(device_hop_ready(&f->hop, f->relay->now_ns));
	run_for(f, 60 * PEER_S); /* neither keepalives go past it, nor does the loop spin */
	assert_int_equal(f->hop.current->send_counter, WIRE_LAST_COUNTER);
	f->relay->down = false;
	run_for(f, 30 * PEER_S);
	assert_int_equal(send_live(f), 0);
}

static void a_session_ends_at_its_hard_lifetime(void **state)
{
	struct fixture *f = *state;
	connect(f);
	f->relay->down = true;
	run_for(f, 3600 * PEER_S - PEER_MS);
	assert_int_equal(send_live(f), 0);
	run_for(f, 2 * PEER_MS);
	assert_int_equal(send_live(f), -ENOTCONN);
	assert_null(f->hop.current);
	assert_int_equal(f->hop.error, CHAPPE_ERR_UNREACHABLE);
	relay_peer_restart(f->relay);
	f->relay->down = false;
	run_for(f, 21 * PEER_S);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
}

/* ---- Resets ---- */

static void a_true_reset_brings_a_sending_device_back_at_once(void **state)
{
	struct fixture *f = *state;
	uint64_t start;
	connect(f);
	run_for(f, 60 * PEER_S);
	relay_peer_restart(f->relay);
	start = f->relay->now_ns;
	send_live(f);
	settle(f);
	assert_int_equal(f->relay->now_ns, start);
	assert_int_equal(f->counters.resets, 1);
	assert_int_equal(f->relay->counts.confirmed, 2);
	assert_int_equal(f->hop.boot, f->relay->boot);
}

static void an_idle_device_is_back_at_its_next_keepalive(void **state)
{
	struct fixture *f = *state;
	connect(f);
	relay_peer_restart(f->relay);
	run_for(f, 26 * PEER_S);
	assert_int_equal(f->relay->counts.confirmed, 2);
}

static void resets_cause_one_handshake_in_five_seconds(void **state)
{
	struct fixture *f = *state;
	connect(f);
	relay_peer_restart(f->relay);
	f->relay->lose_responses = 1000;
	for (int i = 0; i < 50; i++) {
		send_live(f);
		settle(f);
	}
	assert_int_equal(f->counters.resets, 50);
	assert_int_equal(f->counters.handshakes_started, 2);
	assert_non_null(f->hop.current); /* stays until a new one is confirmed */
	run_for(f, 5 * PEER_S);
	unsigned int inits = f->relay->counts.inits;
	send_live(f);
	settle(f);
	assert_int_equal(f->relay->counts.inits, inits + 1);
}

static void forged_and_repeated_resets_are_ignored(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[WIRE_SMALL_BYTES] = { WIRE_TRANSPORT };
	struct wire_transport *cause = (struct wire_transport *)frame;
	uint8_t reset[WIRE_SMALL_BYTES], key[WIRE_RESET_KEY_BYTES];
	connect(f);
	send_live(f);
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
	settle(f);
	run_for(f, 6 * PEER_S);
	device_hop_receive(&f->hop, reset, sizeof reset, f->relay->now_ns);
	assert_int_equal(f->counters.resets, 1);
	assert_int_equal(f->counters.handshakes_started, 2);
}

/* ---- Moving, repeating, garbage ---- */

static void a_token_is_echoed_at_once_so_that_roaming_works(void **state)
{
	struct fixture *f = *state;
	connect(f);
	f->link->address = 999; /* another network */
	send_live(f);
	settle(f);
	assert_int_equal(f->relay->counts.challenges, 1);
	assert_int_equal(f->relay->counts.moved, 1);
	assert_int_equal(f->counters.tokens_echoed, 1);
	assert_true(f->relay->last_keepalive_had_token);
	relay_sends(f, relay_peer_session(f->relay, f->device), 3);
	settle(f);
	assert_int_equal(f->frames, 1);
	assert_int_equal(f->relay->counts.inits, 1);
}

static void repeated_frames_are_dropped_and_late_ones_taken(void **state)
{
	struct fixture *f = *state;
	struct peer_session *session;
	struct peer_datagram first;
	connect(f);
	session = relay_peer_session(f->relay, f->device);
	relay_sends(f, session, 1);
	first = f->link->queue[f->link->head];
	f->link->head++;
	f->link->count--;
	/* the window is 8,192 wide at least */
	session->send_counter += WIRE_DEVICE_WINDOW_FRAMES - 2;
	relay_sends(f, session, 2);
	settle(f);
	relay_peer_push(f->link, first.bytes, first.len);
	settle(f);
	assert_int_equal(f->frames, 2);
	relay_peer_push(f->link, first.bytes, first.len);
	settle(f);
	assert_int_equal(f->frames, 2);
	assert_int_equal(f->counters.drop_replay, 1);
}

static void garbage_is_counted_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t garbage[WIRE_LARGE_BYTES + 1];
	connect(f);
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
	assert_int_equal(send_live(f), 0);
}

static void only_what_a_relay_sends_is_taken_from_it(void **state)
{
	struct fixture *f = *state;
	struct {
		uint8_t kind, flags, hops, reserved;
		bool taken;
	} rows[] = { { WIRE_LIVE, 0, 0, 0, true }, { WIRE_STORED, 0, 0, 0, true },
		{ WIRE_ACCEPTED, 0, 0, 0, true }, { WIRE_RECEIVED, 0, 0, 0, false },
		{ WIRE_CONTROL, 0, 0, 0, true }, { 0, 0, 0, 0, false }, { 7, 0, 0, 0, false },
		{ WIRE_LIVE, 1, 0, 0, false }, { WIRE_LIVE, 0, 1, 0, false },
		{ WIRE_LIVE, 0, 0, 1, false } };
	connect(f);
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
		settle(f);
		assert_int_equal(f->frames - frames, rows[i].taken);
	}
	assert_int_equal(f->counters.drop_inner, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
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
		T(repeated_frames_are_dropped_and_late_ones_taken),
		T(garbage_is_counted_and_changes_nothing),
		T(only_what_a_relay_sends_is_taken_from_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
