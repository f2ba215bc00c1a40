#include "soak_model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERIAL_AT = WIRE_INNER_HEADER_BYTES, NOISE_AT = SERIAL_AT + 8 };

/* xorshift64* */
uint64_t model_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

void model_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("FAILED ", stdout);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it does not see va_start() here */
	vprintf(format, arguments);
	fputc('\n', stdout);
	fflush(stdout);
	va_end(arguments);
	exit(1);
}

/* The state of a generator for what belongs to these numbers alone; never 0. */
static uint64_t state_of(const struct model *model, uint32_t route, uint32_t serial)
{
	uint64_t state = model->seed ^ (uint64_t)(route + 1) << 40 ^ (serial + UINT64_C(1));

	state = state ? state : 1;
	for (int i = 0; i < 4; i++)
		(void)model_random(&state);
	return state;
}

void model_open(struct model *model, uint64_t seed, uint32_t lives)
{
	memset(model, 0, sizeof *model);
	model->seed = seed;
	model->lives = lives;
	model->told = calloc((size_t)lives * MODEL_WORKERS, sizeof *model->told);
	if (!model->told)
		abort();
	for (uint32_t i = 0; i < MODEL_ROUTES; i++) {
		uint64_t state = state_of(model, i, UINT32_MAX);
		for (size_t at = 0; at < WIRE_ROUTE_BYTES; at++)
			model->routes[i].bytes[at] = (uint8_t)(model_random(&state) >> 56);
	}
}

void model_close(struct model *model)
{
	for (uint32_t i = 0; i < MODEL_ROUTES; i++)
		free(model->routes[i].messages);
	free(model->told);
}

uint32_t model_device(uint32_t route)
{
	return route % MODEL_DEVICES;
}

uint32_t model_worker(uint32_t route)
{
	return route % MODEL_WORKERS;
}

uint16_t model_len(uint32_t serial)
{
	return WIRE_INNER_HEADER_BYTES +
	       (serial % 3 == 2 ? WIRE_LARGE_PAYLOAD_BYTES : WIRE_SMALL_PAYLOAD_BYTES);
}

void model_compose(const struct model *model, uint32_t route, uint32_t serial, uint8_t *frame)
{
	struct wire_inner *inner = (struct wire_inner *)frame;
	uint64_t state = state_of(model, route, serial);

	memset(frame, 0, MODEL_FRAME_BYTES);
	inner->kind = WIRE_STORED;
	inner->frame_id = put64(model->routes[route].messages[serial].frame_id);
	memcpy(inner->route, model->routes[route].bytes, sizeof inner->route);
	memcpy(frame + SERIAL_AT, &serial, sizeof serial);
	for (size_t at = NOISE_AT; at < model_len(serial); at += sizeof state) {
		const uint64_t noise = model_random(&state);
		memcpy(frame + at, &noise, sizeof noise);
	}
}

uint32_t model_new(struct model *model, uint32_t number)
{
	struct model_route *route = &model->routes[number];

	if (route->count == route->room) {
		route->room = route->room ? 2 * route->room : 1024;
		route->messages = realloc(route->messages, route->room * sizeof *route->messages);
		if (!route->messages)
			abort();
	}
	uint64_t state = state_of(model, number, route->count);
	route->messages[route->count] = (struct model_message){ .frame_id = model_random(&state) };
	return route->count++;
}

struct model_message *model_message(struct model *model, uint32_t route, uint32_t serial)
{
	return &model->routes[route].messages[serial];
}

void model_sent(struct model *model, uint32_t route, uint32_t serial)
{
	struct model_message *message = model_message(model, route, serial);

	model->clock++;
	if (message->sent) {
		model->repeated++;
		return;
	}
	message->sent = model->clock;
	message->sent_life = model->life;
	model->sent++;
}

static uint32_t find_route(const struct model *model, const uint8_t *bytes, const char *what)
{
	for (uint32_t i = 0; i < MODEL_ROUTES; i++)
		if (memcmp(model->routes[i].bytes, bytes, WIRE_ROUTE_BYTES) == 0)
			return i;
	model_fail("content: %s names a route that nobody used", what);
}

void model_accepted(struct model *model, const struct wire_inner *inner)
{
	const uint32_t number = find_route(model, inner->route, "accepted");
	struct model_route *route = &model->routes[number];
	uint32_t serial = route->count;

	model->clock++;
	/* Late and repeated ones are about messages not far behind. */
	while (serial > 0 && route->messages[serial - 1].frame_id != get64(inner->frame_id))
		serial--;
	if (serial == 0 || !route->messages[serial - 1].sent)
		model_fail("accepted: route %u, a frame_id that was never sent", number);
	struct model_message *message = &route->messages[serial - 1];
	if (!message->accepted) {
		message->accepted = model->clock;
		model->accepted++;
	}
	while (route->unaccepted < route->count && route->messages[route->unaccepted].accepted)
		route->unaccepted++;
	uint64_t *told = &model->told[model->life * MODEL_WORKERS + model_worker(number)];
	if (message->sent_life == model->life && message->sent > *told)
		*told = message->sent;
}

static bool is_told(const struct model *model, uint32_t route, const struct model_message *message)
{
	return message->received &&
	       model->told[message->received_life * MODEL_WORKERS + model_worker(route)] >
		       message->received;
}

static void check_order(const struct model *model, uint32_t number, uint32_t serial)
{
	const struct model_route *route = &model->routes[number];

	for (uint32_t i = route->unleft; i < route->count; i++) {
		const struct model_message *other = &route->messages[i];
		if (!other->left && other->accepted &&
			other->accepted < route->messages[serial].sent)
			model_fail("order: route %u, message %u came before %u, which was accepted "
				   "before that was sent",
				number, serial, i);
	}
}

static void check_content(const struct model *model, uint32_t number, uint32_t serial,
	const uint8_t *frame, uint16_t len)
{
	const struct model_route *route = &model->routes[number];
	uint8_t wanted[MODEL_FRAME_BYTES];

	if (serial >= route->count || !route->messages[serial].sent)
		model_fail("content: route %u, message %u was never sent", number, serial);
	model_compose(model, number, serial, wanted);
	if (len != model_len(serial) || memcmp(frame, wanted, len) != 0)
		model_fail("content: route %u, message %u came as something else", number, serial);
}

void model_left(
	struct model *model, const uint8_t *frame, uint16_t len, uint32_t *number, uint32_t *serial)
{
	*number = find_route(model, ((const struct wire_inner *)frame)->route, "a delivery");
	memcpy(serial, frame + SERIAL_AT, sizeof *serial);
	check_content(model, *number, *serial, frame, len);
	struct model_route *route = &model->routes[*number];
	struct model_message *message = &route->messages[*serial];
	model->clock++;
	if (is_told(model, *number, message))
		model_fail("again: route %u, message %u was received, and the store said that it "
			   "knew; in its life %u, now %u",
			*number, *serial, message->received_life, model->life);
	if (message->left)
		return;
	check_order(model, *number, *serial);
	message->left = model->clock;
	while (route->unleft < route->count && route->messages[route->unleft].left)
		route->unleft++;
}

void model_came(struct model *model, uint32_t route, uint32_t serial)
{
	struct model_message *message = model_message(model, route, serial);

	model->clock++;
	if (message->came)
		model->again++;
	else
		model->came++;
	message->came = model->clock;
}

void model_received(struct model *model, uint32_t route, uint32_t serial)
{
	struct model_message *message = model_message(model, route, serial);

	model->clock++;
	if (!message->received)
		model->received++;
	if (is_told(model, route, message))
		return;
	message->received = model->clock;
	message->received_life = model->life;
}

void model_cut(struct model *model)
{
	if (++model->life >= model->lives)
		model_fail("more lives than were announced");
}

uint64_t model_outstanding(const struct model *model, uint64_t before)
{
	uint64_t outstanding = 0;

	for (uint32_t i = 0; i < MODEL_ROUTES; i++)
		for (uint32_t serial = 0; serial < model->routes[i].count; serial++) {
			const struct model_message *message = &model->routes[i].messages[serial];
			const bool settled =
				message->received_life < model->life || is_told(model, i, message);
			outstanding += message->sent != 0 && message->sent < before &&
				       !(message->accepted && message->came && settled);
		}
	return outstanding;
}

void model_check_all_came(const struct model *model)
{
	uint64_t lost = 0;

	for (uint32_t i = 0; i < MODEL_ROUTES; i++)
		for (uint32_t serial = 0; serial < model->routes[i].count; serial++) {
			const struct model_message *message = &model->routes[i].messages[serial];
			if (!message->accepted || message->came)
				continue;
			if (lost++ < 5)
				printf("lost: route %u, message %u, sent in life %u\n", i, serial,
					message->sent_life);
		}
	if (lost > 0)
		model_fail("lost: %llu messages that were accepted", (unsigned long long)lost);
}
