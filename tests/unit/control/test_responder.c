/* The responder's threads: each job comes back once, opened or refused as the Noise code says. */
#include "control/responder.h"
#include "src/hop.h"
#include "tests/unit/src/testing.h"

#include <errno.h>
#include <poll.h>

static struct noise_keypair relay, device;
static const uint8_t psk[32] = { 1, 2, 3 };

static int setup(void **state)
{
	(void)state;
	noise_generate(&relay);
	noise_generate(&device);
	return 0;
}

static void make_init(
	struct noise *noise, struct wire_init *init, uint32_t index, enum wire_suite suite)
{
	uint8_t prologue[16] = "chappe 1", payload[WIRE_INIT_PAYLOAD_BYTES] = { 0 };
	struct wire_init_payload asked = { .attempt = put64(index), .keepalive_s = put16(30) };

	memset(init, 0, sizeof *init);
	init->type = WIRE_INIT;
	init->version = WIRE_VERSION;
	init->suite = (uint8_t)suite;
	init->sender_index = put32(index);
	memcpy(prologue + 8, init, 8);
	memcpy(payload, &asked, sizeof asked);
	assert_int_equal(noise_begin(noise, NOISE_IKPSK2, (enum noise_cipher)suite, true, prologue,
				 sizeof prologue, &device, relay.public, psk),
		0);
	assert_int_equal(noise_write(noise, payload, sizeof payload, init->noise), 0);
}

static void check_answer(struct noise *noise, const struct job *job)
{
	uint8_t payload[WIRE_RESPONSE_PAYLOAD_BYTES];
	struct wire_response_payload answer;
	struct noise_keys keys;

	assert_int_equal(wire_check(&job->response, sizeof job->response), WIRE_OK);
	assert_memory_equal(&job->response.receiver_index, &job->init.sender_index, 4);
	assert_int_equal(
		noise_read(noise, job->response.noise, sizeof job->response.noise, payload), 0);
	memcpy(&answer, payload, sizeof answer);
	assert_int_equal(get32(answer.index), 77);
	noise_split(noise, &keys);
	assert_memory_equal(&keys, &job->keys, sizeof keys);
}

static void both_steps_in_both_suites(void **state)
{
	static struct job job;
	struct noise noise;

	(void)state;
	for (enum wire_suite suite = WIRE_SUITE_AES256GCM; suite <= WIRE_SUITE_CHACHA20POLY1305;
		suite++) {
		if (!(hop_suites() & 1U << suite))
			continue;
		memset(&job, 0, sizeof job);
		make_init(&noise, &job.init, 5, suite);
		responder_open(&relay, &job);
		assert_int_equal(job.result, 0);
		assert_int_equal(get64(job.asked.attempt), 5);
		assert_int_equal(get16(job.asked.keepalive_s), 30);
		assert_memory_equal(job.noise.remote_static, device.public, 32);
		memcpy(job.psk, psk, sizeof psk);
		job.answer.index = put32(77);
		responder_answer(&job);
		assert_int_equal(job.result, 0);
		check_answer(&noise, &job);
		assert_true(sodium_is_zero(job.psk, sizeof job.psk));
	}
}

static void refusal_makes_no_keys(void **state)
{
	static struct job job;
	struct noise noise;

	(void)state;
	memset(&job, 0, sizeof job);
	make_init(&noise, &job.init, 5, WIRE_SUITE_CHACHA20POLY1305);
	responder_open(&relay, &job);
	memcpy(job.psk, psk, sizeof psk);
	job.answer.status = WIRE_STATUS_REVOKED;
	responder_answer(&job);
	assert_int_equal(job.result, 0);
	assert_true(sodium_is_zero((uint8_t *)&job.keys, sizeof job.keys));
}

static void every_flipped_bit_is_noticed(void **state)
{
	static struct job job;
	struct wire_init good;
	struct noise noise;

	(void)state;
	make_init(&noise, &good, 5, WIRE_SUITE_CHACHA20POLY1305);
	/* Bytes 4 to 7 are bound by the prologue, 8 to 479 are Noise message 1. Bit 255 of e is no
	 * part of the key (RFC 7748, section 5), but of the hash. Every seventh bit is enough here:
	 * test_noise flips all. */
	for (size_t bit = 32; bit < 480 * 8; bit += 7) {
		memset(&job, 0, sizeof job);
		job.init = good;
		flip_bit(&job.init, bit);
		responder_open(&relay, &job);
		assert_int_equal(job.result, -EBADMSG);
	}
}

static void unknown_suite(void **state)
{
	static struct job job;
	struct noise noise;

	(void)state;
	if (hop_suites() & 1U << WIRE_SUITE_AES256GCM)
		return;
	memset(&job, 0, sizeof job);
	make_init(&noise, &job.init, 5, WIRE_SUITE_CHACHA20POLY1305);
	job.init.suite = WIRE_SUITE_AES256GCM;
	responder_open(&relay, &job);
	assert_int_equal(job.result, -ENOTSUP);
}

static struct job *wait_for_jobs(struct responder *responder)
{
	struct pollfd readable = { .fd = responder_fd(responder), .events = POLLIN };

	assert_int_equal(poll(&readable, 1, 5000), 1);
	return responder_finished(responder);
}

static void threads_return_each_job_once(void **state)
{
	enum { JOBS = 200 };
	static struct noise noises[JOBS];
	static uint8_t seen[JOBS];
	struct responder *responder;
	struct job *jobs = NULL;
	uint32_t back = 0;

	(void)state;
	assert_int_equal(responder_create(&responder, &relay, 3), 0);
	assert_int_equal(responder_threads(responder), 3);
	for (uint32_t i = 0; i < JOBS; i++) {
		struct job *job = responder_job(responder);
		assert_non_null(job);
		job->step = JOB_OPEN;
		make_init(&noises[i], &job->init, i, WIRE_SUITE_CHACHA20POLY1305);
		job->next = jobs;
		jobs = job;
	}
	assert_int_equal(responder_depth(responder), JOBS);
	responder_submit(responder, jobs);
	while (back < 2 * JOBS) {
		struct job *job = wait_for_jobs(responder);
		while (job) {
			struct job *next = job->next;
			uint32_t i = get32(job->init.sender_index);
			job->next = NULL;
			assert_int_equal(job->result, 0);
			seen[i]++;
			back++;
			if (job->step == JOB_OPEN) {
				job->step = JOB_ANSWER;
				memcpy(job->psk, psk, sizeof psk);
				job->answer.index = put32(77);
				responder_submit(responder, job);
			} else {
				check_answer(&noises[i], job);
				responder_release(responder, job);
				assert_true(
					sodium_is_zero((uint8_t *)&job->keys, sizeof job->keys));
			}
			job = next;
		}
	}
	for (uint32_t i = 0; i < JOBS; i++)
		assert_int_equal(seen[i], 2);
	assert_int_equal(responder_depth(responder), 0);
	responder_destroy(responder);
}

static void jobs_run_out_and_come_back(void **state)
{
	static struct job *taken[RESPONDER_JOBS];
	struct responder *responder;

	(void)state;
	assert_int_equal(responder_create(&responder, &relay, 1), 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < RESPONDER_JOBS; i++) {
			taken[i] = responder_job(responder);
			assert_non_null(taken[i]);
		}
		assert_null(responder_job(responder));
		for (int i = 0; i < RESPONDER_JOBS; i++)
			responder_release(responder, taken[i]);
	}
	responder_destroy(responder);
	assert_int_equal(responder_create(&responder, &relay, 0), -EINVAL);
	assert_null(responder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_steps_in_both_suites),
		cmocka_unit_test(refusal_makes_no_keys),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(unknown_suite),
		cmocka_unit_test(threads_return_each_job_once),
		cmocka_unit_test(jobs_run_out_and_come_back),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, setup, NULL);
}
