/* What the store is told of devices. */
#include "session.h"
#include "store_link.h"

enum { STORE_DEVICES_PER_TURN = 65536 /* looked at: 256 KiB of memory */ };

static bool store_event_put(
	struct store_link *store, enum share_event_kind kind, uint32_t device, const uint8_t *route)
{
	struct share_event *event = ring_claim(&store->share.events);
	if (!event)
		return false;
	*event = (struct share_event){ .kind = kind, .device = device };
	if (route)
		memcpy(event->route, route, sizeof event->route);
	ring_publish(&store->share.events);
	return true;
}

bool store_event_room(struct store_link *store)
{
	return !store->ready ||
	       ring_waiting(&store->share.events) < SHARE_EVENT_SLOTS - STORE_EVENT_RESERVE;
}

void store_event_answer(struct store_link *store, enum share_event_kind kind, uint32_t device,
	const uint8_t route[WIRE_ROUTE_BYTES])
{
	if (store->ready && !store_event_put(store, kind, device, route))
		store->resync = true;
}

void store_link_online(struct store_link *store, uint32_t device)
{
	if (store->ready && !store->resync && !store_event_put(store, SHARE_ONLINE, device, NULL))
		store->resync = true;
}

void store_link_resync(struct store_link *store)
{
	store->resync = true;
}

/* All devices that are online now; those that come online meanwhile are told of at once, so that
 * whoever is told of twice is none too few. Half of the ring stays free for them. */
static void store_event_tell(struct store_link *store)
{
	const struct tables_view *view = tables_view(store->dataplane->tables);
	const uint32_t waiting = ring_waiting(&store->share.events);
	uint32_t room = waiting < SHARE_EVENT_SLOTS / 2 ? SHARE_EVENT_SLOTS / 2 - waiting : 0;
	for (uint32_t i = 0; i < STORE_DEVICES_PER_TURN && room > 0; i++) {
		if (store->told == view->devices)
			return;
		const uint32_t device = store->told++;
		if (view->current[device] == SESSION_NONE)
			continue;
		(void)store_event_put(store, SHARE_ONLINE, device, NULL);
		room--;
	}
}

void store_event_turn(struct store_link *store)
{
	if (!store->ready)
		return;
	if (store->resync && store_event_put(store, SHARE_RESYNC, 0, NULL)) {
		store->resync = false;
		store->told = 0;
	}
	if (!store->resync)
		store_event_tell(store);
}
