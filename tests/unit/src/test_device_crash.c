/* Crash safety: the machine of a device loses power right before or right after the nth thing it
 * has ever stored, for every n. Once it is on again, all must end as if that had not happened. */
#include "device_world.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ALICE, BOB };

/* Restarts a device whose machine went off. */
static void revive(struct world_device *d)
{
	if (!d->crashed)
		return;
	world_kill(d);
	world_open(d);
}

/* One step of a person at a device: done again after a crash until it has worked. */
static void join(struct world *w, int who)
{
	struct world_device *d = &w->device[who];
	char text[LINK_TEXT_BYTES];

	world_invitation(d, text);
	for (int tries = 0; tries < 3; tries++) {
		if (!chappe_joined(d->chappe))
			assert_int_equal(chappe_join(d->chappe, text), CHAPPE_OK);
		world_run(w, 10 * PEER_S);
		revive(d);
		world_run(w, 10 * PEER_S);
		if (chappe_joined(d->chappe) && d->chappe->enrolled)
			return;
	}
	fail();
}

static void make_link(struct world *w, char link[CHAPPE_LINK_MAX_BYTES])
{
	struct world_device *d = &w->device[ALICE];
	struct chappe_contact contact;

	for (int tries = 0; tries < 3; tries++) {
		if (chappe_contact_get(d->chappe, "bob", &contact))
			assert_int_equal(chappe_contact_new(d->chappe, "bob"), CHAPPE_OK);
		world_run(w, 10 * PEER_S);
		revive(d);
		world_run(w, 10 * PEER_S);
		if (chappe_contact_get(d->chappe, "bob", &contact) == CHAPPE_OK &&
			contact.state == CHAPPE_CONTACT_INVITED) {
			strcpy(link, contact.link);
			return;
		}
	}
	fail();
}

static void add_link(struct world *w, const char *link)
{
	struct world_device *d = &w->device[BOB];

	for (int tries = 0; tries < 3; tries++) {
		if (world_state(d, "alice") == 0)
			assert_int_equal(chappe_contact_add(d->chappe, "alice", link), CHAPPE_OK);
		world_run(w, 30 * PEER_S);
		revive(&w->device[ALICE]);
		revive(d);
		world_run(w, 100 * PEER_S);
		if (world_state(d, "alice") == CHAPPE_CONTACT_READY &&
			world_state(&w->device[ALICE], "bob") == CHAPPE_CONTACT_READY)
			return;
	}
	fail();
}

/* A message that was not acknowledged is sent again, as a person would. */
static void send_message(struct world *w, int from, int to, const char *name, const char *text)
{
	struct world_device *d = &w->device[from];

	for (int tries = 0; tries < 3; tries++) {
		uint64_t number = 0;
		const struct world_event *acknowledged;
		assert_int_equal(
			chappe_send(d->chappe, name, text, strlen(text), &number), CHAPPE_OK);
		world_run(w, 10 * PEER_S);
		revive(&w->device[to]);
		world_run(w, 100 * PEER_S);
		acknowledged = world_last(d, CHAPPE_EVENT_ACKNOWLEDGED);
		if (acknowledged && acknowledged->message == number) {
			assert_true(world_got(&w->device[to], text, strlen(text)) >= 1);
			return;
		}
		revive(d);
		world_run(w, 10 * PEER_S);
	}
	fail();
}

static unsigned int routes(const struct world *w)
{
	unsigned int count = 0;
	for (int i = 0; i < PEER_ROUTES; i++)
		count += w->relay->routes[i].used;
	return count;
}

/* The whole story; victim's machine goes off at its nth put. Returns how often it stored. */
static unsigned int story(int victim, long n, bool loses)
{
	struct world *w = world_new();
	char link[CHAPPE_LINK_MAX_BYTES];
	unsigned int puts;

	w->device[victim].crash_at = n;
	w->device[victim].crash_loses = loses;
	join(w, ALICE);
	join(w, BOB);
	make_link(w, link);
	add_link(w, link);
	send_message(w, BOB, ALICE, "alice", "one");
	send_message(w, ALICE, BOB, "bob", "two");
	send_message(w, BOB, ALICE, "alice", "three");
	assert_int_equal(routes(w), 2); /* no crash leaves one behind */
	assert_int_equal(w->relay->counts.unopened, 0);
	puts = w->device[victim].puts;
	world_free(w);
	return puts;
}

static void no_crash_of_either_side_is_noticed(void **state)
{
	(void)state;
	for (int victim = ALICE; victim <= BOB; victim++) {
		unsigned int puts = story(victim, LONG_MAX, false);
		print_message("%u things stored\n", puts);
		assert_true(puts >= 8);
		for (long n = 0; n < (long)puts; n++)
			for (int loses = 0; loses < 2; loses++)
				story(victim, n, loses);
	}
}

/* A disk that refuses every write for a while, at every point. */
static void a_full_disk_is_reported_and_got_over(void **state)
{
	(void)state;
	for (int point = 0; point < 4; point++) {
		struct world *w = world_new();
		struct world_device *a = &w->device[ALICE], *b = &w->device[BOB];
		char link[CHAPPE_LINK_MAX_BYTES];
		if (point == 0) {
			world_invitation(a, link);
			a->fail_puts = 1;
			assert_int_equal(chappe_join(a->chappe, link), CHAPPE_ERR_STORAGE);
			assert_false(chappe_joined(a->chappe));
		}
		join(w, ALICE);
		join(w, BOB);
		if (point == 1) {
			a->fail_puts = 1;
			assert_int_equal(chappe_contact_new(a->chappe, "bob"), CHAPPE_ERR_STORAGE);
			assert_int_equal(world_state(a, "bob"), 0);
		}
		make_link(w, link);
		a->fail_puts = point == 2 ? 3 : 0;
		add_link(w, link);
		if (point == 3) {
			b->fail_puts = 3;
			assert_int_equal(chappe_send(a->chappe, "bob", "x", 1, NULL), CHAPPE_OK);
			world_run(w, 60 * PEER_S);
			assert_int_equal(
				world_last(b, CHAPPE_EVENT_ERROR)->error, CHAPPE_ERR_STORAGE);
			assert_int_equal(world_got(b, "x", 1), 1);
		}
		send_message(w, BOB, ALICE, "alice", "one");
		world_free(w);
	}
}

/* Values cut off or altered are refused, and left as they are for whoever can repair them. */
static void a_damaged_value_is_refused_and_kept(void **state)
{
	struct world *w = world_new();
	struct world_device *a = &w->device[ALICE];
	char link[CHAPPE_LINK_MAX_BYTES];

	(void)state;
	join(w, ALICE);
	join(w, BOB);
	make_link(w, link);
	add_link(w, link);
	world_run(w, 70 * PEER_S);
	w->relay->store_takes = 0;
	static uint8_t large[200000];
	assert_int_equal(chappe_send_with(a->chappe, "bob", large, sizeof large, NULL, NULL), 0);
	assert_int_equal(world_values(a, "outbox-"), 4);
	for (int i = 0; i < WORLD_VALUES; i++) {
		struct world_value *v = &a->values[i];
		size_t len = v->len;
		uint8_t *byte = v->bytes + len / 4;
		if (!v->used)
			continue;
		world_kill(a);
		*byte ^= 0x80;
		for (int half = 0; half < 2; half++) {
			uint8_t damaged = *byte;
			v->len = half ? len / 2 : len;
			if (!half && strncmp(v->key, "outbox-", 7) != 0)
				continue; /* only these have a checksum */
			assert_int_equal(world_try_open(a), CHAPPE_ERR_DAMAGED);
			assert_null(a->chappe);
			assert_true(v->used && v->len == (half ? len / 2 : len));
			assert_int_equal(*byte, damaged);
		}
		*byte ^= 0x80;
		v->len = len;
		world_open(a);
		assert_true(a->chappe->enrolled);
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_crash_of_either_side_is_noticed),
		cmocka_unit_test(a_full_disk_is_reported_and_got_over),
		cmocka_unit_test(a_damaged_value_is_refused_and_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
