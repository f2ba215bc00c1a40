#include "handshake_answer.h"
#include "src/reset.h"
#include "state.h"

#include <sodium.h>

enum {
	HANDSHAKE_RETRY_FULL_S = 5,
	HANDSHAKE_RETRY_DRAINING_S = 30,
};

static uint16_t grant_keepalive(const struct control *control, uint16_t wanted)
{
	if (wanted == 0)
		return (uint16_t)control->config->keepalive_s;
	if (wanted < control->config->keepalive_min_s)
		return (uint16_t)control->config->keepalive_min_s;
	if (wanted > WIRE_HARD_LIFETIME_S)
		return WIRE_HARD_LIFETIME_S;
	return wanted;
}

static uint16_t retry_after_s(enum wire_status status)
{
	/* Spread, so that those who were turned away together do not come back together. */
	switch (status) {
	case WIRE_STATUS_FULL:
		return (uint16_t)(HANDSHAKE_RETRY_FULL_S +
				  randombytes_uniform(HANDSHAKE_RETRY_FULL_S));
	case WIRE_STATUS_DRAINING:
		return (uint16_t)(HANDSHAKE_RETRY_DRAINING_S +
				  randombytes_uniform(HANDSHAKE_RETRY_DRAINING_S));
	default:
		return 0;
	}
}

static void count_status(struct control *control, enum wire_status status)
{
	switch (status) {
	case WIRE_STATUS_OK:
		break;
	case WIRE_STATUS_REVOKED:
		COUNT(control, answers_revoked);
		break;
	case WIRE_STATUS_FULL:
		COUNT(control, answers_full);
		break;
	case WIRE_STATUS_STALE_ATTEMPT:
		COUNT(control, answers_stale_attempt);
		break;
	case WIRE_STATUS_DRAINING:
		COUNT(control, answers_draining);
		break;
	case WIRE_STATUS_INVITATION_USED:
		COUNT(control, answers_invitation_used);
		break;
	}
}

void handshake_answer(struct control *control, struct job *job, enum wire_status status)
{
	struct wire_response_payload *answer = &job->answer;
	struct store_limits limits;

	count_status(control, status);
	answer->status = (uint8_t)status;
	answer->retry_after_s = put16(retry_after_s(status));
	answer->versions = put32(UINT32_C(1) << WIRE_VERSION);
	answer->suites = put32(control->suites & control->dataplane.suites);
	if (status != WIRE_STATUS_OK)
		return;
	control_limits(control, directory_device(&control->directory, job->slot), &limits);
	job->keepalive_s = grant_keepalive(control, get16(job->asked.keepalive_s));
	answer->index = put32(job->index);
	answer->boot = put64(control->dataplane.boot);
	reset_key(control->reset_secret, job->index, answer->reset_key);
	answer->soft_lifetime_s = put16(WIRE_SOFT_LIFETIME_S);
	answer->hard_lifetime_s = put16(WIRE_HARD_LIFETIME_S);
	answer->keepalive_s = put16(job->keepalive_s);
	answer->keepalive_min_s = put16((uint16_t)control->config->keepalive_min_s);
	answer->routes_max = put32((uint32_t)limits.routes_max);
	answer->frames_per_s = put32((uint32_t)limits.frames_per_s);
	answer->bytes_per_s = put64((uint64_t)limits.bytes_per_s);
}
