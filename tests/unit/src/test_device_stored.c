/* Stored messages through the whole client: accepted by the relay, delivered when the other device
 * is there, received and acknowledged. */
#include "device_world.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ALICE, BOB };

static void a_message_waits_for_the_other_device(void **state)
{
	struct world *w = world_paired();
	struct world_device *a = &w->device[ALICE], *b = &w->device[BOB];
	uint64_t number;

	(void)state;
	world_close(b);
	number = world_send_stored(a, "bob", "wait", 4);
	world_run(w, PEER_S);
	assert_true(world_accepted(a, number));
	assert_int_equal(a->counts[CHAPPE_EVENT_ACKNOWLEDGED], 0);
	assert_int_equal(relay_peer_waiting(w->relay, b->invitation), 1);
	world_close(a); /* need not be there any more */
	world_open(b);
	world_run(w, 5 * PEER_S);
	assert_int_equal(world_got(b, "wait", 4), 1);
	assert_int_equal(relay_peer_waiting(w->relay, b->invitation), 0);
	world_run(w, 65 * PEER_S); /* the acknowledgement takes its time, and waits for Alice */
	assert_int_equal(relay_peer_waiting(w->relay, a->invitation), 1);
	world_open(a);
	world_run(w, 5 * PEER_S);
	assert_int_equal(a->counts[CHAPPE_EVENT_ACKNOWLEDGED], 1);
	assert_int_equal(world_last(a, CHAPPE_EVENT_ACKNOWLEDGED)->message, number);
	assert_int_equal(relay_peer_waiting(w->relay, a->invitation), 0);
	assert_int_equal(w->relay->counts.received_wrong, 0);
	world_free(w);
}

static void contacts_are_made_while_the_other_is_away(void **state)
{
	struct world *w = world_new();
	struct world_device *a = &w->device[ALICE], *b = &w->device[BOB];
	char link[CHAPPE_LINK_MAX_BYTES];

	(void)state;
	world_join(a);
	world_join(b);
	assert_int_equal(chappe_contact_new(a->chappe, "bob"), CHAPPE_OK);
	world_run(w, PEER_S);
	strcpy(link, world_last(a, CHAPPE_EVENT_CONTACT_LINK)->link);
	world_close(a);
	assert_int_equal(chappe_contact_add(b->chappe, "alice", link), CHAPPE_OK);
	world_run(w, PEER_S);
	assert_int_equal(world_state(b, "alice"), CHAPPE_CONTACT_GREETED);
	assert_int_equal(b->counts[CHAPPE_EVENT_CONTACT_GREETED], 1);
	world_send_stored(b, "alice", "before you know me", 18);
	world_run(w, PEER_S);
	for (int i = 0; i < 3; i++) { /* it does not greet again and again */
		world_close(b);
		world_open(b);
		world_run(w, PEER_S);
	}
	assert_int_equal(w->relay->counts.stored, 2);
	world_close(b);
	world_open(a);
	world_run(w, 5 * PEER_S);
	assert_int_equal(world_state(a, "bob"), CHAPPE_CONTACT_READY);
	assert_int_equal(world_got(a, "before you know me", 18), 1);
	world_close(a);
	world_open(b); /* the answer to a hello does not wait for its sender */
	world_run(w, 5 * PEER_S);
	assert_int_equal(world_state(b, "alice"), CHAPPE_CONTACT_READY);
	world_free(w);
}

/* ---- What the relay is told to forget ---- */

/* A frame for Bob as if Alice's device had sealed it, and then something done to it. */
struct forged {
	union {
		struct wire_inner inner;
		uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES];
	};
};

static struct forged forge(struct world *w, uint8_t type, uint64_t number, bool other_key)
{
	struct device_contact *alice = device_contact_find(w->device[ALICE].chappe, "bob");
	struct forged forged = { .inner = { .kind = WIRE_STORED } };
	struct noise_keypair other;
	union {
		struct seal_plain plain;
		uint8_t bytes[SEAL_SMALL_PLAIN_BYTES];
	} opened = { .plain = { .type = type, .frags = put16(1), .message = put64(number) } };

	noise_generate(&other);
	randombytes_buf(&forged.inner.frame_id, sizeof forged.inner.frame_id);
	memcpy(forged.inner.route, alice->peer_route, sizeof forged.inner.route);
	assert_int_equal(seal_payload(other_key ? &other : &alice->own, alice->peer_key, alice->psk,
				 &forged.inner, &opened.plain, sizeof opened),
		0);
	return forged;
}

/* Puts it into the relay's store; whether Bob had it forgotten. */
static bool is_forgotten(struct world *w, const struct forged *forged)
{
	struct peer_session *session = relay_peer_session(w->relay, w->device[ALICE].invitation);
	unsigned int before = w->relay->counts.received;

	relay_peer_store(w->relay, session, &forged->inner, sizeof *forged);
	world_run(w, 3 * PEER_S);
	return w->relay->counts.received == before + 1;
}

static void what_can_never_be_of_use_does_not_block_the_mailbox(void **state)
{
	struct world *w = world_paired();
	struct world_device *b = &w->device[BOB];
	struct forged frame;

	(void)state;
	frame = forge(w, SEAL_DATA, 500, false);
	frame.inner.payload[100] ^= 1;
	assert_true(is_forgotten(w, &frame));
	assert_int_equal(b->chappe->counters.drop_seal, 1);
	frame = forge(w, SEAL_DATA, 500, true);
	assert_true(is_forgotten(w, &frame));
	assert_int_equal(b->chappe->counters.drop_other_key, 1);
	frame = forge(w, 77, 500, false);
	assert_true(is_forgotten(w, &frame));
	frame = forge(w, SEAL_DATA, 0, false);
	assert_true(is_forgotten(w, &frame));
	/* one that may come to be of use stays: too far ahead, or of a route not known yet */
	frame = forge(w, SEAL_DATA, 5000, false);
	assert_false(is_forgotten(w, &frame));
	struct device_contact *alice = device_contact_find(b->chappe, "alice");
	frame = forge(w, SEAL_DATA, 700, false);
	alice->has_route = false;
	assert_false(is_forgotten(w, &frame));
	alice->has_route = true;
	assert_int_equal(b->counts[CHAPPE_EVENT_MESSAGE], 0);
	/* and none of them was in the way of */
	world_send_stored(&w->device[ALICE], "bob", "a good one", 10);
	world_run(w, PEER_S);
	assert_int_equal(world_got(b, "a good one", 10), 1);
	assert_int_equal(w->relay->counts.received_wrong, 0);
	world_free(w);
}

static void what_the_application_puts_off_stays_at_the_relay(void **state)
{
	struct world *w = world_paired();
	struct world_device *a = &w->device[ALICE], *b = &w->device[BOB];
	static uint8_t large[CHAPPE_MESSAGE_MAX_BYTES];

	(void)state;
	randombytes_buf(large, sizeof large);
	b->put_off = true;
	world_send_stored(a, "bob", large, sizeof large);
	world_send_stored(a, "bob", "after", 5);
	world_run(w, 20 * PEER_S);
	assert_int_equal(a->counts[CHAPPE_EVENT_ACCEPTED], 2);
	assert_int_equal(relay_peer_waiting(w->relay, b->invitation), SEAL_FRAGMENTS_MAX + 1);
	world_kill(b); /* all of it comes again */
	world_open(b);
	b->put_off = false;
	world_run(w, 20 * PEER_S);
	assert_int_equal(world_got(b, large, sizeof large), 1);
	assert_int_equal(world_got(b, "after", 5), 1);
	assert_int_equal(relay_peer_waiting(w->relay, b->invitation), 0);
	assert_int_equal(w->relay->counts.changed, 0);
	world_free(w);
}

static void a_full_store_is_not_a_silent_loss(void **state)
{
	struct world *w = world_paired();
	struct world_device *a = &w->device[ALICE];
	struct chappe_send_options options = { .size = sizeof options, .accept_within_s = 120 };
	uint64_t number;

	(void)state;
	w->relay->store_takes = 0;
	number = world_send_stored(a, "bob", "no room", 7);
	assert_int_equal(
		chappe_send_with(a->chappe, "bob", "more time", 9, &options, NULL), CHAPPE_OK);
	world_run(w, 58 * PEER_S);
	assert_int_equal(a->counts[CHAPPE_EVENT_NOT_ACCEPTED], 1);
	assert_int_equal(world_last(a, CHAPPE_EVENT_NOT_ACCEPTED)->message, number);
	assert_int_equal(chappe_unacknowledged(a->chappe), 2);
	assert_int_equal(chappe_outbox_drop(a->chappe, "bob", number), CHAPPE_OK);
	assert_int_equal(chappe_outbox_drop(a->chappe, "bob", number), CHAPPE_ERR_NO_MESSAGE);
	assert_int_equal(chappe_outbox_drop(a->chappe, "bob", 99), CHAPPE_ERR_NO_MESSAGE);
	assert_int_equal(chappe_outbox_drop(a->chappe, "nobody", 1), CHAPPE_ERR_NO_CONTACT);
	assert_int_equal(chappe_unacknowledged(a->chappe), 1);
	w->relay->store_takes = -1;
	world_run(w, 30 * PEER_S);
	assert_int_equal(a->counts[CHAPPE_EVENT_NOT_ACCEPTED], 1);
	assert_int_equal(world_got(&w->device[BOB], "more time", 9), 1);
	assert_int_equal(world_got(&w->device[BOB], "no room", 7), 0);
	options.kind = (enum chappe_kind)7;
	assert_int_equal(
		chappe_send_with(a->chappe, "bob", "x", 1, &options, NULL), CHAPPE_ERR_USAGE);
	options.kind = CHAPPE_LIVE;
	options.ttl_minutes = 5;
	assert_int_equal(
		chappe_send_with(a->chappe, "bob", "x", 1, &options, NULL), CHAPPE_ERR_USAGE);
	world_free(w);
}

/* What was on its way when the store went away is not sent again in pairs, one in each timeout. */
static void after_an_outage_all_of_it_goes_out_at_once(void **state)
{
	enum { MESSAGES = 20 };
	struct world *w = world_paired();
	struct world_device *a = &w->device[ALICE];

	(void)state;
	world_send_stored(a, "bob", "first", 5);
	world_run(w, 2 * PEER_S);
	assert_int_equal(a->counts[CHAPPE_EVENT_ACCEPTED], 1);
	w->relay->store_takes = 0;
	for (int i = 0; i < MESSAGES; i++)
		world_send_stored(a, "bob", "meanwhile", 9);
	world_run(w, 5 * PEER_S);
	assert_int_equal(a->counts[CHAPPE_EVENT_ACCEPTED], 1);
	w->relay->store_takes = -1;
	for (int i = 0; i < 1000 && a->counts[CHAPPE_EVENT_ACCEPTED] == 1; i++)
		world_run(w, PEER_S / 100);
	world_run(w, PEER_S / 10);
	assert_int_equal(a->counts[CHAPPE_EVENT_ACCEPTED], 1 + MESSAGES);
	world_free(w);
}

static void the_time_to_live_is_rounded_up(void **state)
{
	static const struct {
		uint32_t minutes;
		uint8_t ttl;
	} rows[] = { { 0, 0 }, { 1, 1 }, { 2, 1 }, { 3, 2 }, { 60, 6 }, { 64, 6 }, { 65, 7 },
		{ 30240, 15 }, { UINT32_MAX, 31 } };
	struct world *w = world_paired();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct chappe_send_options options = { .size = sizeof options,
			.ttl_minutes = rows[i].minutes };
		assert_int_equal(
			chappe_send_with(w->device[ALICE].chappe, "bob", "x", 1, &options, NULL),
			CHAPPE_OK);
		world_run(w, 100 * PEER_MS);
		assert_int_equal(w->relay->stored[w->relay->stored_count - 1].ttl, rows[i].ttl);
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_waits_for_the_other_device),
		cmocka_unit_test(contacts_are_made_while_the_other_is_away),
		cmocka_unit_test(what_can_never_be_of_use_does_not_block_the_mailbox),
		cmocka_unit_test(what_the_application_puts_off_stays_at_the_relay),
		cmocka_unit_test(a_full_store_is_not_a_silent_loss),
		cmocka_unit_test(after_an_outage_all_of_it_goes_out_at_once),
		cmocka_unit_test(the_time_to_live_is_rounded_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
