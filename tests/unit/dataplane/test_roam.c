/* Confirmation, keepalives and moving endpoints: who may lead a session's frames where. */
#include "relay.h"

#include "dataplane/token.h"
#include <rte_cycles.h>

static struct relay relay;
static struct endpoint home, away, elsewhere;
static struct device_end alice, bob;

static int setup(void **state)
{
	(void)state;
	relay_start(&relay, &(struct relay_options){ 0 });
	home = place(relay.port_ids[0], 4, 0, 10, 1000);
	away = place(relay.port_ids[0], 6, RELAY_VLAN, 11, 1001);
	elsewhere = place(relay.port_ids[0], 4, 0, 12, 1002);
	device_connect(&relay, &alice, 1, 0, WIRE_SUITE_AES256GCM, &home);
	const struct endpoint bobs = place(relay.port_ids[0], 4, 0, 20, 2000);
	device_connect(&relay, &bob, 2, 0, WIRE_SUITE_CHACHA20POLY1305, &bobs);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	relay_stop(&relay);
	return 0;
}

static const struct wire_keepalive *keepalive_in(const struct datagram *datagram)
{
	const struct wire_inner *inner =
		(const struct wire_inner *)(datagram->payload + WIRE_TRANSPORT_HEADER_BYTES);
	assert_int_equal(inner->kind, WIRE_KEEPALIVE);
	return (const struct wire_keepalive *)inner->payload;
}

/* Sends a keepalive from where the device is, echoing a token if there is one. */
static void send_keepalive(struct device_end *device, const uint8_t *token)
{
	uint8_t frame[WIRE_SMALL_BYTES];
	struct wire_inner *inner = (struct wire_inner *)(frame + WIRE_TRANSPORT_HEADER_BYTES);
	struct wire_keepalive *keepalive = (struct wire_keepalive *)inner->payload;

	inner_make(frame, sizeof frame, WIRE_KEEPALIVE, NULL);
	if (token != NULL) {
		keepalive->has_token = 1;
		memcpy(keepalive->token, token, WIRE_TOKEN_BYTES);
	}
	device_send(&relay, device, frame, sizeof frame);
	relay_turn(&relay);
}

static void send_live(struct device_end *from, const struct device_end *to)
{
	uint8_t frame[WIRE_SMALL_BYTES];

	inner_make(frame, sizeof frame, WIRE_LIVE, to->route);
	device_send(&relay, from, frame, sizeof frame);
	relay_turn(&relay);
}

/* Where a frame for the device goes right now. */
static void assert_reached_at(const struct device_end *device, const struct endpoint *expected)
{
	struct datagram datagram;
	struct device_end *sender = device == &bob ? &alice : &bob;

	assert_int_equal(relay_waiting(&relay), 0);
	send_live(sender, device);
	assert_true(relay_transmitted(&relay, 0, &datagram));
	device_open(device, &datagram);
	assert_true(endpoint_same(&datagram.to, expected));
}

static void take(const struct device_end *device, const struct endpoint *at, struct datagram *out)
{
	assert_true(relay_transmitted(&relay, 0, out));
	assert_true(endpoint_same(&out->to, at));
	device_open(device, out);
}

static void only_a_keepalive_confirms(void **state)
{
	struct device_end carol;
	struct datagram datagram;
	const struct endpoint at = place(relay.port_ids[0], 4, 0, 30, 3000);

	(void)state;
	device_install(&relay, &carol, 3, 0, WIRE_SUITE_AES256GCM, &at);
	send_live(&carol, &bob);
	assert_int_equal(relay_counter(&relay, COUNTER_drop_unconfirmed), 1);
	send_live(&bob, &carol); /* nothing is forwarded to it either */
	assert_int_equal(relay_counter(&relay, COUNTER_drop_offline), 1);
	assert_int_equal(relay_waiting(&relay), 0);
	send_keepalive(&carol, NULL);
	assert_int_equal(relay_counter(&relay, COUNTER_sessions_confirmed), 3);
	take(&carol, &at, &datagram);
	send_live(&carol, &bob);
	take(&bob, &bob.at, &datagram);
	send_live(&bob, &carol);
	take(&carol, &at, &datagram);
}

static void a_full_event_ring_leaves_a_session_pending(void **state)
{
	struct device_end carol;
	struct rte_ring *events = relay.workers[0]->events;
	uint32_t index = 0;

	(void)state;
	device_install(&relay, &carol, 3, 0, WIRE_SUITE_AES256GCM, &home);
	while (rte_ring_sp_enqueue_elem(events, &index, sizeof index) == 0)
		;
	send_keepalive(&carol, NULL); /* empties the ring, too */
	assert_int_equal(relay_counter(&relay, COUNTER_drop_unconfirmed), 1);
	assert_int_equal(relay_waiting(&relay), 0);
	send_keepalive(&carol, NULL);
	assert_int_equal(relay_waiting(&relay), 1);
	assert_int_equal(tables_view(relay.tables)->current[3], carol.index);
}

static void keepalives_are_answered_in_kind(void **state)
{
	static const uint32_t cells[] = { WIRE_SMALL_BYTES, WIRE_LARGE_BYTES };
	uint8_t frame[WIRE_LARGE_BYTES];
	struct datagram datagram;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		inner_make(frame, cells[i], WIRE_KEEPALIVE, NULL);
		struct wire_inner sent;
		memcpy(&sent, frame + WIRE_TRANSPORT_HEADER_BYTES, sizeof sent);
		device_send(&relay, &alice, frame, cells[i]);
		relay_turn(&relay);
		take(&alice, &home, &datagram);
		assert_int_equal(datagram.len, cells[i]);
		const struct wire_inner *inner =
			(const struct wire_inner *)(datagram.payload + WIRE_TRANSPORT_HEADER_BYTES);
		assert_memory_equal(&inner->frame_id, &sent.frame_id, sizeof sent.frame_id);
		assert_int_equal(keepalive_in(&datagram)->what, WIRE_KEEPALIVE_ANSWER);
		assert_int_equal(keepalive_in(&datagram)->has_token, 0);
		for (uint32_t byte = sizeof(struct wire_keepalive);
			byte < cells[i] - WIRE_TRANSPORT_OVERHEAD_BYTES - WIRE_INNER_HEADER_BYTES;
			byte++)
			assert_int_equal(inner->payload[byte], 0);
	}
}

static void a_keepalive_from_a_new_place_moves_the_endpoint_in_two_steps(void **state)
{
	struct datagram datagram;
	uint8_t token[WIRE_TOKEN_BYTES];

	(void)state;
	alice.at = away;
	send_keepalive(&alice, NULL);
	take(&alice, &away, &datagram);
	assert_int_equal(keepalive_in(&datagram)->what, WIRE_KEEPALIVE_ANSWER);
	assert_int_equal(keepalive_in(&datagram)->has_token, 1);
	memcpy(token, keepalive_in(&datagram)->token, sizeof token);
	assert_reached_at(&alice, &home); /* a candidate only */
	send_keepalive(&alice, token);
	take(&alice, &away, &datagram);
	assert_int_equal(keepalive_in(&datagram)->has_token, 0);
	assert_int_equal(relay_counter(&relay, COUNTER_endpoint_moves), 1);
	assert_reached_at(&alice, &away);
}

static void a_live_frame_from_a_new_place_is_forwarded_and_challenged(void **state)
{
	struct datagram first, second;

	(void)state;
	alice.at = away;
	send_live(&alice, &bob);
	assert_int_equal(relay_waiting(&relay), 2);
	take(&bob, &bob.at, &first);
	take(&alice, &away, &second);
	assert_int_equal(keepalive_in(&second)->what, WIRE_KEEPALIVE_CHALLENGE);
	assert_int_equal(keepalive_in(&second)->has_token, 1);
	assert_int_equal(relay_counter(&relay, COUNTER_challenges), 1);
	/* Not again for every frame. */
	send_live(&alice, &bob);
	assert_int_equal(relay_waiting(&relay), 1);
	take(&bob, &bob.at, &first);
	/* But again after a while. */
	session_of(tables_view(relay.tables), alice.index)->receive.challenged -=
		(uint32_t)(rte_get_tsc_hz() >> 20);
	send_live(&alice, &bob);
	assert_int_equal(relay_waiting(&relay), 2);
	take(&bob, &bob.at, &first);
	take(&alice, &away, &second);
	send_keepalive(&alice, keepalive_in(&second)->token);
	take(&alice, &away, &second);
	assert_reached_at(&alice, &away);
}

/* Who records a fresh frame and sends it from a place of his own, before or instead of the device,
 * gets one cell, which he can't open, and moves nothing. */
static void a_frame_sent_from_a_spoofed_place_moves_nothing(void **state)
{
	struct datagram datagram;

	(void)state;
	alice.at = elsewhere;
	for (uint32_t i = 0; i < 10; i++)
		send_live(&alice, &bob);
	alice.at = home;
	assert_int_equal(relay_counter(&relay, COUNTER_challenges), 1);
	assert_int_equal(relay_counter(&relay, COUNTER_endpoint_moves), 0);
	assert_int_equal(relay_waiting(&relay), 11);
	while (relay_transmitted(&relay, 0, &datagram))
		;
	assert_reached_at(&alice, &home);
	/* Its next frame from home ends the candidacy. */
	const struct session *session = session_of(tables_view(relay.tables), alice.index);
	assert_int_equal(session->receive.candidate.family, 4);
	send_keepalive(&alice, NULL);
	take(&alice, &home, &datagram);
	assert_int_equal(keepalive_in(&datagram)->has_token, 0);
	assert_int_equal(session->receive.candidate.family, 0);
}

static void a_token_counts_for_one_session_and_one_place(void **state)
{
	struct datagram datagram;
	uint8_t token[WIRE_TOKEN_BYTES], wrong[WIRE_TOKEN_BYTES];

	(void)state;
	alice.at = away;
	send_keepalive(&alice, NULL);
	take(&alice, &away, &datagram);
	memcpy(token, keepalive_in(&datagram)->token, sizeof token);
	for (uint32_t bit = 0; bit < 8 * sizeof token; bit++) {
		memcpy(wrong, token, sizeof wrong);
		wrong[bit / 8] ^= (uint8_t)(1u << bit % 8);
		send_keepalive(&alice, wrong);
		take(&alice, &away, &datagram);
		assert_memory_equal(keepalive_in(&datagram)->token, token, sizeof token);
	}
	alice.at = elsewhere;
	send_keepalive(&alice, token);
	take(&alice, &elsewhere, &datagram);
	bob.at = away;
	send_keepalive(&bob, token);
	take(&bob, &away, &datagram);
	assert_int_equal(keepalive_in(&datagram)->has_token, 1);
	assert_memory_not_equal(keepalive_in(&datagram)->token, token, sizeof token);
	assert_int_equal(relay_counter(&relay, COUNTER_endpoint_moves), 0);
}

/* A token that is due, but in a frame that a later one has overtaken. */
static void late_frames_move_nothing(void **state)
{
	struct datagram datagram;
	uint8_t token[WIRE_TOKEN_BYTES];

	(void)state;
	alice.at = away;
	send_keepalive(&alice, NULL);
	take(&alice, &away, &datagram);
	memcpy(token, keepalive_in(&datagram)->token, sizeof token);
	const uint64_t late = alice.counter;
	alice.counter += 5;
	alice.at = home;
	send_keepalive(&alice, NULL);
	take(&alice, &home, &datagram);
	alice.counter = late;
	alice.at = away;
	send_keepalive(&alice, token);
	take(&alice, &away, &datagram);
	assert_int_equal(relay_counter(&relay, COUNTER_endpoint_moves), 0);
	alice.counter = late + 6;
	assert_reached_at(&alice, &home);
}

static void every_part_of_a_place_counts(void **state)
{
	struct datagram datagram;
	struct endpoint changed[5];

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(changed); i++)
		changed[i] = home;
	changed[0].next_hop[5] ^= 1;
	changed[1].remote[15] ^= 1;
	changed[2].remote_port ^= 1;
	changed[3] = place(relay.port_ids[0], 4, RELAY_VLAN, 10, 1000);
	changed[4] = place(relay.port_ids[0], 6, 0, 10, 1000);
	for (uint32_t i = 0; i < RTE_DIM(changed); i++) {
		alice.at = changed[i];
		send_keepalive(&alice, NULL);
		take(&alice, &changed[i], &datagram);
		assert_int_equal(keepalive_in(&datagram)->has_token, 1);
	}
}

static void tokens_and_frame_ids_differ_in_every_argument(void **state)
{
	const uint8_t key[TOKEN_KEY_BYTES] = { 1 }, other_key[TOKEN_KEY_BYTES] = { 2 };
	uint8_t a[WIRE_TOKEN_BYTES], b[WIRE_TOKEN_BYTES];

	(void)state;
	token_make(key, 1, &home, a);
	assert_true(token_ok(key, 1, &home, a));
	assert_false(token_ok(other_key, 1, &home, a));
	assert_false(token_ok(key, 2, &home, a));
	assert_false(token_ok(key, 1, &away, a));
	struct endpoint same = home;
	same.sequence = 8;
	token_make(key, 1, &same, b);
	assert_memory_equal(a, b, sizeof a);
	assert_true(token_frame_id(key, 1, 1) != token_frame_id(key, 1, 2));
	assert_true(token_frame_id(key, 1, 1) != token_frame_id(key, 2, 1));
	assert_true(token_frame_id(key, 1, 1) != token_frame_id(other_key, 1, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_a_keepalive_confirms),
		TEST(a_full_event_ring_leaves_a_session_pending),
		TEST(keepalives_are_answered_in_kind),
		TEST(a_keepalive_from_a_new_place_moves_the_endpoint_in_two_steps),
		TEST(a_live_frame_from_a_new_place_is_forwarded_and_challenged),
		TEST(a_frame_sent_from_a_spoofed_place_moves_nothing),
		TEST(a_token_counts_for_one_session_and_one_place),
		TEST(late_frames_move_nothing),
		TEST(every_part_of_a_place_counts),
		TEST(tokens_and_frame_ids_differ_in_every_argument),
	};
	if (relay_eal() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
