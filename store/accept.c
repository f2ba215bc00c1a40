#include "accept.h"

#include <errno.h>
#include <sodium.h>

enum {
	TAKE_AT_ONCE = 16, /* of one ring, before the next has its turn */
	/* Records whose lines are asked for ahead: what a copy of one takes hides their way. */
	PREFETCHED = 2,
	PREFETCHED_BYTES = 512, /* a small one's */
};

void accept_init(struct accept *accept, struct depot *depot, struct deliver *deliver)
{
	memset(accept, 0, sizeof *accept);
	accept->depot = depot;
	accept->deliver = deliver;
}

static struct accept_entry *entry_at(struct accept *accept, uint64_t position)
{
	return &accept->entries[position % ACCEPT_WAITING_MAX];
}

void accept_forget(struct accept *accept)
{
	/* The uncommitted stay: their recipients are told of them. */
	for (; accept->first < accept->committed; accept->first++)
		sodium_memzero(entry_at(accept, accept->first), sizeof(struct accept_entry));
	for (uint64_t at = accept->committed; at < accept->next; at++)
		entry_at(accept, at)->index = UINT32_MAX;
}

static void take_frame(struct accept *accept, const struct share_up *record)
{
	const struct wire_inner *inner = (const struct wire_inner *)record->frame;
	const enum depot_verdict verdict =
		depot_take(accept->depot, record->device, inner, record->len);

	if (verdict != DEPOT_TAKEN && verdict != DEPOT_KNOWN) {
		accept->counts.refused[verdict]++;
		return;
	}
	struct accept_entry *entry = entry_at(accept, accept->next++);
	entry->index = record->index;
	entry->device = verdict == DEPOT_TAKEN ? record->device : MAILBOX_NO_DEVICE;
	entry->frame_id = get64(inner->frame_id);
	memcpy(entry->route, inner->route, sizeof entry->route);
}

static void take_received(struct accept *accept, const struct share_up *record)
{
	const struct wire_inner *inner = (const struct wire_inner *)record->frame;

	if (depot_received(accept->depot, inner->route, get64(inner->frame_id)) < 0)
		return;
	accept->counts.received++;
	deliver_received(accept->deliver, record->device, inner->route);
}

/* Copies some records of one ring; false for what must not be there. */
static bool gather(struct accept *accept, struct ring *ring, uint32_t devices_max, uint32_t max,
	uint32_t *count)
{
	for (uint32_t taken = 0; taken < TAKE_AT_ONCE && *count < max; taken++) {
		struct share_up *record = &accept->records[*count];
		ring_prefetch(ring, PREFETCHED, PREFETCHED_BYTES);
		if (!share_take_up(ring, record))
			return !ring->broken;
		if (!share_up_ok(record, devices_max))
			return false;
		++*count;
	}
	return true;
}

/* Handles what was gathered, whose look-ups are on their way meanwhile. */
static void take_all(struct accept *accept, uint32_t count)
{
	const struct wire_inner *frames[ACCEPT_AT_ONCE];

	for (uint32_t i = 0; i < count; i++)
		frames[i] = (const struct wire_inner *)accept->records[i].frame;
	mailbox_prefetch(depot_mailboxes(accept->depot), frames, count);
	for (uint32_t i = 0; i < count; i++)
		if (accept->records[i].kind == SHARE_STORED)
			take_frame(accept, &accept->records[i]);
		else
			take_received(accept, &accept->records[i]);
}

/* How many frames may be taken. The next commit may have to wait for the one under way. */
static uint32_t room(const struct accept *accept)
{
	const uint64_t waiting = accept->next - accept->first;
	const uint64_t gathered = accept_gathered(accept);
	uint64_t left = gathered < DEPOT_BATCH_MAX ? DEPOT_BATCH_MAX - gathered : 0;

	if (ACCEPT_WAITING_MAX - waiting < left)
		left = ACCEPT_WAITING_MAX - waiting;
	return left < ACCEPT_TAKE_MAX ? (uint32_t)left : ACCEPT_TAKE_MAX;
}

int accept_take(struct accept *accept, struct share *share, uint32_t devices_max)
{
	uint32_t left = room(accept), empty = 0;
	int all = 0;

	while (left > 0 && empty < share->workers) {
		const uint32_t max = left < ACCEPT_AT_ONCE ? left : ACCEPT_AT_ONCE;
		uint32_t count = 0;
		bool ok = true;
		while (ok && count < max && empty < share->workers) {
			const uint32_t before = count;
			ok = gather(accept, &share->up[accept->ring++ % share->workers],
				devices_max, max, &count);
			empty = count > before ? 0 : empty + 1;
		}
		take_all(accept, count);
		if (!ok)
			return -EPROTO;
		left -= count;
		all += (int)count;
	}
	return all;
}

static void fail(struct accept *accept)
{
	accept->counts.refused[DEPOT_FAILED] += accept->next - accept->committed;
	for (uint64_t at = accept->committed; at < accept->next; at++)
		sodium_memzero(entry_at(accept, at), sizeof(struct accept_entry));
	accept->next = accept->sealed = accept->committed;
	if (accept->due > accept->next)
		accept->due = accept->next;
}

void accept_tick(struct accept *accept)
{
	accept->due = accept->next;
}

uint64_t accept_gathered(const struct accept *accept)
{
	return accept->next - accept->sealed;
}

void accept_commit_begin(struct accept *accept)
{
	if (depot_is_committing(accept->depot))
		return;
	if (depot_has_changes(accept->depot) && depot_commit_begin(accept->depot) < 0)
		fail(accept);
	else
		accept->sealed = accept->next;
}

int accept_commit_end(struct accept *accept, bool wait, uint32_t *took_us)
{
	const int result = depot_commit_end(accept->depot, wait, took_us);

	if (result == -EINPROGRESS)
		return result;
	if (result < 0) {
		fail(accept);
		return result;
	}
	for (; accept->committed < accept->sealed; accept->committed++) {
		const struct accept_entry *entry = entry_at(accept, accept->committed);
		if (entry->device != MAILBOX_NO_DEVICE) {
			accept->counts.accepted++;
			deliver_waits(accept->deliver, entry->device);
		} else {
			accept->counts.repeated++;
		}
	}
	return 0;
}

bool accept_has_work(const struct accept *accept)
{
	return accept->first < accept->next || depot_has_changes(accept->depot) ||
	       depot_is_committing(accept->depot);
}

uint32_t accept_release(struct accept *accept, struct ring *down)
{
	const uint64_t end = accept->committed < accept->due ? accept->committed : accept->due;
	uint32_t sent = 0;

	for (; accept->first < end; accept->first++) {
		struct accept_entry *entry = entry_at(accept, accept->first);
		if (entry->index != UINT32_MAX) {
			struct share_down *record = ring_claim(down);
			if (!record)
				return sent;
			struct wire_inner *inner = (struct wire_inner *)record->frame;
			memset(record, 0,
				offsetof(struct share_down, frame) + WIRE_INNER_HEADER_BYTES);
			record->kind = SHARE_SEND;
			record->len = WIRE_INNER_HEADER_BYTES;
			record->index = entry->index;
			inner->kind = WIRE_ACCEPTED;
			inner->frame_id = put64(entry->frame_id);
			memcpy(inner->route, entry->route, sizeof inner->route);
			ring_publish(down);
			sent++;
		}
		sodium_memzero(entry, sizeof *entry);
	}
	return sent;
}
