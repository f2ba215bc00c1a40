/* The index in memory against a model that looks at every message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/calendar.h"
#include "store/mailbox.h"
#include "store/recent.h"

#include <errno.h>
#include <unistd.h>

enum { ROUTES = 3000, DEVICES = 50, STEPS = 200000, MESSAGES = STEPS };

static struct {
	uint16_t route;
	bool waits, large;
} model[MESSAGES];
static uint32_t device_of[ROUTES];

static void route_bytes(uint32_t n, uint8_t *route)
{
	memset(route, 0, WIRE_ROUTE_BYTES);
	memcpy(route + 3, &n, sizeof n);
}

/* Whether one of the positions where a frame may be is this one; any other is chance's. */
static bool is_found(
	const struct mailboxes *boxes, const struct mailbox *box, uint64_t frame_id, int64_t wanted)
{
	bool found = false;
	uint32_t others = 0;
	int64_t at;

	for (uint32_t cursor = 0; (at = mailbox_seek(boxes, box, frame_id, &cursor)) >= 0;) {
		assert_true(at < box->count && mailbox_may_be(box->entries[at], frame_id));
		found |= at == wanted;
		others += at != wanted;
	}
	assert_true(others < 3);
	return found;
}

static void check_all(const struct mailboxes *boxes, uint64_t messages)
{
	static uint32_t waiting[ROUTES], large[ROUTES], seen[ROUTES];
	struct mailbox_load devices[DEVICES] = { { 0 } }, all = { 0 };
	uint32_t mailboxes = 0;
	uint8_t route[WIRE_ROUTE_BYTES];

	memset(waiting, 0, sizeof waiting);
	memset(large, 0, sizeof large);
	memset(seen, 0, sizeof seen);
	for (uint64_t n = 1; n < messages; n++) {
		waiting[model[n].route] += model[n].waits;
		large[model[n].route] += model[n].waits && model[n].large;
	}
	for (uint32_t r = 0; r < ROUTES; r++) {
		route_bytes(r, route);
		const struct mailbox *box = mailbox_find(boxes, route);
		assert_int_equal(box != NULL, waiting[r] > 0);
		if (!box)
			continue;
		mailboxes++;
		all.count += waiting[r];
		all.large += large[r];
		assert_int_equal(box->count, waiting[r]);
		assert_int_equal(box->large, large[r]);
		for (uint32_t i = 0; i < box->count; i++) {
			const uint64_t number = mailbox_number(box->entries[i]);
			assert_true(model[number].waits && model[number].route == r);
			assert_int_equal(mailbox_large(box->entries[i]), model[number].large);
			assert_int_equal(mailbox_ttl(box->entries[i]), number % 32);
			assert_true(mailbox_may_be(box->entries[i], number * 77));
			assert_int_equal(mailbox_position(box, number), i);
			assert_true(is_found(boxes, box, number * 77, i));
			assert_true(i == 0 || number > mailbox_number(box->entries[i - 1]));
		}
		assert_int_equal(mailbox_position(box, messages), -1);
		assert_false(is_found(boxes, box, messages * 77, -2));
		if (box->device != MAILBOX_NO_DEVICE) {
			devices[box->device].count += box->count;
			devices[box->device].large += box->large;
		}
	}
	assert_int_equal(mailboxes_count(boxes), mailboxes);
	assert_int_equal(mailboxes_load(boxes).count, all.count);
	assert_int_equal(mailboxes_load(boxes).large, all.large);
	for (uint32_t d = 0; d < DEVICES; d++) {
		assert_int_equal(mailbox_device_load(boxes, d).count, devices[d].count);
		assert_int_equal(mailbox_device_load(boxes, d).large, devices[d].large);
		for (const struct mailbox *box = mailbox_first(boxes, d); box;
			box = mailbox_next(boxes, box)) {
			assert_int_equal(box->device, d);
			devices[d].count -= box->count;
		}
		assert_int_equal(devices[d].count, 0);
	}
	uint32_t places = 0;
	for (uint32_t i = 0; i < mailboxes_places(boxes); i++)
		places += mailbox_at(boxes, i) != NULL;
	assert_int_equal(places, mailboxes);
}

static void step(struct mailboxes *boxes, uint64_t *next, long adds)
{
	/* A few have many. */
	const uint32_t r = (uint32_t)(random() % (random() % 4 == 0 ? 20 : ROUTES));
	uint8_t route[WIRE_ROUTE_BYTES];

	route_bytes(r, route);
	struct mailbox *box = mailbox_find(boxes, route);
	if (random() % 100 < adds) {
		const uint64_t n = (*next)++;
		model[n].route = (uint16_t)r;
		model[n].waits = true;
		model[n].large = random() % 3 == 0;
		assert_int_equal(
			mailbox_add(boxes, route,
				mailbox_entry(n, n * 77, (uint8_t)(n % 32), model[n].large),
				n * 77),
			0);
	} else if (box && random() % 4 == 0) {
		device_of[r] = (uint32_t)(random() % (DEVICES + 1));
		assert_int_equal(
			mailbox_set_device(boxes, box,
				device_of[r] == DEVICES ? MAILBOX_NO_DEVICE : device_of[r]),
			0);
	} else if (box) {
		const uint32_t at = (uint32_t)random() % box->count, before = box->count;
		model[mailbox_number(box->entries[at])].waits = false;
		assert_int_equal(mailbox_remove(boxes, box, at), before > 1);
	}
}

static void behaves_like_the_model(void **state)
{
	struct mailboxes *boxes = mailboxes_create(DEVICES);
	uint64_t next = 1;

	(void)state;
	assert_non_null(boxes);
	srandom(2);
	/* Fills, stays, drains. */
	for (uint32_t i = 0; i < STEPS; i++) {
		step(boxes, &next, i < STEPS / 3 ? 80 : i < 2 * STEPS / 3 ? 45 : 5);
		if (i % 20000 == 19999)
			check_all(boxes, next);
	}
	mailboxes_destroy(boxes);
}

static void slots_that_cannot_be_are_refused(void **state)
{
	struct mailboxes *boxes = mailboxes_create(DEVICES);
	uint8_t route[WIRE_ROUTE_BYTES] = { 1 };

	(void)state;
	assert_int_equal(mailbox_add(boxes, route, mailbox_entry(1, 0, 0, true), 0), 0);
	struct mailbox *box = mailbox_find(boxes, route);
	assert_int_equal(mailbox_set_device(boxes, box, DEVICES), -EINVAL);
	assert_int_equal(box->device, MAILBOX_NO_DEVICE);
	assert_null(mailbox_first(boxes, DEVICES));
	assert_int_equal(mailbox_device_load(boxes, DEVICES).count, 0);
	assert_int_equal(mailbox_bytes(3, 1), 2 * 512 + 1232);
	mailboxes_destroy(boxes);
}

static void calendar_tells_minute_and_epoch(void **state)
{
	struct calendar calendar = { 0 };

	(void)state;
	for (uint64_t n = 1; n <= 100000; n++)
		assert_int_equal(
			calendar_add(&calendar, n, (uint32_t)(n / 10 + 5), (uint32_t)(n / 600 + 1)),
			0);
	for (uint64_t n = 1; n <= 100000; n += 7) {
		const struct calendar_page page = calendar_of(&calendar, n);
		assert_int_equal(page.minute, n / 10 + 5);
		assert_int_equal(page.epoch, n / 600 + 1);
	}
	const size_t before = calendar.count;
	calendar_forget(&calendar, 5000 + 5);
	assert_true(calendar.count < before);
	assert_int_equal(calendar_of(&calendar, 50000).minute, 5005);
	assert_int_equal(calendar_add(&calendar, 100001, 3, 900), 0); /* the clock went back */
	assert_int_equal(calendar_of(&calendar, 100001).minute, 10005);
	assert_int_equal(calendar_of(&calendar, 100001).epoch, 900);
	calendar_free(&calendar);
}

static void count_gone(void *arg, const struct recent_frame *frame)
{
	assert_true(frame->arrived < 50);
	assert_in_range(frame->epoch, 1, 7);
	++*(uint32_t *)arg;
}

static void recent_frames_are_known_until_forgotten(void **state)
{
	enum { FRAMES = 20000 };
	struct recent *recent = recent_create();
	uint8_t route[WIRE_ROUTE_BYTES], other[WIRE_ROUTE_BYTES] = { 0xff };
	uint32_t gone = 0;

	(void)state;
	for (uint64_t n = 1; n <= FRAMES; n++) {
		route_bytes((uint32_t)n % 100, route);
		assert_int_equal(
			recent_add(recent, route, n, (uint32_t)n % 100, 1 + (uint32_t)(n % 7)), 0);
	}
	assert_int_equal(recent_count(recent), FRAMES);
	assert_false(recent_has(recent, other, 1));
	assert_false(recent_has(recent, route, FRAMES + 1));
	recent_forget(recent, 50, count_gone, &gone);
	assert_int_equal(gone, FRAMES / 2);
	for (uint64_t n = 1; n <= FRAMES; n++) {
		route_bytes((uint32_t)n % 100, route);
		assert_int_equal(recent_has(recent, route, n), n % 100 >= 50);
	}
	recent_destroy(recent);
}

/* Where many mailboxes are one device's, none of them costs a look at the others. */
static void a_mailbox_changes_its_device_at_once(void **state)
{
	enum { BOXES = 300000 };
	struct mailboxes *boxes = mailboxes_create(2);
	uint8_t route[WIRE_ROUTE_BYTES];
	uint32_t seen = 0;

	(void)state;
	for (uint32_t n = 0; n < BOXES; n++) {
		route_bytes(n, route);
		assert_int_equal(
			mailbox_add(boxes, route, mailbox_entry(1 + n, n, 0, false), n), 0);
		assert_int_equal(mailbox_set_device(boxes, mailbox_find(boxes, route), 0), 0);
	}
	alarm(30);                                 /* milliseconds; or a minute and more */
	for (uint32_t n = 0; n < 2 * BOXES; n++) { /* always the first of the device's */
		route_bytes(n % BOXES, route);
		assert_int_equal(
			mailbox_set_device(boxes, mailbox_find(boxes, route), n < BOXES), 0);
	}
	alarm(0);
	for (const struct mailbox *box = mailbox_first(boxes, 0); box;
		box = mailbox_next(boxes, box))
		seen++;
	assert_int_equal(seen, BOXES);
	assert_null(mailbox_first(boxes, 1));
	mailboxes_destroy(boxes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaves_like_the_model),
		cmocka_unit_test(slots_that_cannot_be_are_refused),
		cmocka_unit_test(calendar_tells_minute_and_epoch),
		cmocka_unit_test(a_mailbox_changes_its_device_at_once),
		cmocka_unit_test(recent_frames_are_known_until_forgotten),
	};
	return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
