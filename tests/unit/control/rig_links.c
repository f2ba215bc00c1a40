/* The rig's ends of the links: what its dataplane says and answers. */
#include "rig_tables.h"
#include "src/counters.h"

#include <sodium.h>
#include <sys/socket.h>

static uint8_t sent[TABLE_MESSAGE_BYTES];
static _Alignas(8) uint8_t received[TABLE_MESSAGE_BYTES];

void rig_wipe_buffers(void)
{
	sodium_memzero(sent, sizeof sent);
	sodium_memzero(received, sizeof received);
}

static void send_table(struct rig *rig, uint16_t op, uint16_t flags, uint64_t seq,
	const void *records, uint32_t count, size_t size)
{
	uint8_t *message = sent;
	struct table_head head = { .op = op, .flags = flags, .count = count, .seq = seq };

	memcpy(message, &head, sizeof head);
	if (count)
		memcpy(message + sizeof head, records, count * size);
	assert_true(send(rig->table, message, sizeof head + count * size, MSG_NOSIGNAL) > 0);
}

static void send_leases(struct rig *rig, uint32_t owner, uint32_t count)
{
	uint32_t indices[64];

	if (count > 64)
		count = 64;
	if (count > rig->lease_left)
		count = rig->lease_left;
	rig->lease_left -= count;
	for (uint32_t i = 0; i < count; i++)
		indices[i] = wire_index(owner, 7, rig->lease_next++);
	send_table(rig, TABLE_LEASE, 0, ++rig->seq, indices, count, sizeof *indices);
}

static void send_dump(struct rig *rig, uint64_t seq)
{
	struct table_session dump[RIG_SESSIONS] = { 0 };
	uint32_t count = 0;

	for (int i = 0; i < RIG_SESSIONS; i++) {
		const struct rig_session *session = &rig->sessions[i];
		if (session->used)
			dump[count++] = (struct table_session){
				.index = session->install.index,
				.device = session->install.device,
				.confirmed = session->confirmed,
			};
	}
	for (int i = 0; i < 2 && rig->endless; i++)
		send_table(rig, TABLE_SESSION_DUMP, 0, seq, dump, RIG_SESSIONS, sizeof *dump);
	send_table(rig, TABLE_SESSION_DUMP, TABLE_LAST, seq, dump, count, sizeof *dump);
}

static void say_hello(struct rig *rig)
{
	struct table_hello hello = {
		.version = TABLE_VERSION,
		.owners = rig->owners,
		.boot = rig->boot,
		.devices_max = rig->devices_max,
		.routes_per_device = 4,
		.suites = 6,
	};

	send_table(rig, TABLE_HELLO, 0, ++rig->seq, &hello, 1, sizeof hello);
	for (uint32_t owner = 0; owner < rig->owners; owner++)
		send_leases(rig, owner, 2);
	send_dump(rig, ++rig->seq);
}

static void acknowledge(
	struct rig *rig, uint16_t op, uint64_t seq, uint32_t failed, uint32_t first, int error)
{
	struct table_ack ack = { .op = op, .failed = failed, .first = first, .error = error };

	send_table(rig, TABLE_ACK, 0, seq, &ack, 1, sizeof ack);
}

void rig_release_acks(struct rig *rig)
{
	for (uint32_t i = 0; i < rig->held_count; i++)
		acknowledge(rig, rig->held_op[i], rig->held_seq[i], 0, 0, 0);
	rig->held_count = 0;
	rig->hold_acks = 0;
}

static void answer_stages(struct rig *rig, uint64_t seq)
{
	struct stage_sum sums[STAGE_COUNT];

	for (uint32_t owner = 0; owner < rig->owners; owner++) {
		for (uint64_t i = 0; i < STAGE_COUNT; i++)
			sums[i] = (struct stage_sum){ owner * 1000 + i, i };
		send_table(rig, TABLE_STAGES, owner + 1 == rig->owners ? TABLE_LAST : 0, seq, sums,
			STAGE_COUNT, sizeof *sums);
	}
}

static void answer_question(struct rig *rig, const struct table_head *head)
{
	uint64_t counters[COUNTER_COUNT];

	if (head->op == TABLE_SESSION_LIST)
		send_dump(rig, head->seq);
	if (head->op == TABLE_STAGES_GET && rig->confused)
		send_dump(rig, head->seq);
	else if (head->op == TABLE_STAGES_GET)
		answer_stages(rig, head->seq);
	if (head->op != TABLE_STATS_GET)
		return;
	for (uint32_t owner = 0; owner < rig->owners; owner++) {
		for (int i = 0; i < COUNTER_COUNT; i++)
			counters[i] = owner * 1000 + (uint64_t)i;
		send_table(rig, TABLE_STATS, owner + 1 == rig->owners ? TABLE_LAST : 0, head->seq,
			counters, COUNTER_COUNT, sizeof *counters);
	}
}

static void take_table(struct rig *rig, const uint8_t *bytes, size_t len)
{
	const struct table_head *head = (const struct table_head *)bytes;
	const uint8_t *records = bytes + sizeof *head;
	uint32_t failed = 0, first = 0;
	int error = 0;

	assert_int_equal(table_message_check(bytes, len, TABLE_TO_DATAPLANE), 0);
	if (head->op == TABLE_HELLO) {
		assert_memory_equal(
			((const struct table_hello *)records)->relay_public, rig->key.public, 32);
		return;
	}
	if (head->op == TABLE_SYNC_BEGIN)
		rig_sync_begin(rig);
	if (head->op == TABLE_LEASE_GET) {
		const struct table_lease_get *get = (const struct table_lease_get *)records;
		send_leases(rig, get->owner, get->count);
	}
	for (uint32_t i = 0; i < head->count; i++) {
		int result = rig_apply(rig, head->op, records, i);
		if (result < 0 && failed++ == 0) {
			first = i;
			error = result;
		}
	}
	if (head->op == TABLE_SYNC_END)
		rig_sync_end(rig);
	answer_question(rig, head);
	if (rig->hold_acks) {
		assert_true(rig->held_count < 256);
		rig->held_op[rig->held_count] = head->op;
		rig->held_seq[rig->held_count++] = head->seq;
		return;
	}
	acknowledge(rig, head->op, head->seq, failed, first, error);
}

static void take_punt(struct rig *rig, const uint8_t *bytes, size_t len)
{
	assert_int_equal(len % sizeof(struct punt_record), 0);
	for (size_t i = 0; i < len / sizeof(struct punt_record); i++) {
		assert_true(rig->answers_count < RIG_ANSWERS);
		memcpy(&rig->answers[rig->answers_count++], bytes + i * sizeof(struct punt_record),
			sizeof(struct punt_record));
	}
}

bool rig_serve(struct rig *rig)
{
	uint8_t *bytes = received;
	bool happened = false;
	ssize_t len;

	if (rig->mute)
		return false;
	if (rig->table_listener >= 0 && rig->table < 0) {
		rig->table = accept(rig->table_listener, NULL, NULL);
		happened |= rig->table >= 0;
		if (rig->table >= 0)
			say_hello(rig);
	}
	if (rig->punt_listener >= 0 && rig->punt < 0) {
		rig->punt = accept(rig->punt_listener, NULL, NULL);
		happened |= rig->punt >= 0;
	}
	while (rig->table >= 0 &&
		(len = recv(rig->table, bytes, sizeof received, MSG_DONTWAIT)) > 0) {
		take_table(rig, bytes, (size_t)len);
		happened = true;
	}
	while (rig->punt >= 0 &&
		(len = recv(rig->punt, bytes, sizeof received, MSG_DONTWAIT)) > 0) {
		take_punt(rig, bytes, (size_t)len);
		happened = true;
	}
	return happened;
}

void rig_end(struct rig *rig, uint32_t index, enum table_end_reason reason)
{
	struct rig_session *session = rig_find_session(rig, index);
	struct table_ended ended = { .index = index, .reason = reason };

	assert_non_null(session);
	session->used = false;
	ended.device = session->install.device;
	send_table(rig, TABLE_SESSION_ENDED, 0, ++rig->seq, &ended, 1, sizeof ended);
}
