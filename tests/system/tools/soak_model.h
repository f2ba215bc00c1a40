/* What the kill test of chappe-store knows: every message, and everything that was said about it.
 * The play (store_soak.c) reports each step; a step that breaks a promise ends the process with
 * what happened. One clock counts all steps.
 *
 * Promises that are checked
 * - lost: a message that was accepted comes, whatever was killed;
 * - order: a message that was accepted before another one of its route was first sent leaves the
 *   store first;
 * - again: what was received is not delivered again once the store has said so. It never says that
 *   itself, but takes the frames of a worker in order and makes them durable together: an
 *   `accepted` for a frame that was first sent behind the `received`, in the same life, does;
 * - content: what comes is what was sent, byte for byte, to the device its route leads to;
 * - accepted: goes to the session that sent the frame, for a frame that was sent. */
#ifndef CHAPPE_TEST_SOAK_MODEL_H
#define CHAPPE_TEST_SOAK_MODEL_H

#include "src/wire.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MODEL_ROUTES = 24,
	MODEL_DEVICES = 8,
	MODEL_WORKERS = 2,
	MODEL_FRAME_BYTES = WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES,
};

struct model_message {
	uint64_t frame_id;
	uint64_t sent, accepted, left, came, received; /* clock; 0: not yet */
	uint32_t sent_life, received_life;             /* lives end with a kill */
	uint64_t repeat_ms;                            /* when the sender sends it again */
};

struct model_route {
	uint8_t bytes[WIRE_ROUTE_BYTES];
	struct model_message *messages; /* by serial, from 0 */
	uint32_t count, room;
	uint32_t unleft;     /* all before it have left the store */
	uint32_t unaccepted; /* all before it were accepted */
};

struct model {
	uint64_t seed, clock;
	uint32_t life;  /* from 0 */
	uint32_t lives; /* room in told */
	uint64_t *told; /* [life][worker]: clock up to which `received` is durable */
	struct model_route routes[MODEL_ROUTES];
	uint64_t sent, repeated, accepted, came, again, received;
};

void model_open(struct model *model, uint64_t seed, uint32_t lives);
void model_close(struct model *model);

/* The device that a route leads to, the worker that its frames come through, and the length of a
 * message. */
uint32_t model_device(uint32_t route);
uint32_t model_worker(uint32_t route);
uint16_t model_len(uint32_t serial);

/* Writes a message, MODEL_FRAME_BYTES, the same for the same numbers. */
void model_compose(const struct model *model, uint32_t route, uint32_t serial, uint8_t *frame);
/* A new message of a route. */
uint32_t model_new(struct model *model, uint32_t route);
struct model_message *model_message(struct model *model, uint32_t route, uint32_t serial);

/* The sender has sent it, for the first time or again. */
void model_sent(struct model *model, uint32_t route, uint32_t serial);
void model_accepted(struct model *model, const struct wire_inner *inner);
/* The store has delivered it; returns route and serial. */
void model_left(
	struct model *model, const uint8_t *frame, uint16_t len, uint32_t *route, uint32_t *serial);
/* It came to its device. */
void model_came(struct model *model, uint32_t route, uint32_t serial);
/* The device has sent `received`. */
void model_received(struct model *model, uint32_t route, uint32_t serial);
/* The store was killed, or its rings are gone: what was in them may be lost. */
void model_cut(struct model *model);
/* Messages first sent before a time that were not accepted, have not come, or whose `received`,
 * sent in this life, is not known to be durable. */
uint64_t model_outstanding(const struct model *model, uint64_t before);
/* Fails, naming the first, where an accepted message has not come. */
void model_check_all_came(const struct model *model);

uint64_t model_random(uint64_t *state);
void model_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
