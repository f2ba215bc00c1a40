#include "accept.h"

#include <errno.h>
#include <sodium.h>

enum { TAKE_AT_ONCE = 16 /* of one ring, before the next has its turn */ };

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

/* As many of one ring as may be; how many there were; -1 for what must not
 * be there. */
static int take_some(struct accept *accept, struct ring *ring, uint32_t devices_max, uint32_t *left)
{
	int taken = 0;

	for (; taken < TAKE_AT_ONCE && 0 < *left; taken++, (*left)--) {
		if (!ring_take(ring, &accept->record))
			return ring->broken ? -1 : taken;
		if (!share_up_ok(&accept->record, devices_max))
			return -1;
		if (accept->record.kind == SHARE_STORED)
			take_frame(accept, &accept->record);
		else
			take_received(accept, &accept->record);
	}
	return taken;
}

int accept_take(struct accept *accept, struct share *share, uint32_t devices_max)
{
	const uint64_t waiting = accept->next - accept->first;
	/* The next commit may have to wait for the one that is under way. */
	const uint64_t gathered = accept->next - accept->sealed;
	uint32_t left = gathered < DEPOT_BATCH_MAX ? (uint32_t)(DEPOT_BATCH_MAX - gathered) : 0;
	uint32_t empty = 0;
	int all = 0;

	if (ACCEPT_WAITING_MAX - waiting < left)
		left = (uint32_t)(ACCEPT_WAITING_MAX - waiting);
	while (left > 0 && empty < share->workers) {
		const int taken = take_some(
			accept, &share->up[accept->ring++ % share->workers], devices_max, &left);
		if (taken < 0)
			return -EPROTO;
		all += taken;
		empty = taken > 0 ? 0 : empty + 1;
	}
	return all;
}

static void fail(struct accept *accept)
{
	accept->counts.refused[DEPOT_FAILED] += accept->next - accept->committed;
	for (uint64_t at = accept->committed; at < accept->next; at++)
		sodium_memzero(entry_at(accept, at), sizeof(struct accept_entry));
	accept->next = accept->sealed = accept->committed;
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
	uint32_t sent = 0;

	for (; accept->first < accept->committed; accept->first++) {
		struct accept_entry *entry = entry_at(accept, accept->first);
		if (entry->index != UINT32_MAX) {
			struct share_down *record = ring_claim(down);
			if (!record)
				return sent;
			struct wire_inner *inner = (struct wire_inner *)record->frame;
			memset(record, 0, sizeof *record);
			record->kind = SHARE_SEND;
			record->len = WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES;
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
