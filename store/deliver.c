/* Whose turn it is, how much it is given, and when it is sent again. */
#include "deliver_private.h"

#include "clock.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

enum { NONE = DELIVER_NONE };

/* Where a device is; in the wheel, in the list WHEEL and its spoke. */
enum list {
	NO_LIST = DELIVER_NOWHERE,
	READY = DELIVER_READY,
	LATER = DELIVER_LATER,
	WHEEL = DELIVER_WHEEL,
};

static void lists_clear(struct deliver *deliver)
{
	static const struct deliver_list empty = { NONE, NONE };

	for (uint32_t i = 0; i < DELIVER_LISTS; i++)
		deliver->lists[i] = empty;
	deliver->waiting = 0;
}

void deliver_init(struct deliver *deliver, struct depot *depot)
{
	memset(deliver, 0, sizeof *deliver);
	deliver->depot = depot;
	lists_clear(deliver);
}

void deliver_free(struct deliver *deliver)
{
	free(deliver->devices);
	deliver->devices = NULL;
	deliver->devices_max = 0;
	sodium_memzero(&deliver->frame, sizeof deliver->frame);
}

int deliver_reset(struct deliver *deliver, uint32_t devices_max, uint64_t now_us)
{
	struct mailboxes *boxes = depot_mailboxes(deliver->depot);

	deliver_free(deliver);
	lists_clear(deliver);
	deliver->now_us = now_us;
	deliver->wheel_at = now_us / DELIVER_WHEEL_US;
	if (mailboxes_set_devices(boxes, devices_max) < 0)
		return -ENOMEM;
	deliver->devices = calloc(devices_max, sizeof *deliver->devices);
	if (!deliver->devices)
		return -ENOMEM;
	deliver->devices_max = devices_max;
	return 0;
}

static uint32_t spoke(uint64_t number)
{
	return WHEEL + (uint32_t)(number % DELIVER_SPOKES);
}

/* Which of the lists a device is in. */
static uint32_t list_of(const struct deliver_device *device)
{
	return device->list == WHEEL ? spoke(device->due_us / DELIVER_WHEEL_US) : device->list;
}

/* Lists go by number: through a pointer to one of several, gcc 12 at -O3 keeps the first entry of a
 * list in a register across the loops that empty it, and they never end. */
static void leave(struct deliver *deliver, struct deliver_device *device)
{
	const uint32_t list = list_of(device);

	if (device->list == NO_LIST)
		return;
	if (device->previous != NONE)
		deliver->devices[device->previous].next = device->next;
	else
		deliver->lists[list].first = device->next;
	if (device->next != NONE)
		deliver->devices[device->next].previous = device->previous;
	else
		deliver->lists[list].last = device->previous;
	deliver->waiting -= device->list == WHEEL;
	device->list = NO_LIST;
}

static void join(struct deliver *deliver, uint32_t number, enum list where)
{
	struct deliver_device *device = &deliver->devices[number];

	leave(deliver, device);
	device->list = where;
	const uint32_t list = list_of(device), last = deliver->lists[list].last;
	device->next = NONE;
	device->previous = last;
	if (last != NONE)
		deliver->devices[last].next = number;
	else
		deliver->lists[list].first = number;
	deliver->lists[list].last = number;
	deliver->waiting += where == WHEEL;
}

/* Nothing that was out counts as sent. */
static void rewind_all(struct deliver *deliver, uint32_t number)
{
	const struct mailboxes *boxes = depot_mailboxes(deliver->depot);

	for (struct mailbox *box = mailbox_first(boxes, number); box;
		box = mailbox_next(boxes, box)) {
		box->sent = 0;
		box->tries = 0;
	}
}

void deliver_online(struct deliver *deliver, uint32_t number)
{
	struct deliver_device *device = &deliver->devices[number];

	/* Of one that was silent, what was out in vain may reach the new session. */
	if (!device->online || device->in_vain > 0) {
		rewind_all(deliver, number);
		device->in_vain = 0;
		device->acknowledged = 0;
		device->at = NONE;
	}
	device->online = true;
	if (device->list != READY)
		join(deliver, number, LATER);
}

void deliver_offline(struct deliver *deliver, uint32_t number)
{
	leave(deliver, &deliver->devices[number]);
	deliver->devices[number].online = false;
}

/* Whether it is given a few frames only. */
static bool is_silent(const struct deliver_device *device)
{
	return device->in_vain >= 3 && device->in_vain % 4 != 3;
}

void deliver_waits(struct deliver *deliver, uint32_t number)
{
	if (number >= deliver->devices_max)
		return;
	const struct deliver_device *device = &deliver->devices[number];
	/* One that is silent has its turn from the wheel, where it is in it. */
	if (device->online && (device->in_vain < 3 || device->list == NO_LIST) &&
		device->list != READY)
		join(deliver, number, LATER);
}

void deliver_received(struct deliver *deliver, uint32_t number, const uint8_t *route)
{
	struct mailbox *box = mailbox_find(depot_mailboxes(deliver->depot), route);

	if (box) {
		box->since_ms = (uint32_t)(deliver->now_us / 1000);
		box->tries = 0;
	}
	if (number >= deliver->devices_max || !deliver->devices[number].online)
		return;
	struct deliver_device *device = &deliver->devices[number];
	/* It is back: what was out in vain under its other routes need not wait for its time. */
	if (device->in_vain >= 3)
		rewind_all(deliver, number);
	device->in_vain = 0;
	if (device->acknowledged < DELIVER_TICK_MAX)
		device->acknowledged++;
	if (device->list == WHEEL) /* the window may have moved */
		join(deliver, number, LATER);
}

static uint32_t retry_ms(const struct deliver_device *device, const struct mailbox *box)
{
	const uint32_t tries = device->in_vain > box->tries ? device->in_vain : box->tries;

	return DELIVER_RETRY_FIRST_MS << (tries < 7 ? tries : 7);
}

/* Sends again, from the next tick on, what is due. */
static void retry(struct deliver *deliver, uint32_t number)
{
	const struct mailboxes *boxes = depot_mailboxes(deliver->depot);
	struct deliver_device *device = &deliver->devices[number];
	const uint32_t now_ms = (uint32_t)(deliver->now_us / 1000);
	bool again = false;

	for (struct mailbox *box = mailbox_first(boxes, number); box;
		box = mailbox_next(boxes, box)) {
		if (box->sent == 0 || (int32_t)(now_ms - box->since_ms - retry_ms(device, box)) < 0)
			continue;
		deliver->again += box->sent;
		box->sent = 0;
		if (box->tries < UINT8_MAX)
			box->tries++;
		again = true;
	}
	if (again && device->in_vain < UINT8_MAX)
		device->in_vain++;
	join(deliver, number, LATER);
}

/* Waits for `received`, or for the time to send again. */
static void wait_for_it(struct deliver *deliver, uint32_t number, bool trouble)
{
	const struct mailboxes *boxes = depot_mailboxes(deliver->depot);
	struct deliver_device *device = &deliver->devices[number];
	const uint32_t now_ms = (uint32_t)(deliver->now_us / 1000);
	uint32_t soonest = trouble ? DELIVER_RETRY_FIRST_MS : UINT32_MAX;

	for (const struct mailbox *box = mailbox_first(boxes, number); box;
		box = mailbox_next(boxes, box)) {
		if (box->sent == 0)
			continue;
		const uint32_t due_in = box->since_ms + retry_ms(device, box) - now_ms;
		const uint32_t wait = (int32_t)due_in > 0 ? due_in : 0;
		soonest = wait < soonest ? wait : soonest;
	}
	leave(deliver, device);
	if (soonest == UINT32_MAX) /* nothing is out, nothing waits */
		return;
	device->due_us = deliver->now_us + (uint64_t)soonest * 1000 + DELIVER_WHEEL_US;
	join(deliver, number, WHEEL);
}

/* A spoke holds those that are due now and, as no time is longer than a turn, no others. */
static void turn_wheel(struct deliver *deliver)
{
	const uint64_t to = deliver->now_us / DELIVER_WHEEL_US;

	while (deliver->wheel_at < to && deliver->waiting > 0) {
		const uint32_t list = spoke(++deliver->wheel_at);
		while (deliver->lists[list].first != NONE)
			retry(deliver, deliver->lists[list].first);
	}
	deliver->wheel_at = to;
}

static uint32_t pace(const struct deliver_device *device)
{
	const uint32_t frames =
		DELIVER_PACE + device->acknowledged + (uint32_t)device->acknowledged / 8;

	return frames < DELIVER_TICK_MAX ? frames : DELIVER_TICK_MAX;
}

void deliver_tick(struct deliver *deliver, uint64_t now_us)
{
	deliver->now_us = now_us;
	turn_wheel(deliver);
	while (deliver->lists[LATER].first != NONE) {
		struct deliver_device *device = &deliver->devices[deliver->lists[LATER].first];
		device->left = (uint16_t)pace(device);
		device->acknowledged = 0;
		join(deliver, deliver->lists[LATER].first, READY);
	}
}

bool deliver_is_ready(const struct deliver *deliver)
{
	return deliver->lists[READY].first != NONE;
}

uint64_t deliver_due_us(const struct deliver *deliver)
{
	if (deliver->lists[READY].first != NONE || deliver->lists[LATER].first != NONE)
		return 0;
	for (uint64_t at = deliver->wheel_at + 1;
		deliver->waiting > 0 && at <= deliver->wheel_at + DELIVER_SPOKES; at++)
		if (deliver->lists[spoke(at)].first != NONE)
			return at * DELIVER_WHEEL_US;
	return UINT64_MAX;
}

void deliver_run(struct deliver *deliver, struct ring *down, uint64_t until_us)
{
	while (deliver->lists[READY].first != NONE && clock_us() < until_us) {
		const uint32_t number = deliver->lists[READY].first;
		const struct deliver_device *device = &deliver->devices[number];
		const enum deliver_outcome outcome = deliver_serve(deliver, number, down);
		if (outcome == DELIVER_RING_FULL)
			return;
		if (outcome == DELIVER_OUT && !is_silent(device))
			join(deliver, number, LATER);
		else
			wait_for_it(deliver, number, outcome == DELIVER_TROUBLE);
	}
}
