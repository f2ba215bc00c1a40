/* What the store wants sent. */
#include "route.h"
#include "send.h"
#include "session.h"
#include "store_link.h"
#include <sodium.h>

static const struct wire_inner *store_down_inner(const struct share_down *record)
{
	return (const struct wire_inner *)record->frame;
}

/* What went in by a worker comes out unchanged, and an acknowledgement has one form: the store has
 * no way to say anything of its own to a device. */
static bool store_down_ok(const struct share_down *record)
{
	const struct wire_inner *inner = store_down_inner(record);
	if (!share_down_ok(record))
		return false;
	return record->kind != SHARE_DELIVER || wire_inner_from_device_ok(inner);
}

/* The device that the route leads to now. False: it leads nowhere. */
static bool store_down_find(
	const struct store_link *store, const struct wire_inner *inner, uint32_t *device)
{
	const struct route_table *table = &tables_view(store->dataplane->tables)->routes;
	const uint32_t value =
		route_find(table, route_bucket_of(table, inner->route), inner->route, NULL);
	*device = route_device(value);
	return value != ROUTE_NONE;
}

/* False: the owner's inject ring has no room. */
static bool store_down_send(struct store_link *store, uint32_t index, const void *inner,
	uint32_t len, enum counter counter)
{
	struct dataplane *dataplane = store->dataplane;
	if (!session_to(tables_view(dataplane->tables), index)) {
		dataplane_count(dataplane, COUNTER_drop_stale_session, 1);
		return true;
	}
	if (!send_room(dataplane, wire_index_owner(index), STORE_INJECT_RESERVE_FRAMES))
		return false;
	if (send_session(dataplane, index, inner, len) == 0)
		dataplane_count(dataplane, counter, 1);
	return true;
}

static bool store_down_accept(struct store_link *store, const struct share_down *record)
{
	const struct wire_inner *inner = store_down_inner(record);
	union {
		struct wire_inner inner;
		uint8_t cell[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES];
	} accepted = { .cell = { 0 } };
	accepted.inner.kind = WIRE_ACCEPTED;
	accepted.inner.frame_id = inner->frame_id;
	memcpy(accepted.inner.route, inner->route, sizeof inner->route);
	const bool done = store_down_send(
		store, record->index, &accepted, sizeof accepted, COUNTER_accepted_frames);
	sodium_memzero(&accepted, WIRE_INNER_HEADER_BYTES);
	return done;
}

static bool store_down_deliver(struct store_link *store, const struct share_down *record)
{
	const struct wire_inner *inner = store_down_inner(record);
	const struct tables_view *view = tables_view(store->dataplane->tables);
	uint32_t device;
	if (!store_down_find(store, inner, &device)) {
		store_event_answer(store, SHARE_NO_ROUTE, 0, inner->route);
		return true;
	}
	if (view->current[device] == SESSION_NONE) {
		store_event_answer(store, SHARE_OFFLINE, device, inner->route);
		dataplane_count(store->dataplane, COUNTER_returned_frames, 1);
		return true;
	}
	return store_down_send(
		store, view->current[device], record->frame, record->len, COUNTER_delivered_frames);
}

static bool store_down_resolve(struct store_link *store, const struct share_down *record)
{
	const struct wire_inner *inner = store_down_inner(record);
	uint32_t device = 0;
	const bool found = store_down_find(store, inner, &device);
	store_event_answer(store, found ? SHARE_RESOLVED : SHARE_NO_ROUTE, device, inner->route);
	return true;
}

/* False: it has to wait. */
static bool store_down_handle(struct store_link *store, const struct share_down *record)
{
	switch (record->kind) {
	case SHARE_SEND:
		return store_down_accept(store, record);
	case SHARE_DELIVER:
		return store_event_room(store) && store_down_deliver(store, record);
	default:
		return store_event_room(store) && store_down_resolve(store, record);
	}
}

uint32_t store_down_turn(struct store_link *store)
{
	struct share_down *record = &store->record;
	for (uint32_t n = 0; n < STORE_DOWN_RECORDS_PER_TURN; n++) {
		if (!store->held && !share_take_down(&store->share.down, record))
			return n;
		const bool ok = store->held || store_down_ok(record);
		store->held = ok && !store_down_handle(store, record);
		if (store->held)
			return n;
		sodium_memzero(record, sizeof *record);
		if (!ok) {
			dataplane_count(store->dataplane, COUNTER_drop_store_record, 1);
			store_link_lose(store, "it left a record that is not one");
		}
	}
	return STORE_DOWN_RECORDS_PER_TURN;
}
