/* Stored messages through the whole client: accepted by the relay, delivered when the other device
 * is there, received and acknowledged. */
#include "device_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ALICE, BOB };

static struct world *paired(void)
{
	struct world *w = world_new();

	world_join(&w->device[ALICE]);
	world_join(&w->device[BOB]);
	world_pair(&w->device[ALICE], "bob", &w->device[BOB], "alice");
	world_run(w, 2 * PEER_S);
	return w;
}

static uint64_t send_stored(struct world_device *d, const char *name, const void *data, size_t len)
{
	uint64_t number = 0;

	assert_int_equal(chappe_send_with(d->chappe, name, data, len, NULL, &number), CHAPPE_OK);
	return number;
}

static bool accepted(const struct world_device *d, uint64_t number)
{
	const struct world_event *event = world_last(d, CHAPPE_EVENT_ACCEPTED);
	return event && event->message == number;
}

static void a_message_waits_for_the_other_device(void **state)
{
	struct world *w = paired();
	struct world_device *a = &w->device[ALICE], *b = &w->device[BOB];
	uint64_t number;

	(void)state;
	world_close(b);
	number = send_stored(a, "bob", "wait", 4);
	world_run(w, PEER_S);
	assert_true(accepted(a, number));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_waits_for_the_other_device),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
