/* Main's side of sessions: leases, installing, confirming, ending. */
#include "tables_private.h"

#include <errno.h>
#include <rte_cycles.h>
#include <sodium.h>

void sessions_init(struct tables *tables)
{
	uint8_t random[256]; /* one system call for many slots */

	list_init(&tables->free);
	list_init(&tables->ended);
	list_init(&tables->unlinked);
	list_init(&tables->waiting);
	for (uint32_t i = 0; i < tables->view.slots; i++) {
		tables->sessions[i].receive.index = SESSION_NONE;
		tables->sessions[i].send.tag = SESSION_NO_TAG;
		if (i % sizeof random == 0)
			randombytes_buf(random, sizeof random);
		tables->slots[i].generation =
			random[i % sizeof random] & ((1 << WIRE_INDEX_GENERATION_BITS) - 1);
		list_push(&tables->free, tables->slot_next, i);
	}
	for (uint32_t i = 0; i < tables->max.devices_max; i++) {
		tables->current[i] = SESSION_NONE;
		tables->devices[i] = (struct device){
			.sessions = TABLES_NONE,
			.pending = TABLES_NONE,
			.routes = TABLES_NONE,
			.limits = LIMIT_NONE,
		};
	}
}

int tables_lease(struct tables *tables, uint32_t owner, uint32_t *index)
{
	if (owner >= tables->max.owners)
		return -EINVAL;
	const uint32_t number = list_pop(&tables->free, tables->slot_next);
	if (number == TABLES_NONE)
		return -ENOSPC;
	struct slot *slot = &tables->slots[number];
	slot->index = wire_index(owner, slot->generation++, number);
	slot->state = SLOT_LEASED;
	*index = slot->index;
	return 0;
}

/* The slot of an index that is in one of the given states, or NULL. */
static struct slot *slot_of(struct tables *tables, uint32_t index, uint32_t states)
{
	const uint32_t number = wire_index_slot(index);

	if (number >= tables->view.slots)
		return NULL;
	struct slot *slot = &tables->slots[number];
	return slot->index == index && (states & 1u << slot->state) != 0 ? slot : NULL;
}

int tables_lease_return(struct tables *tables, uint32_t index)
{
	struct slot *slot = slot_of(tables, index, 1 << SLOT_LEASED);

	if (slot == NULL)
		return -ENOENT;
	slot->state = SLOT_FREE;
	list_push(&tables->free, tables->slot_next, wire_index_slot(index));
	return 0;
}

/* Writes keys and figures, then publishes the indices: from there on workers find it. */
static int publish(struct tables *tables, const struct table_install *install, uint64_t deadline)
{
	struct session *session = &tables->sessions[wire_index_slot(install->index)];
	struct session_receive *receive = &session->receive;
	struct session_send *send = &session->send;

	int result =
		aead_key_init(&tables->aead, &receive->key, install->suite, install->receive_key);
	if (result == 0)
		result =
			aead_key_init(&tables->aead, &send->key, install->suite, install->send_key);
	if (result < 0) {
		sodium_memzero(&receive->key, sizeof receive->key);
		sodium_memzero(&send->key, sizeof send->key);
		return result;
	}
	receive->device = install->device;
	receive->limits = (uint16_t)tables->devices[install->device].limits;
	receive->expires = session_tick(deadline);
	send->peer_index = install->peer_index;
	send->endpoint = install->endpoint;
	send->endpoint.sequence = 0;
	endpoint_prepare(&send->endpoint);
	__atomic_store_n(&send->tag, session_tag(install->index), __ATOMIC_RELEASE);
	__atomic_store_n(&receive->index, install->index, __ATOMIC_RELEASE);
	return 0;
}

int tables_session_install(struct tables *tables, const struct table_install *install)
{
	struct slot *slot = slot_of(tables, install->index, 1 << SLOT_LEASED);

	if (install->device >= tables->max.devices_max)
		return -EINVAL;
	if (slot == NULL)
		return -ENOENT;
	struct device *device = &tables->devices[install->device];
	const uint64_t deadline = rte_rdtsc() + WIRE_PENDING_S * tables->hz;
	int result = publish(tables, install, deadline);
	if (result < 0)
		return result;
	if (device->pending != TABLES_NONE)
		session_end(tables, device->pending, TABLE_END_REPLACED);
	slot->state = SLOT_PENDING;
	slot->reason = TABLE_END_UNCONFIRMED;
	slot->device = install->device;
	slot->keepalive_s = install->keepalive_s;
	slot->deadline = deadline;
	slot->lifetime = install->hard_lifetime_s * tables->hz;
	slot->named = true;
	slot->device_next = device->sessions;
	device->sessions = device->pending = wire_index_slot(install->index);
	return 0;
}

static void set_deadline(struct tables *tables, uint32_t number, uint64_t deadline)
{
	tables->slots[number].deadline = deadline;
	__atomic_store_n(&tables->sessions[number].receive.expires, session_tick(deadline),
		__ATOMIC_RELAXED);
}

int tables_session_confirm(struct tables *tables, uint32_t index)
{
	struct slot *slot = slot_of(tables, index, 1 << SLOT_PENDING);

	if (slot == NULL)
		return -ENOENT;
	struct device *device = &tables->devices[slot->device];
	const uint64_t now = rte_rdtsc();
	const uint32_t before = tables->current[slot->device];
	if (before != SESSION_NONE) {
		struct slot *old = &tables->slots[wire_index_slot(before)];
		old->reason = TABLE_END_REPLACED;
		set_deadline(tables, wire_index_slot(before),
			RTE_MIN(old->deadline, now + WIRE_OLD_KEYS_S * tables->hz));
	}
	slot->state = SLOT_CONFIRMED;
	slot->reason = TABLE_END_EXPIRED;
	set_deadline(tables, wire_index_slot(index), now + slot->lifetime);
	device->pending = TABLES_NONE;
	__atomic_store_n(&tables->current[slot->device], index, __ATOMIC_RELEASE);
	return 0;
}

void session_end(struct tables *tables, uint32_t number, enum table_end_reason reason)
{
	struct slot *slot = &tables->slots[number];
	struct session *session = &tables->sessions[number];
	struct device *device = &tables->devices[slot->device];

	if (tables->current[slot->device] == slot->index)
		__atomic_store_n(&tables->current[slot->device], SESSION_NONE, __ATOMIC_RELEASE);
	__atomic_store_n(&session->send.tag, SESSION_NO_TAG, __ATOMIC_RELEASE);
	__atomic_store_n(&session->receive.index, SESSION_NONE, __ATOMIC_RELEASE);
	if (device->pending == number)
		device->pending = TABLES_NONE;
	uint32_t *link = &device->sessions;
	while (*link != number)
		link = &tables->slots[*link].device_next;
	*link = slot->device_next;
	slot->state = SLOT_ENDED;
	slot->reason = (uint8_t)reason;
	list_push(&tables->ended, tables->slot_next, number);
}

int tables_session_remove(struct tables *tables, uint32_t index, enum table_end_reason reason)
{
	if (slot_of(tables, index, SLOT_LIVE_STATES) == NULL)
		return -ENOENT;
	session_end(tables, wire_index_slot(index), reason);
	return 0;
}

void sessions_end_of_device(struct tables *tables, uint32_t device)
{
	while (tables->devices[device].sessions != TABLES_NONE)
		session_end(tables, tables->devices[device].sessions, TABLE_END_REMOVED);
}

void sessions_set_limits(struct tables *tables, uint32_t device)
{
	uint32_t number = tables->devices[device].sessions;

	for (; number != TABLES_NONE; number = tables->slots[number].device_next)
		__atomic_store_n(&tables->sessions[number].receive.limits,
			(uint16_t)tables->devices[device].limits, __ATOMIC_RELEASE);
}

int tables_session_keep(struct tables *tables, uint32_t index)
{
	struct slot *slot = slot_of(tables, index, SLOT_LIVE_STATES);

	if (slot == NULL)
		return -ENOENT;
	slot->named = true;
	return 0;
}

void sessions_sync_begin(struct tables *tables)
{
	for (uint32_t i = 0; i < tables->view.slots; i++)
		tables->slots[i].named = false;
}

void sessions_sync_end(struct tables *tables)
{
	for (uint32_t i = 0; i < tables->view.slots; i++) {
		const struct slot *slot = &tables->slots[i];
		if ((SLOT_LIVE_STATES & 1 << slot->state) != 0 && !slot->named)
			session_end(tables, i, TABLE_END_REMOVED);
	}
}

static void describe(
	const struct tables *tables, uint32_t number, uint64_t now, struct table_session *out)
{
	const struct slot *slot = &tables->slots[number];
	const struct session *session = &tables->sessions[number];
	const uint64_t highest =
		__atomic_load_n(&session->receive.head.highest_plus_one, __ATOMIC_RELAXED);

	memset(out, 0, sizeof *out);
	out->index = slot->index;
	out->device = slot->device;
	out->peer_index = session->send.peer_index;
	out->suite = (uint16_t)session->send.key.suite;
	out->confirmed = slot->state == SLOT_CONFIRMED;
	out->expires_in_s =
		slot->deadline > now ? (uint32_t)((slot->deadline - now) / tables->hz) : 0;
	out->keepalive_s = slot->keepalive_s;
	out->highest_received = highest > 0 ? highest - 1 : 0;
	out->next_to_send = __atomic_load_n(&session->send.counter, __ATOMIC_RELAXED);
	endpoint_read(&session->send.endpoint, &out->endpoint);
	endpoint_read(&session->receive.candidate, &out->candidate);
}

uint32_t tables_session_dump(
	const struct tables *tables, uint32_t *cursor, struct table_session *out, uint32_t max)
{
	const uint64_t now = rte_rdtsc();
	uint32_t n = 0;

	for (; *cursor < tables->view.slots && n < max; ++*cursor)
		if ((SLOT_LIVE_STATES & 1 << tables->slots[*cursor].state) != 0)
			describe(tables, *cursor, now, &out[n++]);
	return n;
}
