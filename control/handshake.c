#include "handshake_answer.h"
#include "handshake_decide.h"
#include "state.h"

#include <errno.h>
#include <sodium.h>

enum {
	/* Above so many bytes on their way to the dataplane, new sessions have to wait. */
	HANDSHAKE_BACKLOG_BYTES = 4 << 20,
};

void handshake_init(struct control *control, const struct punt_record *record)
{
	struct job *job;

	if (record->len != WIRE_SMALL_BYTES || wire_check(record->frame, record->len) != WIRE_OK ||
		record->frame[0] != WIRE_INIT) {
		COUNT(control, drop_frame);
		return;
	}
	COUNT(control, inits);
	if (control->sync.phase < SYNC_ROUTES) {
		COUNT(control, drop_link_down);
		return;
	}
	job = responder_job(control->responder);
	if (!job) {
		COUNT(control, drop_queue_full);
		return;
	}
	job->step = JOB_OPEN;
	job->owner = record->owner;
	job->epoch = table_link_epoch(control->table);
	job->endpoint = record->endpoint;
	memcpy(&job->init, record->frame, sizeof job->init);
	job->next = control->to_open;
	control->to_open = job;
}

void handshake_submit(struct control *control)
{
	struct job *jobs = NULL;

	/* They were put in front: turn them round, first come first served. */
	while (control->to_open) {
		struct job *job = control->to_open;
		control->to_open = job->next;
		job->next = jobs;
		jobs = job;
	}
	if (jobs)
		responder_submit(control->responder, jobs);
}

/* Takes what a session needs: a slot, an index, a place among the pending ones. */
static enum wire_status take_place(struct control *control, struct job *job, uint32_t slot)
{
	struct directory *directory = &control->directory;
	bool reserved = slot == DIRECTORY_NONE;
	uint32_t number;

	if (table_link_backlog(control->table) > HANDSHAKE_BACKLOG_BYTES ||
		table_link_lease(control->table, job->owner, &job->index) < 0)
		return WIRE_STATUS_FULL;
	if (reserved) {
		if (directory_reserve(directory, job->asked.invitation_id, &slot) < 0) {
			table_link_unlease(control->table, job->index);
			return WIRE_STATUS_FULL;
		}
		control_send_device(control, slot);
	}
	number = directory_pend(
		directory, slot, job->index, job->noise.remote_static, get64(job->asked.attempt));
	if (number == DIRECTORY_NONE) {
		table_link_unlease(control->table, job->index);
		if (reserved) {
			table_link_add(control->table, TABLE_DEVICE_REMOVE, &slot, 0);
			directory_release(directory, slot);
		}
		return WIRE_STATUS_FULL;
	}
	job->slot = slot;
	return WIRE_STATUS_OK;
}

/* Newest wins: an older handshake whose answer is not written yet is given up. Those that the
 * dataplane has been told of, it replaces itself. */
static void give_up_older(struct control *control, uint32_t slot)
{
	uint32_t number = directory_device(&control->directory, slot)->pending;

	number = control->directory.pendings.all[number].next_of_slot;
	while (number != DIRECTORY_NONE) {
		const struct pending *pending = &control->directory.pendings.all[number];
		uint32_t next = pending->next_of_slot;
		if (!pending->sent)
			directory_unpend(&control->directory, number);
		number = next;
	}
}

/* Message 1 has been read. True: the job goes back to the threads for its answer. */
static bool opened(struct control *control, struct job *job)
{
	struct handshake_decision decision;

	if (job->result < 0) {
		if (job->result == -ENOTSUP)
			COUNT(control, drop_suite);
		else
			COUNT(control, drop_noise);
		return false;
	}
	if (job->epoch != table_link_epoch(control->table) || control->sync.phase < SYNC_ROUTES) {
		COUNT(control, drop_link_down);
		return false;
	}
	if (!handshake_decide(control, job, &decision))
		return false;
	if (decision.status == WIRE_STATUS_OK && control->draining)
		decision.status = WIRE_STATUS_DRAINING;
	if (decision.status == WIRE_STATUS_OK) {
		decision.status = take_place(control, job, decision.slot);
		if (decision.status == WIRE_STATUS_OK)
			give_up_older(control, job->slot);
	}
	handshake_answer(control, job, decision.status);
	job->step = JOB_ANSWER;
	return true;
}

static void send_install(struct control *control, const struct job *job, uint32_t number)
{
	struct table_install install = {
		.index = job->index,
		.device = job->slot,
		.peer_index = get32(job->init.sender_index),
		.suite = job->init.suite,
		.keepalive_s = job->keepalive_s,
		.hard_lifetime_s = WIRE_HARD_LIFETIME_S,
		.endpoint = job->endpoint,
	};

	memcpy(install.receive_key, job->keys.initiator_to_responder, sizeof install.receive_key);
	memcpy(install.send_key, job->keys.responder_to_initiator, sizeof install.send_key);
	memcpy(install.response, &job->response, sizeof install.response);
	/* Whatever comes of it, the index and its key are spent. */
	control->directory.pendings.all[number].sent = true;
	if (table_link_add(
		    control->table, TABLE_SESSION_INSTALL, &install, (uint64_t)job->index + 1) == 0)
		COUNT(control, sessions_installed);
	else
		enrol_unpend(control, number);
	sodium_memzero(&install, sizeof install);
}

/* Message 2 has been written. */
static void answered(struct control *control, const struct job *job)
{
	struct punt_record *record;
	uint32_t number;

	if (job->epoch != table_link_epoch(control->table)) {
		COUNT(control, drop_link_down);
		return;
	}
	if (job->result < 0)
		COUNT(control, drop_noise);
	if (job->answer.status == WIRE_STATUS_OK) {
		/* The index is the job's until here, whatever became of the pending session: a
		 * newer one may have taken its place, or the device may have been revoked. */
		number = directory_pending(&control->directory, job->index);
		if (number != DIRECTORY_NONE && job->result == 0) {
			send_install(control, job, number);
			return;
		}
		table_link_unlease(control->table, job->index);
		if (number != DIRECTORY_NONE)
			enrol_unpend(control, number);
		return;
	}
	if (job->result < 0)
		return;
	record = punt_link_add(control->punt);
	if (!record)
		return;
	record->kind = PUNT_SEND_RAW;
	record->len = sizeof job->response;
	record->owner = job->owner;
	record->endpoint = job->endpoint;
	memcpy(record->frame, &job->response, sizeof job->response);
}

void handshake_finished(struct control *control)
{
	struct job *job = responder_finished(control->responder);
	struct job *again = NULL, **last = &again;

	while (job) {
		struct job *next = job->next;
		job->next = NULL;
		if (job->step == JOB_OPEN && opened(control, job)) {
			*last = job;
			last = &job->next;
		} else {
			if (job->step == JOB_ANSWER)
				answered(control, job);
			responder_release(control->responder, job);
		}
		job = next;
	}
	if (again)
		responder_submit(control->responder, again);
}

void handshake_refused(struct control *control, uint32_t index, int error)
{
	uint32_t number = directory_pending(&control->directory, index);

	COUNT(control, drop_install_failed);
	/* Of several that failed the dataplane names one: the others may or may not be there. */
	if (error == -EAGAIN)
		table_link_add(control->table, TABLE_SESSION_REMOVE, &index, 0);
	if (number != DIRECTORY_NONE)
		enrol_unpend(control, number);
}
