/* What operators do and ask (control.h). */
#include "control.h"
#include "daemon/log.h"
#include "limit_classes.h"
#include "state.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

/* Ends an act: all of it is in the store, or none of it. */
static int settle(struct control *control, int result)
{
	if (result == 0)
		result = store_commit(control->store);
	if (result < 0)
		store_rollback(control->store);
	return result;
}

static int add_invitation(
	struct control *control, uint32_t ttl_s, struct store_invitation *invitation)
{
	memset(invitation, 0, sizeof *invitation);
	randombytes_buf(invitation->id, sizeof invitation->id);
	randombytes_buf(invitation->secret, sizeof invitation->secret);
	invitation->created_s = control_now_s();
	invitation->expires_s = invitation->created_s + ttl_s;
	return store_invitation_add(control->store, invitation);
}

int control_invite(struct control *control, uint32_t ttl_s, struct store_invitation *invitations,
	uint32_t count)
{
	uint64_t taken = control->directory.enrolled + control->open_invitations + count;
	int result = 0;

	if (control->dataplane.devices_max && taken > control->dataplane.devices_max)
		return -ENOSPC;
	for (uint32_t i = 0; result == 0 && i < count; i++)
		result = add_invitation(control, ttl_s, &invitations[i]);
	result = settle(control, result);
	if (result == 0)
		control->open_invitations += count;
	else
		sodium_memzero(invitations, count * sizeof *invitations);
	return result;
}

int control_invitation_cancel(struct control *control, const uint8_t id[WIRE_INVITATION_ID_BYTES])
{
	struct store_invitation invitation;
	bool open = store_invitation_get(control->store, id, &invitation) == 0 &&
		    invitation.used_s == 0 && invitation.expires_s > control_now_s();
	int result = settle(control, store_invitation_delete(control->store, id));

	sodium_memzero(&invitation, sizeof invitation);
	if (result == 0 && open && control->open_invitations)
		control->open_invitations--;
	return result;
}

int control_device_limits(struct control *control, uint32_t id, const struct store_limits *limits)
{
	struct store_device device;
	int result = store_device_get(control->store, id, &device);

	if (result == 0 && device.revoked_s)
		result = -ENOENT;
	if (result == 0 && !limit_classes_fit(control, limits))
		result = -ENOSPC;
	if (result == 0)
		result = settle(control, store_device_limits(control->store, id, limits));
	if (result == 0) {
		directory_set_limits(directory_device(&control->directory, device.slot), limits);
		control_send_device(control, device.slot);
	}
	sodium_memzero(&device, sizeof device);
	return result;
}

int control_device_revoke(struct control *control, uint32_t id)
{
	struct store_device device;
	int result = store_device_get(control->store, id, &device);

	if (result == 0 && device.revoked_s)
		result = -EALREADY;
	if (result == 0)
		result = settle(control, store_device_revoke(control->store, id, control_now_s()));
	if (result == 0) {
		table_link_add(control->table, TABLE_DEVICE_REMOVE, &device.slot, 0);
		directory_release(&control->directory, device.slot);
	}
	sodium_memzero(&device, sizeof device);
	return result;
}

int control_route_revoke(struct control *control, const uint8_t route[WIRE_ROUTE_BYTES])
{
	struct table_route record = { 0 };
	struct store_route found;
	uint32_t count = 0;
	int result =
		store_routes_by_prefix(control->store, route, WIRE_ROUTE_BYTES, &found, 1, &count);

	if (result == 0 && count == 0)
		result = -ENOENT;
	if (result == 0)
		result = settle(
			control, store_route_delete(control->store, found.device, found.route));
	if (result < 0)
		return result;
	memcpy(record.route, route, sizeof record.route);
	record.device = found.slot;
	table_link_add(control->table, TABLE_ROUTE_REMOVE, &record, 0);
	return 0;
}

void control_drain(struct control *control, bool draining)
{
	control->draining = draining;
}

void control_info(const struct control *control, struct control_info *info)
{
	const struct config *config = control->config;

	*info = (struct control_info){
		.names_count = config->names_count,
		.started_s = control->started_s,
		.draining = control->draining,
		.in_step = control->sync.phase == SYNC_DONE,
		.boot = control->dataplane.boot,
		.owners = control->dataplane.owners,
		.devices_max = control->dataplane.devices_max,
		.routes_per_device = control->dataplane.routes_per_device,
		.suites = control->dataplane.suites,
		.idle_sleep_us = control->dataplane.idle_sleep_us,
		.connected_s = control->connected_s,
		.devices = control->directory.enrolled,
		.invitations = (uint32_t)control->open_invitations,
		.pending_sessions = control->directory.pendings.count,
		.leased = table_link_leased(control->table),
		.queue_depth = responder_depth(control->responder),
		.threads = responder_threads(control->responder),
		.default_limits = config->limits,
		.keepalive_s = config->keepalive_s,
		.keepalive_min_s = config->keepalive_min_s,
	};
	memcpy(info->relay_public, control->key.public, sizeof info->relay_public);
	memcpy(info->names, config->names, sizeof info->names);
	memcpy(info->counters, control->counters, sizeof info->counters);
}

int control_device_memory(
	const struct control *control, uint32_t id, struct control_device_memory *memory)
{
	struct store_device stored;
	const struct device *device;
	int result = store_device_get(control->store, id, &stored);

	memset(memory, 0, sizeof *memory);
	if (result == 0 && stored.slot == STORE_NO_SLOT)
		result = -ENOENT;
	if (result < 0)
		return result;
	device = directory_device(&control->directory, stored.slot);
	sodium_memzero(&stored, sizeof stored);
	if (!device || device->id != id)
		return -ENOENT;
	memory->attempt = device->attempt;
	memory->session = device->session;
	memory->has_session = device->has_session;
	memory->earlier_session = device->earlier;
	memory->has_earlier_session = device->has_earlier;
	for (uint32_t i = device->pending; i != DIRECTORY_NONE;
		i = control->directory.pendings.all[i].next_of_slot)
		memory->pending_sessions++;
	return 0;
}

uint32_t control_device_in_slot(const struct control *control, uint32_t slot)
{
	const struct device *device = directory_device(&control->directory, slot);

	return device && device->state == DEVICE_ENROLLED ? device->id : 0;
}

/* A question of the API's on its way to the dataplane. */
struct asking {
	struct asking *next;
	struct control *control;
	control_session_visit *session;
	control_stats_visit *stats;
	control_stages_visit *stages;
	control_done *done;
	void *arg; /* of the asker */
	uint32_t worker;
};

static void on_part(void *arg, const void *records, uint32_t count)
{
	struct asking *asking = arg;

	if (!asking->done)
		return;
	if (asking->stats) {
		asking->stats(asking->arg, asking->worker++, records, count);
		return;
	}
	if (asking->stages) {
		asking->stages(asking->arg, asking->worker++, records, count);
		return;
	}
	for (uint32_t i = 0; i < count && asking->done; i++)
		asking->session(asking->arg, (const struct table_session *)records + i);
}

static void on_done(void *arg, int error)
{
	struct asking *asking = arg, **place = &asking->control->asking;

	while (*place != asking)
		place = &(*place)->next;
	*place = asking->next;
	if (asking->done)
		asking->done(asking->arg, error);
	free(asking);
}

static int ask(struct control *control, enum table_op op, const struct asking *wanted)
{
	struct asking *asking = malloc(sizeof *asking);
	int result;

	if (!asking)
		return -ENOMEM;
	*asking = *wanted;
	asking->control = control;
	result = table_link_ask(control->table, op, on_part, on_done, asking);
	if (result < 0) {
		free(asking);
		return result;
	}
	asking->next = control->asking;
	control->asking = asking;
	return 0;
}

int control_sessions(
	struct control *control, control_session_visit *visit, control_done *done, void *arg)
{
	return ask(control, TABLE_SESSION_LIST,
		&(struct asking){ .session = visit, .done = done, .arg = arg });
}

int control_stats(
	struct control *control, control_stats_visit *visit, control_done *done, void *arg)
{
	return ask(control, TABLE_STATS_GET,
		&(struct asking){ .stats = visit, .done = done, .arg = arg });
}

int control_stages(
	struct control *control, control_stages_visit *visit, control_done *done, void *arg)
{
	return ask(control, TABLE_STAGES_GET,
		&(struct asking){ .stages = visit, .done = done, .arg = arg });
}

void control_forget(struct control *control, void *arg)
{
	for (struct asking *asking = control->asking; asking; asking = asking->next)
		if (asking->arg == arg)
			asking->done = NULL;
	message_link_forget(control->messages.link, arg);
	backup_forget(control, arg);
}
