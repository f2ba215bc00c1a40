/* Whole devices at a relay in memory: how contacts begin and end, across restarts. */
#include "device_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void two_devices_become_contacts(void **state)
{
	struct world *w = *state;
	struct chappe_contact at_a, at_b;
	assert_int_equal(chappe_contact_get(w->device[0].chappe, "bob", &at_a), CHAPPE_OK);
	assert_int_equal(chappe_contact_get(w->device[1].chappe, "alice", &at_b), CHAPPE_OK);
	assert_string_equal(at_a.safety, at_b.safety);
	assert_true(strlen(at_a.safety) > 10);
	assert_false(at_a.verified);
	assert_int_equal(chappe_contact_set_verified(w->device[0].chappe, "bob", true), CHAPPE_OK);
	world_kill(&w->device[0]);
	world_open(&w->device[0]);
	assert_int_equal(chappe_contact_get(w->device[0].chappe, "bob", &at_a), CHAPPE_OK);
	assert_true(at_a.verified);
	assert_int_equal(at_a.state, CHAPPE_CONTACT_READY);
}

static void the_hello_is_repeated_until_it_is_acknowledged_across_restarts(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0], *b = &w->device[1];
	char link[CHAPPE_LINK_MAX_BYTES];
	w->relay->no_store = true;
	world_join(a);
	world_join(b);
	assert_int_equal(chappe_contact_new(a->chappe, "bob"), CHAPPE_OK);
	world_run(w, PEER_S);
	strcpy(link, world_last(a, CHAPPE_EVENT_CONTACT_LINK)->link);
	world_close(a); /* alice is not there */
	assert_int_equal(chappe_contact_add(b->chappe, "alice", link), CHAPPE_OK);
	world_run(w, 60 * PEER_S);
	assert_int_equal(world_state(b, "alice"), CHAPPE_CONTACT_GREETING);
	uint64_t number = world_send_text(b, "alice", "before you know me");
	world_kill(b);
	world_open(b);
	world_run(w, 10 * PEER_S);
	assert_int_equal(world_state(b, "alice"), CHAPPE_CONTACT_GREETING);
	assert_true(number > 0);
	world_open(a);
	world_run(w, 70 * PEER_S);
	assert_int_equal(world_state(b, "alice"), CHAPPE_CONTACT_READY);
	assert_int_equal(world_state(a, "bob"), CHAPPE_CONTACT_READY);
	assert_int_equal(w->relay->counts.unopened, 0);
}

static void messages_sent_with_the_hello_come_after_it(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0], *b = &w->device[1];
	world_join(a);
	world_join(b);
	assert_int_equal(chappe_contact_new(a->chappe, "bob"), CHAPPE_OK);
	world_run(w, PEER_S);
	assert_int_equal(chappe_contact_add(b->chappe, "alice",
				 world_last(a, CHAPPE_EVENT_CONTACT_LINK)->link),
		CHAPPE_OK);
	while (world_state(b, "alice") == CHAPPE_CONTACT_CREATING)
		world_run(w, PEER_MS);
	uint64_t number = world_send_text(b, "alice", "first words");
	w->relay->links[0].loss_percent = 30;
	world_run(w, 60 * PEER_S);
	assert_int_equal(world_got(a, "first words", 11), 1);
	assert_int_equal(world_last(b, CHAPPE_EVENT_ACKNOWLEDGED)->message, number);
	assert_int_equal(chappe_unacknowledged(b->chappe), 0);
}

static void a_lost_answer_makes_no_second_route(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0];
	unsigned int routes = 0;
	world_join(a);
	w->relay->lose_control_answers = 3;
	assert_int_equal(chappe_contact_new(a->chappe, "bob"), CHAPPE_OK);
	world_run(w, PEER_S);
	assert_int_equal(world_state(a, "bob"), CHAPPE_CONTACT_CREATING);
	world_kill(a); /* the relay made the route, the device does not know it */
	world_open(a);
	world_run(w, 10 * PEER_S);
	assert_int_equal(world_state(a, "bob"), CHAPPE_CONTACT_INVITED);
	for (int i = 0; i < PEER_ROUTES; i++)
		routes += w->relay->routes[i].used;
	assert_int_equal(routes, 1);
	assert_int_equal(w->relay->routes[0].flags, CONTROL_ROUTE_LIVE);
}

static void a_busy_relay_is_asked_again(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0];
	world_join(a);
	w->relay->controls_busy = true;
	assert_int_equal(chappe_contact_new(a->chappe, "bob"), CHAPPE_OK);
	world_run(w, 10 * PEER_S);
	assert_int_equal(world_state(a, "bob"), CHAPPE_CONTACT_CREATING);
	w->relay->controls_busy = false;
	world_run(w, 10 * PEER_S);
	assert_int_equal(world_state(a, "bob"), CHAPPE_CONTACT_INVITED);
}

static void too_many_routes_is_a_clear_error(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0];
	w->relay->routes_max = 1;
	world_join(a);
	assert_int_equal(chappe_contact_new(a->chappe, "one"), CHAPPE_OK);
	assert_int_equal(chappe_contact_new(a->chappe, "two"), CHAPPE_OK);
	world_run(w, PEER_S);
	assert_int_equal(world_last(a, CHAPPE_EVENT_ERROR)->error, CHAPPE_ERR_NO_ROUTES);
	assert_int_equal(world_state(a, "two"), 0);
	assert_int_equal(world_state(a, "one"), CHAPPE_CONTACT_INVITED);
	assert_int_equal(chappe_contact_new(a->chappe, "two"), CHAPPE_OK); /* the name is free */
}

static void links_that_do_not_fit_are_refused(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0], *b = &w->device[1];
	struct link link = { .kind = LINK_CONTACT, .relay_count = 1 };
	char text[LINK_TEXT_BYTES];
	world_join(a);
	world_join(b);
	assert_int_equal(chappe_contact_new(a->chappe, "bob"), CHAPPE_OK);
	world_run(w, PEER_S);
	const char *own = world_last(a, CHAPPE_EVENT_CONTACT_LINK)->link;
	assert_int_equal(chappe_contact_add(a->chappe, "me", own), CHAPPE_ERR_BAD_LINK);
	assert_non_null(strstr(chappe_link_problem(a->chappe), "itself"));
	assert_int_equal(chappe_contact_add(b->chappe, "../x", own), CHAPPE_ERR_BAD_NAME);
	assert_int_equal(chappe_contact_new(a->chappe, "bob"), CHAPPE_ERR_CONTACT_EXISTS);
	strcpy(link.relays[0], "192.0.2.1:4460");
	memset(link.relay_key, 7, sizeof link.relay_key);
	memset(link.device_key, 8, sizeof link.device_key);
	assert_int_equal(link_format(&link, text), 0);
	assert_int_equal(chappe_contact_add(b->chappe, "eve", text), CHAPPE_ERR_OTHER_RELAY);
	assert_int_equal(b->chappe->contact_count, 0);
}

static void a_second_key_under_the_same_link_is_refused_and_reported(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0], *b = &w->device[1], *eve = &w->device[2];
	char link[CHAPPE_LINK_MAX_BYTES];
	world_join(a);
	world_join(b);
	world_join(eve);
	assert_int_equal(chappe_contact_new(a->chappe, "bob"), CHAPPE_OK);
	world_run(w, PEER_S);
	strcpy(link, world_last(a, CHAPPE_EVENT_CONTACT_LINK)->link);
	assert_int_equal(chappe_contact_add(b->chappe, "alice", link), CHAPPE_OK);
	world_run(w, PEER_S);
	assert_int_equal(chappe_contact_add(eve->chappe, "alice", link), CHAPPE_OK);
	world_run(w, 20 * PEER_S);
	assert_int_equal(world_state(eve, "alice"), CHAPPE_CONTACT_GREETED); /* and never ready */
	assert_int_equal(world_last(a, CHAPPE_EVENT_ERROR)->error, CHAPPE_ERR_KEY_REFUSED);
	assert_int_equal(a->counts[CHAPPE_EVENT_ERROR], 1); /* reported once */
	assert_true(a->chappe->counters.drop_other_key > 1);
	/* bob is not disturbed */
	world_send_text(b, "alice", "still me");
	world_run(w, PEER_S);
	assert_int_equal(world_got(a, "still me", 8), 1);
}

static void revoking_ends_one_contact_at_once_and_no_other(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0], *b = &w->device[1], *c = &w->device[2];
	world_join(c);
	world_pair(a, "carol", c, "alice");
	uint8_t route[WIRE_ROUTE_BYTES];
	memcpy(route, device_contact_find(a->chappe, "bob")->route, sizeof route);
	assert_non_null(relay_peer_route(w->relay, route));
	assert_int_equal(chappe_contact_revoke(a->chappe, "bob"), CHAPPE_OK);
	world_run(w, 100 * PEER_MS);
	assert_null(relay_peer_route(w->relay, route));
	assert_int_equal(a->counts[CHAPPE_EVENT_CONTACT_REVOKED], 1);
	assert_int_equal(world_state(a, "bob"), 0);
	for (int i = 0; i < WORLD_VALUES; i++)
		if (a->values[i].used)
			assert_null(strstr(a->values[i].key, "bob"));
	world_send_text(b, "alice", "are you there?");
	world_send_text(c, "alice", "hello from carol");
	world_run(w, 10 * PEER_S);
	assert_int_equal(world_got(a, "are you there?", 14), 0);
	assert_int_equal(world_got(a, "hello from carol", 16), 1);
}

static void a_revocation_is_finished_after_a_restart(void **state)
{
	struct world *w = *state;
	struct world_device *a = &w->device[0];
	uint8_t route[WIRE_ROUTE_BYTES], secret[WIRE_KEY_BYTES];
	struct device_contact *bob = device_contact_find(a->chappe, "bob");
	char hex[2 * WIRE_KEY_BYTES + 1];
	memcpy(route, bob->route, sizeof route);
	memcpy(secret, bob->own.secret, sizeof secret);
	w->relay->down = true;
	assert_int_equal(chappe_contact_revoke(a->chappe, "bob"), CHAPPE_OK);
	world_run(w, PEER_S);
	assert_int_equal(chappe_send(a->chappe, "bob", "x", 1, NULL), CHAPPE_ERR_CONTACT_NOT_READY);
	/* its keys are gone from storage already */
	sodium_bin2hex(hex, sizeof hex, secret, sizeof secret);
	for (int i = 0; i < WORLD_VALUES; i++)
		if (a->values[i].used)
			assert_null(
				memmem(a->values[i].bytes, a->values[i].len, hex, sizeof hex - 1));
	world_kill(a);
	w->relay->down = false;
	world_open(a);
	world_run(w, PEER_S);
	assert_null(relay_peer_route(w->relay, route));
	assert_int_equal(world_state(a, "bob"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
#define P(name) cmocka_unit_test_setup_teardown(name, world_setup_pair, world_teardown)
		P(two_devices_become_contacts),
		T(the_hello_is_repeated_until_it_is_acknowledged_across_restarts),
		T(messages_sent_with_the_hello_come_after_it),
		T(a_lost_answer_makes_no_second_route),
		T(a_busy_relay_is_asked_again),
		T(too_many_routes_is_a_clear_error),
		T(links_that_do_not_fit_are_refused),
		T(a_second_key_under_the_same_link_is_refused_and_reported),
		P(revoking_ends_one_contact_at_once_and_no_other),
		P(a_revocation_is_finished_after_a_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
