#include "two_ends.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* splitmix64 */
uint64_t two_ends_random(struct two_ends *ends, uint64_t below)
{
	uint64_t z = ends->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

uint64_t two_ends_seed(void)
{
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : randombytes_random();
	printf("seed %llu\n", (unsigned long long)seed);
	return seed;
}

bool two_ends_step(struct end *end)
{
	if (!end->dead && ++end->steps == end->die_at)
		end->dead = true;
	return end->dead;
}

static int save(void *context, const uint8_t *record, size_t len)
{
	struct end *end = context;
	if (two_ends_step(end))
		return -EIO;
	if (end->save_error)
		return end->save_error;
	assert_int_equal(len, MESSAGE_RECORD_BYTES);
	memcpy(end->record, record, len);
	end->record_len = len;
	end->saves++;
	end->unsaved = 0;
	return two_ends_step(end) ? -EIO : 0;
}

static int deliver(
	void *context, enum seal_type type, uint64_t number, const uint8_t *data, size_t len)
{
	struct end *end = context;
	struct taken taken = {
		.number = number, .at_ns = end->ends->now_ns, .len = len, .type = type
	};

	if (two_ends_step(end))
		return -EIO;
	if (end->deliver_error)
		return end->deliver_error;
	assert_true(len == 0 || data);
	crypto_generichash(taken.digest, 32, data, len, NULL, 0);
	end->unsaved++;
	for (size_t i = 0; i < end->taken_count; i++)
		if (end->taken[i].number == number) {
			assert_memory_equal(end->taken[i].digest, taken.digest, 32);
			end->taken_again++;
			return two_ends_step(end) ? -EIO : 0;
		}
	assert_true(end->taken_count < TWO_ENDS_TAKEN_MAX);
	end->taken[end->taken_count++] = taken;
	(void)two_ends_step(end);
	return 0;
}

static void acknowledged(void *context, uint64_t number)
{
	struct end *end = context;
	if (end->dead)
		return;
	for (size_t i = 0; i < end->acknowledged_count; i++)
		if (end->acknowledged[i] == number) {
			assert_true(end->deaths > 0); /* what it had not saved it hears again */
			return;
		}
	end->acknowledged[end->acknowledged_count++] = number;
}

static void accepted(void *context, uint64_t number)
{
	struct end *end = context;
	if (end->dead)
		return;
	if (two_ends_was_accepted(end, number)) {
		assert_true(end->deaths > 0); /* between that and the removal of what was kept */
		return;
	}
	end->accepted_ns[end->accepted_count] = end->ends->now_ns;
	end->accepted[end->accepted_count++] = number;
}

static void not_accepted(void *context, uint64_t number)
{
	struct end *end = context;
	assert_false(two_ends_was_accepted(end, number));
	end->not_accepted_count += !end->dead;
}

static const struct message_calls calls = {
	.save = save,
	.deliver = deliver,
	.acknowledged = acknowledged,
	.accepted = accepted,
	.not_accepted = not_accepted,
	.keep = two_ends_keep,
	.discard = two_ends_discard,
};

void two_ends_open(struct end *end)
{
	end->dead = false;
	assert_int_equal(message_open(&end->peer, &calls, end, end->record, end->record_len), 0);
	two_ends_restore(end);
}

void two_ends_begin(struct two_ends *ends, uint64_t seed)
{
	memset(ends, 0, sizeof *ends);
	ends->seed = ends->random = seed;
	ends->now_ns = SECOND;
	for (unsigned i = 0; i < 2; i++) {
		ends->end[i].ends = ends;
		ends->end[i].path.delay_ns = 10 * MS;
		two_ends_open(&ends->end[i]);
	}
}

void two_ends_finish(struct two_ends *ends)
{
	for (unsigned i = 0; i < 2; i++) {
		message_close(ends->end[i].peer);
		two_ends_kept_free(&ends->end[i]);
	}
	two_ends_store_free(ends);
	free(ends->passing);
}

void two_ends_restart(struct two_ends *ends, unsigned which)
{
	struct end *end = &ends->end[which];
	end->dead = true; /* so that closing saves nothing */
	end->deaths++;
	end->may_come_again += end->unsaved;
	end->unsaved = 0;
	message_close(end->peer);
	two_ends_open(end);
	message_path_restored(end->peer, ends->now_ns);
	two_ends_store_rewind(ends, which);
}

void two_ends_set_offline(struct two_ends *ends, unsigned which, bool offline)
{
	struct end *end = &ends->end[which];
	if (end->offline == offline)
		return;
	end->offline = offline;
	if (offline)
		return;
	message_path_restored(end->peer, ends->now_ns);
	message_offer(end->peer, ends->now_ns);
	two_ends_store_rewind(ends, which);
}

void two_ends_pass(struct two_ends *ends, enum passing_kind kind, unsigned which,
	const struct message_frame *frame)
{
	const struct path *path = &ends->end[which].path;
	if (path->cut || two_ends_random(ends, 100) < path->lose_percent)
		return;
	if (ends->passing_count == ends->passing_size) {
		ends->passing_size = ends->passing_size * 2 + 64;
		ends->passing = realloc(ends->passing, ends->passing_size * sizeof *ends->passing);
		assert_non_null(ends->passing);
	}
	struct passing *passing = &ends->passing[ends->passing_count++];
	passing->arrives_ns = ends->now_ns + path->delay_ns +
			      (path->jitter_ns ? two_ends_random(ends, path->jitter_ns) : 0);
	passing->order = ends->order++;
	passing->kind = kind;
	passing->end = which;
	passing->frame = *frame;
}

static void send_frame(struct two_ends *ends, unsigned from, const struct message_frame *frame)
{
	struct end *end = &ends->end[from];
	enum passing_kind kind = frame->way.stored ? PASSING_STORED : PASSING_LIVE;
	end->frames_sent++;
	end->acks_sent += frame->plain.type == SEAL_ACK && frame->way.live;
	end->stored_acks_sent += frame->plain.type == SEAL_ACK && frame->way.stored;
	end->bytes_sent += frame->plain_len;
	if (ends->watch)
		ends->watch(ends, from, frame);
	two_ends_pass(ends, kind, from, frame);
	if (two_ends_random(ends, 100) < end->path.repeat_percent)
		two_ends_pass(ends, kind, from, frame);
}

static void send_receipts(struct two_ends *ends, unsigned from)
{
	struct end *end = &ends->end[from];
	struct message_frame frame = { .way = { .stored = true } };
	while (!end->dead && message_receipt(end->peer, ends->now_ns, &frame.frame_id))
		if (!two_ends_step(end))
			two_ends_pass(ends, PASSING_RECEIVED, from, &frame);
}

static void send_all(struct two_ends *ends, unsigned from)
{
	struct end *end = &ends->end[from];
	struct message_frame frame;
	if (end->offline)
		return;
	message_relay_heard(end->peer, ends->now_ns);
	while (message_next(end->peer, ends->now_ns, &frame)) {
		if (two_ends_step(end))
			break;
		two_ends_unseal(end, &frame);
		send_frame(ends, from, &frame);
	}
	send_receipts(ends, from);
	if (end->dead)
		two_ends_restart(ends, from);
	else /* else an event loop would spin */
		assert_true(message_deadline(end->peer) > ends->now_ns);
}

/* One that has come to an end; which is not there any more where it died. */
static void arrive_at(struct two_ends *ends, unsigned to, const struct passing *passing)
{
	struct end *end = &ends->end[to];
	const struct message_frame *frame = &passing->frame;
	if (end->offline)
		return;
	if (two_ends_step(end))
		;
	else if (passing->kind == PASSING_ACCEPTED)
		message_accepted(end->peer, ends->now_ns, frame->frame_id);
	else if (passing->kind == PASSING_DELIVERED)
		assert_int_equal(message_receive_stored(
					 end->peer, ends->now_ns, frame->frame_id, &frame->plain),
			0);
	else
		assert_int_equal(
			message_receive(end->peer, ends->now_ns, frame->frame_id, &frame->plain),
			0);
	if (end->dead)
		two_ends_restart(ends, to);
}

static void arrive(struct two_ends *ends, size_t i)
{
	struct passing passing = ends->passing[i];
	ends->passing[i] = ends->passing[--ends->passing_count];
	switch (passing.kind) {
	case PASSING_LIVE:
		arrive_at(ends, !passing.end, &passing);
		break;
	case PASSING_ACCEPTED:
	case PASSING_DELIVERED:
		arrive_at(ends, passing.end, &passing);
		break;
	case PASSING_STORED:
	case PASSING_RECEIVED:
		two_ends_store_arrive(ends, &passing);
	}
}

/* The next thing that happens: a frame arrives (returns its place) or a timer runs out (SIZE_MAX).
 */
static size_t next_event(const struct two_ends *ends, uint64_t *when_ns)
{
	size_t which = SIZE_MAX;
	for (size_t i = 0; i < ends->passing_count; i++) {
		const struct passing *passing = &ends->passing[i];
		if (passing->arrives_ns < *when_ns ||
			(which != SIZE_MAX && passing->arrives_ns == *when_ns &&
				passing->order < ends->passing[which].order)) {
			*when_ns = passing->arrives_ns;
			which = i;
		}
	}
	for (unsigned i = 0; i < 2; i++)
		if (!ends->end[i].offline && message_deadline(ends->end[i].peer) < *when_ns) {
			*when_ns = message_deadline(ends->end[i].peer);
			which = SIZE_MAX;
		}
	if (two_ends_store_due(ends) < *when_ns) {
		*when_ns = two_ends_store_due(ends);
		which = SIZE_MAX;
	}
	return which;
}

bool two_ends_run(struct two_ends *ends, uint64_t ns, bool (*done)(const struct two_ends *ends))
{
	uint64_t end_ns = ends->now_ns + ns;
	for (;;) {
		two_ends_store_deliver(ends);
		send_all(ends, 0);
		send_all(ends, 1);
		if (done && done(ends))
			return true;
		uint64_t when_ns = end_ns;
		size_t arriving = next_event(ends, &when_ns);
		if (when_ns > ends->now_ns)
			ends->now_ns = when_ns;
		if (ends->now_ns >= end_ns)
			return false;
		if (arriving != SIZE_MAX)
			arrive(ends, arriving);
	}
}

bool two_ends_idle(const struct two_ends *ends)
{
	return message_backlog(ends->end[0].peer).messages == 0 &&
	       message_backlog(ends->end[1].peer).messages == 0;
}

static uint64_t send_way(struct two_ends *ends, unsigned from, const struct message_way *way,
	size_t len, uint8_t seed)
{
	uint8_t *data = malloc(len ? len : 1);
	uint64_t number = 0;
	assert_non_null(data);
	fill(data, len, seed);
	assert_int_equal(
		message_send_way(ends->end[from].peer, SEAL_DATA, way, data, len, &number), 0);
	free(data);
	return number;
}

uint64_t two_ends_send(struct two_ends *ends, unsigned from, size_t len, uint8_t seed)
{
	const struct message_way way = { .live = true };
	return send_way(ends, from, &way, len, seed);
}

uint64_t two_ends_send_stored(struct two_ends *ends, unsigned from, size_t len, uint8_t seed)
{
	const struct message_way way = { .stored = true, .accept_ns = MESSAGE_ACCEPT_NS };
	return send_way(ends, from, &way, len, seed);
}

void two_ends_assert_taken(
	const struct end *end, size_t i, uint64_t number, size_t len, uint8_t seed)
{
	uint8_t *data = malloc(len ? len : 1), digest[32];
	assert_non_null(data);
	fill(data, len, seed);
	crypto_generichash(digest, 32, data, len, NULL, 0);
	free(data);
	assert_true(i < end->taken_count);
	assert_int_equal(end->taken[i].number, number);
	assert_int_equal(end->taken[i].len, len);
	assert_memory_equal(end->taken[i].digest, digest, 32);
}
