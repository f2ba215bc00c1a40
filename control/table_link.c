#include "table_link.h"
#include "channel.h"
#include "lease.h"
#include "table_question.h"
#include "table_queue.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>

enum {
	/* Parts of a synchronisation added in a turn of the event loop: some 2 ms, so that whoever
	 * asks control for something meanwhile hardly waits. */
	SYNC_PARTS_PER_TURN = 2,
	/* That the dataplane has not taken: a million records and more. One that takes nothing
	 * while it gives control reasons to answer must not use up its memory. */
	BACKLOG_BYTES = 64 << 20,
	/* More than there are sessions: one and an eighth for each device. */
	SESSIONS_PER_DEVICE = 2,
	SESSIONS_BESIDE = 64,
	ANSWER_RECORDS = 65536, /* of workers, each with its counters or stages */
};

struct table_link {
	const struct table_link_own *own;
	const struct table_link_calls *calls;
	void *arg;
	uint64_t *counters;
	struct channel *channel;
	struct event *flush;
	struct table_queue queue;
	struct table_question *questions;
	uint64_t epoch, boot;
	uint32_t sessions_max, dump_left; /* records of sessions, in an answer and in the dump */
	bool has_hello, has_dump, syncing;
	bool flushing; /* what is added will be sent: by send_queue(), which runs or is due */
	struct leases leases;
};

static size_t record_bytes(enum table_op op)
{
	switch (op) {
#define X(name, code, direction, record, help)                                                     \
	case TABLE_##name:                                                                         \
		return sizeof(record);
		TABLE_MESSAGES(X)
#undef X
	}
	return 0;
}

/* False: the socket takes no more now. */
static bool send_messages(struct table_link *link)
{
	while (link->queue.first) {
		const struct table_out *out = link->queue.first;
		if (channel_send(link->channel, out->bytes, out->len) < 0)
			return false;
		link->counters[CONTROL_COUNTER_table_messages_sent]++;
		if (table_queue_sent(&link->queue) < 0)
			channel_break(link->channel, "no memory");
	}
	return true;
}

static void send_queue(struct table_link *link)
{
	const struct timeval next_turn = { 0 };

	link->flushing = true;
	for (int parts = 0; send_messages(link) && link->syncing; parts++) {
		if (parts == SYNC_PARTS_PER_TURN) {
			event_add(link->flush, &next_turn);
			return;
		}
		link->syncing = link->calls->sync(link->arg);
	}
	link->flushing = false;
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	send_queue(arg);
}

/* At the end of this turn of the event loop. */
static void flush_soon(struct table_link *link)
{
	if (!link->flushing)
		event_active(link->flush, EV_TIMEOUT, 0);
	link->flushing = true;
}

int table_link_add(struct table_link *link, enum table_op op, const void *record, uint64_t tag)
{
	int result;

	if (!table_link_is_up(link))
		return -ENOTCONN;
	result = table_queue_add(&link->queue, (uint16_t)op, record, record_bytes(op), tag);
	if (link->queue.bytes > BACKLOG_BYTES)
		channel_break(link->channel, "the dataplane takes nothing");
	flush_soon(link);
	return result;
}

int table_link_lease(struct table_link *link, uint32_t owner, uint32_t *index)
{
	const struct table_lease_get get = { .owner = owner, .count = link->leases.block };
	int result;

	if (!table_link_is_up(link) || owner >= link->leases.owners)
		return -ENOSPC;
	result = lease_take(&link->leases, owner, index);
	if (lease_is_low(&link->leases, owner))
		link->leases.of[owner].asked = table_link_add(link, TABLE_LEASE_GET, &get, 0) == 0;
	return result;
}

void table_link_unlease(struct table_link *link, uint32_t index)
{
	if (table_link_is_up(link))
		lease_add(&link->leases, index);
}

static int on_hello(struct table_link *link, const struct table_hello *theirs)
{
	struct table_hello own = { .version = TABLE_VERSION, .suites = link->own->suites };
	bool other_boot = theirs->boot != link->boot;

	if (link->has_hello || theirs->version != TABLE_VERSION || theirs->owners == 0 ||
		theirs->owners > LEASE_OWNERS_MAX || theirs->devices_max == 0 ||
		theirs->devices_max > UINT32_C(1) << WIRE_INDEX_SLOT_BITS)
		return -EPROTO;
	memcpy(own.relay_public, link->own->relay_public, sizeof own.relay_public);
	memcpy(own.reset_secret, link->own->reset_secret, sizeof own.reset_secret);
	link->has_hello = true;
	link->boot = theirs->boot;
	link->sessions_max = SESSIONS_PER_DEVICE * theirs->devices_max + SESSIONS_BESIDE;
	link->dump_left = link->sessions_max;
	lease_limit(&link->leases, theirs->owners, theirs->devices_max);
	if (table_link_add(link, TABLE_HELLO, &own, 0) < 0)
		return -ENOMEM;
	sodium_memzero(&own, sizeof own);
	return link->calls->hello(link->arg, theirs, other_boot);
}

static void on_ack(struct table_link *link, uint64_t seq, const struct table_ack *ack)
{
	struct table_waiting *waiting = table_queue_acked(&link->queue, seq);

	if (ack->op == TABLE_LEASE_GET)
		lease_answered(&link->leases);
	if (ack->failed && ack->op != TABLE_LEASE_GET)
		link->calls->refused(link->arg, (enum table_op)ack->op, ack->failed, ack->error);
	for (uint32_t i = 0; waiting && i < waiting->count; i++) {
		int error = 0;
		if (ack->failed && i == ack->first)
			error = ack->error ? ack->error : -EIO;
		else if (ack->failed > 1 && i > ack->first)
			error = -EAGAIN;
		if (waiting->tags[i])
			link->calls->acked(
				link->arg, (enum table_op)ack->op, waiting->tags[i], error);
	}
	if (waiting)
		sodium_memzero(waiting->tags, waiting->count * sizeof *waiting->tags);
	free(waiting);
}

static int on_dump(struct table_link *link, const struct table_head *head,
	const struct table_session *sessions)
{
	if (link->has_dump)
		return table_question_answer(&link->questions, head, sessions);
	if (head->count > link->dump_left)
		return -EBADMSG;
	link->dump_left -= head->count;
	for (uint32_t i = 0; i < head->count; i++)
		link->calls->dumped(link->arg, &sessions[i]);
	if (!(head->flags & TABLE_LAST))
		return 0;
	link->has_dump = link->syncing = true;
	flush_soon(link);
	return 0;
}

static int on_message(void *arg, const uint8_t *bytes, size_t len)
{
	struct table_link *link = arg;
	const struct table_head *head = (const struct table_head *)bytes;
	const void *records = bytes + sizeof *head;
	int result = table_message_check(bytes, len, TABLE_TO_CONTROL);

	if (result < 0 || (!link->has_hello && head->op != TABLE_HELLO))
		return -EBADMSG;
	link->counters[CONTROL_COUNTER_table_messages_received]++;
	switch ((enum table_op)head->op) {
	case TABLE_HELLO:
		return on_hello(link, records);
	case TABLE_ACK:
		on_ack(link, head->seq, records);
		break;
	case TABLE_LEASE:
		for (uint32_t i = 0; i < head->count; i++)
			lease_add(&link->leases, ((const uint32_t *)records)[i]);
		break;
	case TABLE_SESSION_DUMP:
		return on_dump(link, head, records);
	case TABLE_SESSION_CONFIRMED:
		link->calls->confirmed(link->arg, records, head->count);
		break;
	case TABLE_SESSION_ENDED:
		for (uint32_t i = 0; i < head->count; i++)
			link->calls->ended(link->arg, (const struct table_ended *)records + i);
		break;
	case TABLE_STATS:
	case TABLE_STAGES:
		return table_question_answer(&link->questions, head, records);
	default:
		return -EBADMSG;
	}
	return 0;
}

static void on_up(void *arg)
{
	struct table_link *link = arg;

	link->epoch++;
}

static void on_down(void *arg)
{
	struct table_link *link = arg;
	struct table_waiting *waiting = table_queue_clear(&link->queue);

	link->counters[CONTROL_COUNTER_links_lost]++;
	link->has_hello = link->has_dump = link->syncing = false;
	lease_reset(&link->leases);
	while (waiting) {
		struct table_waiting *next = waiting->next;
		for (uint32_t i = 0; i < waiting->count; i++)
			if (waiting->tags[i])
				link->calls->acked(link->arg, (enum table_op)waiting->op,
					waiting->tags[i], -ENOTCONN);
		free(waiting);
		waiting = next;
	}
	table_question_end_all(&link->questions, -ENOTCONN);
	link->calls->down(link->arg);
}

static void on_writable(void *arg)
{
	send_queue(arg);
}

static const struct channel_calls channel_calls = {
	.up = on_up,
	.down = on_down,
	.message = on_message,
	.writable = on_writable,
};

int table_link_create(struct table_link **created, struct event_base *base, const char *path,
	const struct table_link_own *own, const struct table_link_calls *calls, void *arg,
	uint64_t *counters)
{
	struct table_link *link = calloc(1, sizeof *link);
	int result = -ENOMEM;

	*created = NULL;
	if (!link)
		return -ENOMEM;
	link->own = own;
	link->calls = calls;
	link->arg = arg;
	link->counters = counters;
	table_queue_init(&link->queue);
	link->flush = event_new(base, -1, 0, on_flush, link);
	if (link->flush)
		result = channel_create(&link->channel, base, path, "table", "the dataplane", 0,
			&channel_calls, link);
	if (result < 0)
		table_link_destroy(link);
	else
		*created = link;
	return result;
}

void table_link_destroy(struct table_link *link)
{
	if (!link)
		return;
	channel_destroy(link->channel);
	if (link->flush)
		event_free(link->flush);
	table_queue_wipe(&link->queue);
	table_question_end_all(&link->questions, -ECANCELED);
	free(link);
}

bool table_link_is_up(const struct table_link *link)
{
	return link->has_hello && channel_is_up(link->channel);
}

uint64_t table_link_epoch(const struct table_link *link)
{
	return link->epoch;
}

int table_link_flush(struct table_link *link)
{
	send_queue(link);
	if (!table_link_is_up(link))
		return -ENOTCONN;
	return link->queue.first ? -EAGAIN : 0;
}

size_t table_link_backlog(const struct table_link *link)
{
	return link->queue.bytes;
}

uint32_t table_link_leased(const struct table_link *link)
{
	return link->leases.count;
}

int table_link_ask(struct table_link *link, enum table_op op, table_link_part *part,
	control_done *done, void *arg)
{
	struct table_question *question;

	if (!table_link_is_up(link) || !link->has_dump)
		return -ENOTCONN;
	question = malloc(sizeof *question);
	if (!question || table_link_add(link, op, NULL, 0) < 0) {
		free(question);
		return -ENOMEM;
	}
	*question = (struct table_question){
		.next = link->questions,
		.seq = link->queue.seq,
		.op = op == TABLE_SESSION_LIST ? TABLE_SESSION_DUMP
		      : op == TABLE_STATS_GET  ? TABLE_STATS
					       : TABLE_STAGES,
		.left = op == TABLE_SESSION_LIST ? link->sessions_max : ANSWER_RECORDS,
		.part = part,
		.done = done,
		.arg = arg,
	};
	link->questions = question;
	return 0;
}
