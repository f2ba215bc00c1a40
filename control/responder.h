/* The Noise responder's threads. They do nothing but the cryptography of a handshake, in two steps:
 * open message 1, then, when the event loop has decided what to answer, write message 2. A job is
 * the event loop's but for the time between responder_submit() and its return by
 * responder_finished(). */
#ifndef CHAPPE_CONTROL_RESPONDER_H
#define CHAPPE_CONTROL_RESPONDER_H

#include "src/endpoint.h"
#include "src/noise.h"
#include "src/wire.h"

enum { RESPONDER_JOBS = 4096, RESPONDER_THREADS_MAX = 64 };

enum job_step {
	JOB_OPEN,   /* in: init. out: result, noise, asked */
	JOB_ANSWER, /* in: psk, answer. out: result, response, and keys where the status is ok */
};

struct job {
	struct job *next;
	enum job_step step;
	int result; /* 0, -EBADMSG: does not open, -ENOTSUP: no such suite here */
	/* The event loop's own, untouched by the threads. */
	uint32_t owner, index, slot;
	uint64_t epoch;
	uint16_t keepalive_s;
	struct endpoint endpoint;

	struct wire_init init;
	struct noise noise;
	struct wire_init_payload asked;
	uint8_t psk[WIRE_KEY_BYTES];
	struct wire_response_payload answer;
	struct wire_response response;
	struct noise_keys keys;
};

struct responder;

/* Returns 0 or -errno. key stays the caller's and lives as long as the responder. */
int responder_create(
	struct responder **responder, const struct noise_keypair *key, uint32_t threads);
/* Ends the threads; jobs still waiting are wiped. NULL is allowed. */
void responder_destroy(struct responder *responder);

/* Readable when there are finished jobs. */
int responder_fd(const struct responder *responder);

/* A job to fill in, or NULL when all are in use. */
struct job *responder_job(struct responder *responder);
/* Hands over a chain of jobs, by next; one lock for all. */
void responder_submit(struct responder *responder, struct job *jobs);
/* All jobs that are finished, as a chain, oldest first; NULL when there is none. */
struct job *responder_finished(struct responder *responder);
/* Wipes a job and makes it free again. */
void responder_release(struct responder *responder, struct job *job);
/* Jobs in use. */
uint32_t responder_depth(const struct responder *responder);

uint32_t responder_threads(const struct responder *responder);

/* The steps themselves, without threads. */
void responder_open(const struct noise_keypair *key, struct job *job);
void responder_answer(struct job *job);

#endif
