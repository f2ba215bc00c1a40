#include "soak_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SLOTS = 64, /* of devices at the dataplane */
	REPEAT_MS = 60,
	LOSS_PERCENT = 4,
};

uint64_t play_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint32_t play_below(struct play *play, uint32_t n)
{
	return (uint32_t)((model_random(&play->random) >> 32) * n >> 32);
}

static bool is_lost(struct play *play)
{
	return play->lossy && play_below(play, 100) < LOSS_PERCENT;
}

/* Devices lie in slots that say nothing about them. */
static void draw_slots(struct play *play)
{
	const uint32_t first = play_below(play, SLOTS);

	for (uint32_t i = 0; i < MODEL_DEVICES; i++)
		play->slots[i] = (first + i * 7) % SLOTS;
	play->sessions = play_below(play, 1 << 20);
}

void play_open(struct play *play, struct model *model, const char *run_dir, uint64_t seed)
{
	*play = (struct play){ .model = model, .random = seed, .sending = true, .lossy = true };
	const int result = store_end_open(&play->end, run_dir, MODEL_WORKERS, SLOTS);
	if (result < 0)
		model_fail("%s: %s", run_dir, strerror(-result));
	draw_slots(play);
	for (uint32_t i = 0; i < MODEL_DEVICES; i++)
		play->online[i] = i != SOAK_GONE && i % 2 == 0;
}

void play_close(struct play *play)
{
	store_end_close(&play->end);
}

static void tell_online(struct play *play)
{
	for (uint32_t i = 0; i < MODEL_DEVICES; i++)
		if (play->online[i])
			(void)store_end_tell(&play->end, SHARE_ONLINE, play->slots[i], NULL);
	store_end_ring(&play->end);
}

bool play_attach(struct play *play, int timeout_ms)
{
	const uint64_t end = play_now_ms() + (uint64_t)timeout_ms;

	/* One that was killed may have connected, and waits in the queue. */
	while (play_now_ms() < end)
		if (store_end_accept(&play->end, timeout_ms) == 0) {
			tell_online(play);
			return true;
		}
	return false;
}

void play_renew(struct play *play)
{
	const int result = store_end_renew(&play->end);

	if (result < 0)
		model_fail("new rings: %s", strerror(-result));
	draw_slots(play);
	model_cut(play->model);
}

static uint32_t session_of(const struct play *play, uint32_t route)
{
	return play->sessions << 8 | route;
}

static bool put(
	struct play *play, uint32_t route, enum share_up_kind kind, const void *frame, uint16_t len)
{
	return store_end_put(&play->end, model_worker(route), kind,
		play->slots[model_device(route)], session_of(play, route), frame, len);
}

static void send_message(struct play *play, uint32_t route, uint32_t serial)
{
	uint8_t frame[MODEL_FRAME_BYTES];

	model_compose(play->model, route, serial, frame);
	if (!put(play, route, SHARE_STORED, frame, model_len(serial)))
		return;
	model_sent(play->model, route, serial);
	model_message(play->model, route, serial)->repeat_ms =
		play_now_ms() + REPEAT_MS + play_below(play, REPEAT_MS);
}

static void send_route(struct play *play, uint32_t number)
{
	const struct model_route *route = &play->model->routes[number];

	if (play->sending && route->count - route->unaccepted < SOAK_WINDOW &&
		play_below(play, 4) == 0)
		send_message(play, number, model_new(play->model, number));
	for (uint32_t i = route->unaccepted; i < route->count; i++)
		if (!route->messages[i].accepted && route->messages[i].repeat_ms < play_now_ms())
			send_message(play, number, i);
	/* An `accepted` that came twice, or too late for a sender that had repeated already. */
	if (play->sending && route->unaccepted > 0 && play_below(play, 50) == 0) {
		const uint32_t back = play_below(play, 20) + 1;
		if (back <= route->unaccepted)
			send_message(play, number, route->unaccepted - back);
	}
}

static void deliver(struct play *play, const struct share_down *record)
{
	uint8_t frame[MODEL_FRAME_BYTES] = { 0 };
	struct wire_inner *inner = (struct wire_inner *)frame;
	uint32_t route, serial;

	memcpy(inner, record->frame, sizeof *inner);
	model_left(play->model, record->frame, record->len, &route, &serial);
	if (!play->online[model_device(route)]) {
		(void)store_end_tell(
			&play->end, SHARE_OFFLINE, play->slots[model_device(route)], NULL);
		return;
	}
	if (is_lost(play))
		return;
	model_came(play->model, route, serial);
	if (is_lost(play))
		return;
	inner->kind = WIRE_RECEIVED;
	inner->ttl = 0;
	if (put(play, route, SHARE_RECEIVED, frame, WIRE_INNER_HEADER_BYTES))
		model_received(play->model, route, serial);
}

static void resolve(struct play *play, const uint8_t *bytes)
{
	for (uint32_t route = 0; route < MODEL_ROUTES; route++)
		if (memcmp(play->model->routes[route].bytes, bytes, WIRE_ROUTE_BYTES) == 0) {
			(void)store_end_tell(&play->end, SHARE_RESOLVED,
				play->slots[model_device(route)], bytes);
			return;
		}
	model_fail("content: a route to resolve that nobody used");
}

static void take(struct play *play, const struct share_down *record)
{
	const struct wire_inner *inner = (const struct wire_inner *)record->frame;

	if (record->kind == SHARE_DELIVER) {
		deliver(play, record);
	} else if (record->kind == SHARE_RESOLVE) {
		resolve(play, inner->route);
	} else if (!is_lost(play)) {
		const uint32_t route = record->index & 0xff;
		if (record->index >> 8 != play->sessions || route >= MODEL_ROUTES ||
			memcmp(play->model->routes[route].bytes, inner->route, WIRE_ROUTE_BYTES) !=
				0)
			model_fail("accepted: for a session that did not send that frame");
		model_accepted(play->model, inner);
	}
}

static void come_and_go(struct play *play)
{
	const uint32_t device = play_below(play, MODEL_DEVICES);

	if (!play->lossy || device == SOAK_GONE || play_below(play, 20) != 0)
		return;
	play->online[device] = !play->online[device];
	if (play->online[device])
		(void)store_end_tell(&play->end, SHARE_ONLINE, play->slots[device], NULL);
}

void play_listen(struct play *play)
{
	struct share_down record;

	while (store_end_take(&play->end, &record))
		take(play, &record);
}

void play_step(struct play *play)
{
	for (uint32_t i = 0; i < MODEL_ROUTES; i++)
		send_route(play, i);
	come_and_go(play);
	store_end_ring(&play->end);
	store_end_wait(&play->end, 1);
	play_listen(play);
}

void play_finish(struct play *play)
{
	play->sending = play->lossy = false;
	for (uint32_t i = 0; i < MODEL_DEVICES; i++)
		play->online[i] = true;
	tell_online(play);
}
