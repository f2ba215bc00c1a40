/* The tables of the rig's dataplane. */
#include "rig_tables.h"

#include <errno.h>

struct rig_session *rig_find_session(struct rig *rig, uint32_t index)
{
	for (int i = 0; i < RIG_SESSIONS; i++)
		if (rig->sessions[i].used && rig->sessions[i].install.index == index)
			return &rig->sessions[i];
	return NULL;
}

static int device_set(struct rig *rig, const struct table_device *device)
{
	if (device->slot >= rig->devices_max)
		return -ENOSPC;
	rig->devices[device->slot] = rig->devices_named[device->slot] = true;
	rig->limits[device->slot] = *device;
	return 0;
}

static int device_remove(struct rig *rig, uint32_t slot)
{
	rig->removals++;
	if (!rig->devices[slot])
		return -ENOENT;
	rig->devices[slot] = false;
	for (int i = 0; i < RIG_ROUTES; i++)
		if (rig->routes[i].route.device == slot)
			rig->routes[i].used = false;
	for (int i = 0; i < RIG_SESSIONS; i++)
		if (rig->sessions[i].used && rig->sessions[i].install.device == slot)
			rig_end(rig, rig->sessions[i].install.index, TABLE_END_REMOVED);
	return 0;
}

static struct rig_route *find_route(struct rig *rig, const uint8_t *route)
{
	for (int i = 0; i < RIG_ROUTES; i++)
		if (rig->routes[i].used && memcmp(rig->routes[i].route.route, route, 16) == 0)
			return &rig->routes[i];
	return NULL;
}

static int route_set(struct rig *rig, const struct table_route *route)
{
	struct rig_route *found = find_route(rig, route->route);

	if (rig->route_error)
		return rig->route_error;
	if (!rig->devices[route->device])
		return -ENOENT;
	for (int i = 0; !found && i < RIG_ROUTES; i++)
		if (!rig->routes[i].used)
			found = &rig->routes[i];
	assert_non_null(found);
	*found = (struct rig_route){ .route = *route, .used = true, .named = true };
	return 0;
}

static int route_remove(struct rig *rig, const struct table_route *route)
{
	struct rig_route *found = find_route(rig, route->route);

	if (!found)
		return -ENOENT;
	found->used = false;
	return 0;
}

static int install(struct rig *rig, const struct table_install *record)
{
	rig->installs++;
	if (rig->install_error)
		return rig->install_error;
	assert_null(rig_find_session(rig, record->index));
	assert_true(rig->devices[record->device]);
	for (int i = 0; i < RIG_SESSIONS; i++) {
		if (rig->sessions[i].used)
			continue;
		rig->sessions[i] =
			(struct rig_session){ .install = *record, .used = true, .named = true };
		return 0;
	}
	return -ENOSPC;
}

void rig_sync_end(struct rig *rig)
{
	rig->syncs++;
	rig->syncing = false;
	for (uint32_t i = 0; i < RIG_DEVICES; i++)
		if (rig->devices[i] && !rig->devices_named[i])
			device_remove(rig, i);
	for (int i = 0; i < RIG_ROUTES; i++)
		if (!rig->routes[i].named)
			rig->routes[i].used = false;
	for (int i = 0; i < RIG_SESSIONS; i++)
		if (rig->sessions[i].used && !rig->sessions[i].named)
			rig_end(rig, rig->sessions[i].install.index, TABLE_END_REMOVED);
}

void rig_sync_begin(struct rig *rig)
{
	rig->syncing = true;
	memset(rig->devices_named, 0, sizeof rig->devices_named);
	for (int i = 0; i < RIG_ROUTES; i++)
		rig->routes[i].named = false;
	for (int i = 0; i < RIG_SESSIONS; i++)
		rig->sessions[i].named = false;
}

int rig_apply(struct rig *rig, uint16_t op, const uint8_t *records, uint32_t i)
{
	uint32_t number = 0;
	struct rig_session *session;

	if (op == TABLE_DEVICE_REMOVE || op == TABLE_SESSION_KEEP || op == TABLE_SESSION_REMOVE)
		memcpy(&number, records + 4 * i, 4);
	switch (op) {
	case TABLE_DEVICE_SET:
		return device_set(rig, (const struct table_device *)records + i);
	case TABLE_DEVICE_REMOVE:
		return device_remove(rig, number);
	case TABLE_ROUTE_SET:
		return route_set(rig, (const struct table_route *)records + i);
	case TABLE_ROUTE_REMOVE:
		return route_remove(rig, (const struct table_route *)records + i);
	case TABLE_SESSION_INSTALL:
		return install(rig, (const struct table_install *)records + i);
	case TABLE_SESSION_KEEP:
	case TABLE_SESSION_REMOVE:
		session = rig_find_session(rig, number);
		if (!session)
			return -ENOENT;
		session->named = true;
		if (op == TABLE_SESSION_REMOVE)
			rig_end(rig, number, TABLE_END_REMOVED);
		return 0;
	default:
		return 0;
	}
}

uint32_t rig_routes(const struct rig *rig)
{
	uint32_t count = 0;

	for (int i = 0; i < RIG_ROUTES; i++)
		count += rig->routes[i].used;
	return count;
}
