/* Whole devices at a relay in memory: joining, messages, restarts. */
#include "device_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t zeros[WIRE_INVITATION_ID_BYTES];

/* ---- Joining ---- */

static void the_invitation_id_goes_once_control_has_answered(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0];
	char text[LINK_TEXT_BYTES];
	w->relay->lose_control_answers = 1000;
	world_invitation(a, text);
	assert_int_equal(chappe_join(a->chappe, text), CHAPPE_OK);
	world_run(w, 5 * PEER_S);
	/* the session is confirmed, but control may not have written it down */
	assert_int_equal(a->chappe->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(a->counts[CHAPPE_EVENT_JOINED], 0);
	world_kill(a);
	world_open(a);
	world_run(w, PEER_S);
	assert_memory_not_equal(w->relay->last_invitation_id, zeros, sizeof zeros);
	w->relay->lose_control_answers = 0;
	world_run(w, 10 * PEER_S);
	assert_int_equal(a->counts[CHAPPE_EVENT_JOINED], 1);
	world_kill(a);
	world_open(a);
	world_run(w, PEER_S);
	assert_memory_equal(w->relay->last_invitation_id, zeros, sizeof zeros);
	assert_int_equal(a->chappe->hop.state, CHAPPE_STATE_CONNECTED);
	assert_int_equal(chappe_join(a->chappe, text), CHAPPE_ERR_ALREADY_JOINED);
}

static void a_restarted_device_goes_on_with_its_attempt(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0];
	world_join(a);
	for (int i = 0; i < 5; i++) {
		uint64_t before = w->relay->last_attempt;
		unsigned int inits = w->relay->counts.inits;
		world_kill(a);
		world_open(a);
		world_run(w, PEER_S);
		assert_int_equal(w->relay->last_attempt, before + 1);
		assert_int_equal(w->relay->counts.inits, inits + 1); /* not stale */
	}
}

static void bad_invitations_are_refused_with_a_reason(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0];
	char text[LINK_TEXT_BYTES];
	assert_int_equal(chappe_join(a->chappe, "hello"), CHAPPE_ERR_BAD_LINK);
	assert_true(strlen(chappe_link_problem(a->chappe)) > 0);
	world_invitation(a, text);
	text[60] = text[60] == 'A' ? 'B' : 'A';
	assert_int_equal(chappe_join(a->chappe, text), CHAPPE_ERR_BAD_LINK);
	assert_non_null(strstr(chappe_link_problem(a->chappe), "checksum"));
	assert_false(chappe_joined(a->chappe));
	assert_int_equal(chappe_connect(a->chappe), CHAPPE_ERR_NOT_JOINED);
	assert_int_equal(chappe_contact_new(a->chappe, "bob"), CHAPPE_ERR_NOT_JOINED);
}

static void a_used_invitation_may_be_replaced_by_another(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0];
	char text[LINK_TEXT_BYTES];
	w->relay->status = WIRE_STATUS_INVITATION_USED;
	world_invitation(a, text);
	assert_int_equal(chappe_join(a->chappe, text), CHAPPE_OK);
	world_run(w, PEER_S);
	assert_int_equal(world_last(a, CHAPPE_EVENT_STATE)->error, CHAPPE_ERR_INVITATION_USED);
	assert_int_equal(world_last(a, CHAPPE_EVENT_STATE)->state, CHAPPE_STATE_REFUSED);
	w->relay->status = WIRE_STATUS_OK;
	a->invitation = relay_peer_invite(w->relay);
	world_join(a);
}

/* ---- Messages ---- */

static void messages_of_many_sizes_go_both_ways(void **state)
{
	struct world *w = *state;
	static const size_t sizes[] = { 0, 1, 335, 336, 337, 1056, 1057, 65536, 1 << 20 };
	static uint8_t data[1 << 20];
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (int from = 0; from < 2; from++) {
			struct world_device *d = &w->device[from], *to = &w->device[1 - from];
			uint64_t number;
			randombytes_buf(data, sizes[i]);
			assert_int_equal(chappe_send(d->chappe, from ? "alice" : "bob", data,
						 sizes[i], &number),
				CHAPPE_OK);
			world_run(w, 10 * PEER_S);
			assert_int_equal(world_got(to, data, sizes[i]), 1);
			assert_int_equal(world_last(d, CHAPPE_EVENT_ACKNOWLEDGED)->message, number);
			world_forget_events(to);
		}
	assert_int_equal(chappe_send(w->device[0].chappe, "bob", data, (1 << 20) + 1, NULL),
		CHAPPE_ERR_TOO_LARGE);
}

static void nothing_is_acknowledged_before_the_application_has_it(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0], *b = &w->device[1];
	b->put_off = true;
	world_send_text(a, "bob", "not now");
	world_run(w, 5 * PEER_S);
	assert_int_equal(a->counts[CHAPPE_EVENT_ACKNOWLEDGED], 0);
	assert_int_equal(chappe_unacknowledged(a->chappe), 1);
	b->put_off = false;
	world_run(w, 5 * PEER_S);
	assert_int_equal(world_got(b, "not now", 7), 1);
	assert_int_equal(a->counts[CHAPPE_EVENT_ACKNOWLEDGED], 1);
}

static int echo(void *context, const struct chappe_event *event)
{
	struct world_device *d = context;
	if (event->type == CHAPPE_EVENT_MESSAGE)
		assert_int_equal(
			chappe_send(d->chappe, event->contact, event->data, event->len, NULL),
			CHAPPE_OK);
	return 0;
}

static void an_application_may_answer_from_within_its_callback(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0], *b = &w->device[1];
	b->chappe->on_event = echo;
	for (int i = 0; i < 100; i++) /* past a block of reserved numbers */
		world_send_text(a, "bob", "ping");
	world_run(w, 20 * PEER_S);
	assert_int_equal(world_got(a, "ping", 4), 100);
	assert_int_equal(chappe_unacknowledged(a->chappe), 0);
	assert_int_equal(chappe_unacknowledged(b->chappe), 0);
}

static int revoke_sender(void *context, const struct chappe_event *event)
{
	struct world_device *d = context;
	if (event->type == CHAPPE_EVENT_MESSAGE)
		assert_int_equal(chappe_contact_revoke(d->chappe, event->contact), CHAPPE_OK);
	return 0;
}

static void an_application_may_revoke_from_within_its_callback(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0], *b = &w->device[1];
	b->chappe->on_event = revoke_sender;
	world_send_text(a, "bob", "the last");
	world_send_text(a, "bob", "straw");
	world_run(w, 5 * PEER_S);
	assert_int_equal(b->chappe->contact_count, 0);
	assert_int_equal(b->chappe->counters.messages_received, 1);
}

/* bob's process dies again and again while messages come: every one arrives, and none twice but one
 * whose delivery and its record were cut apart, which an application that keeps numbers recognises.
 */
static void messages_survive_the_recipients_restarts(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0], *b = &w->device[1];
	w->relay->links[1].loss_percent = 20;
	for (int i = 0; i < 40; i++) {
		char text[32];
		snprintf(text, sizeof text, "message %d", i);
		world_send_text(a, "bob", text);
		world_run(w, randombytes_uniform(300) * PEER_MS);
		if (i % 4 == 3) {
			world_kill(b);
			world_open(b);
		}
	}
	world_run(w, 120 * PEER_S);
	assert_int_equal(chappe_unacknowledged(a->chappe), 0);
	for (int i = 0; i < 40; i++) {
		char text[32];
		snprintf(text, sizeof text, "message %d", i);
		assert_int_equal(world_got(b, text, strlen(text)), 1);
	}
}

static void messages_wait_for_the_relay_to_come_back(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0], *b = &w->device[1];
	w->relay->down = true;
	world_send_text(a, "bob", "through the outage");
	world_run(w, 20 * PEER_S);
	relay_peer_restart(w->relay);
	w->relay->down = false;
	/* bob is idle: he is back at his next keepalive */
	world_run(w, 30 * PEER_S);
	assert_int_equal(world_got(b, "through the outage", 18), 1);
	assert_int_equal(a->counts[CHAPPE_EVENT_ACKNOWLEDGED], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
#define P(name) cmocka_unit_test_setup_teardown(name, world_setup_pair, world_teardown)
		T(the_invitation_id_goes_once_control_has_answered),
		T(a_restarted_device_goes_on_with_its_attempt),
		T(bad_invitations_are_refused_with_a_reason),
		T(a_used_invitation_may_be_replaced_by_another),
		P(messages_of_many_sizes_go_both_ways),
		P(nothing_is_acknowledged_before_the_application_has_it),
		P(an_application_may_answer_from_within_its_callback),
		P(an_application_may_revoke_from_within_its_callback),
		P(messages_survive_the_recipients_restarts),
		P(messages_wait_for_the_relay_to_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
