#include "daemon/log.h"
#include "state.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

/* Records added at once; the socket takes them before more are added. */
enum { SYNC_RECORDS = 2048 };

static int on_hello(void *arg, const struct table_hello *hello, bool other_boot)
{
	struct control *control = arg;
	struct sync *sync = &control->sync;
	int result = directory_limit(&control->directory, hello->devices_max);

	if (result < 0)
		return result;
	control->dataplane = *hello;
	control->connected_s = control_now_s();
	directory_sessions_forgotten(&control->directory);
	sync->keep_count = sync->keep_next = sync->next_slot = sync->refused = 0;
	sync->next_row = sync->routes = 0;
	log_info("dataplane connected: %u workers, %u device slots%s", hello->owners,
		hello->devices_max, other_boot ? "" : ", the same as before");
	return 0;
}

static int keep(struct sync *sync, uint32_t index)
{
	if (sync->keep_count == sync->keep_capacity) {
		uint32_t capacity = sync->keep_capacity ? 2 * sync->keep_capacity : 256;
		uint32_t *grown = realloc(sync->keep, capacity * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		sync->keep = grown;
		sync->keep_capacity = capacity;
	}
	sync->keep[sync->keep_count++] = index;
	return 0;
}

static void on_dumped(void *arg, const struct table_session *session)
{
	struct control *control = arg;
	struct device *device = directory_device(&control->directory, session->device);

	/* After a restoration a slot may be another device's than the one that this session is of.
	 */
	if (session->confirmed && !control->restored && device &&
		device->state == DEVICE_ENROLLED && keep(&control->sync, session->index) == 0) {
		directory_session(&control->directory, device, session->index);
		COUNT(control, sessions_kept);
		return;
	}
	/* At once, before its slot can be given to another device. */
	table_link_add(control->table, TABLE_SESSION_REMOVE, &session->index, 0);
	COUNT(control, sessions_dropped);
}

static void add_kept(struct control *control)
{
	struct sync *sync = &control->sync;

	for (int i = 0; i < SYNC_RECORDS && sync->keep_next < sync->keep_count; i++)
		table_link_add(
			control->table, TABLE_SESSION_KEEP, &sync->keep[sync->keep_next++], 0);
	if (sync->keep_next < sync->keep_count)
		return;
	free(sync->keep);
	sync->keep = NULL;
	sync->keep_capacity = 0;
	sync->phase = SYNC_DEVICES;
}

static void add_devices(struct control *control)
{
	struct sync *sync = &control->sync;

	for (int i = 0; i < SYNC_RECORDS && sync->next_slot < control->directory.capacity; i++)
		control_send_device(control, sync->next_slot++);
	if (sync->next_slot == control->directory.capacity)
		sync->phase = SYNC_ROUTES;
}

static void add_targets(struct control *control, const struct store_target *targets, uint32_t count)
{
	static uint32_t ids[SYNC_RECORDS], slots[SYNC_RECORDS];

	for (uint32_t i = 0; i < count; i++)
		ids[i] = targets[i].device;
	directory_find_ids(&control->directory, ids, slots, count);
	for (uint32_t i = 0; i < count; i++) {
		struct table_route record = { .device = slots[i], .flags = targets[i].flags };
		if (slots[i] == DIRECTORY_NONE)
			continue;
		memcpy(record.route, targets[i].route, sizeof record.route);
		table_link_add(control->table, TABLE_ROUTE_SET, &record, 0);
		control->sync.routes++;
	}
}

static void add_routes(struct control *control)
{
	struct sync *sync = &control->sync;
	static struct store_target targets[SYNC_RECORDS];
	uint32_t count = 0;
	int result =
		store_targets_after(control->store, sync->next_row, targets, SYNC_RECORDS, &count);

	add_targets(control, targets, count);
	if (count)
		sync->next_row = targets[count - 1].row;
	sodium_memzero(targets, count * sizeof *targets);
	if (result < 0)
		log_error("the store can't be read: the dataplane may lack routes");
	if (result == 0 && count == SYNC_RECORDS)
		return;
	table_link_add(control->table, TABLE_SYNC_END, NULL, TABLE_SYNC_END);
	sync->phase = SYNC_ENDING;
}

static bool on_sync(void *arg)
{
	struct control *control = arg;

	switch (control->sync.phase) {
	case SYNC_DOWN:
		table_link_add(control->table, TABLE_SYNC_BEGIN, NULL, 0);
		control->sync.phase = SYNC_KEEP;
		break;
	case SYNC_KEEP:
		add_kept(control);
		break;
	case SYNC_DEVICES:
		add_devices(control);
		break;
	case SYNC_ROUTES:
		add_routes(control);
		break;
	case SYNC_ENDING:
	case SYNC_DONE:
		return false;
	}
	return true;
}

static void on_confirmed(void *arg, const struct table_confirmed *confirmed, uint32_t count)
{
	enrol_confirmed(arg, confirmed, count);
}

static void on_ended(void *arg, const struct table_ended *ended)
{
	struct control *control = arg;
	struct device *device = directory_device(&control->directory, ended->device);
	uint32_t number = directory_pending(&control->directory, ended->index);

	if (number != DIRECTORY_NONE)
		enrol_unpend(control, number);
	else if (device && device->state == DEVICE_ENROLLED)
		directory_session_ended(&control->directory, device, ended->index);
}

static void sync_ended(struct control *control, int error)
{
	if (error == -ENOTCONN)
		return;
	control->sync.phase = SYNC_DONE;
	backup_in_step(control);
	if (control->sync.refused)
		log_error("%u devices or routes do not fit into the dataplane's tables: raise "
			  "[tables] devices or routes_per_device in its configuration",
			control->sync.refused);
	log_info("dataplane in step: %u devices, %lu routes, %u sessions kept",
		control->directory.enrolled, control->sync.routes, control->sync.keep_count);
}

static void on_acked(void *arg, enum table_op op, uint64_t tag, int error)
{
	struct control *control = arg;

	switch (op) {
	case TABLE_SYNC_END:
		sync_ended(control, error);
		break;
	case TABLE_SESSION_INSTALL:
		/* The tag is the index, plus one. */
		if (error && error != -ENOTCONN)
			handshake_refused(control, (uint32_t)(tag - 1), error);
		break;
	case TABLE_ROUTE_SET:
	case TABLE_ROUTE_REMOVE:
		operation_acked(control, tag, error);
		break;
	default:
		break;
	}
}

static void on_refused(void *arg, enum table_op op, uint32_t failed, int error)
{
	struct control *control = arg;
	struct sync *sync = &control->sync;

	control->counters[CONTROL_COUNTER_table_failures] += failed;
	if (sync->phase == SYNC_DONE)
		return;
	if (error == -ENOSPC && (op == TABLE_DEVICE_SET || op == TABLE_ROUTE_SET))
		sync->refused += failed;
	if (op == TABLE_ROUTE_SET)
		sync->routes -= failed < sync->routes ? failed : sync->routes;
}

static void on_down(void *arg)
{
	struct control *control = arg;

	control->sync.phase = SYNC_DOWN;
	control->connected_s = 0;
	enrol_link_down(control);
}

const struct table_link_calls sync_calls = {
	.hello = on_hello,
	.dumped = on_dumped,
	.sync = on_sync,
	.confirmed = on_confirmed,
	.ended = on_ended,
	.acked = on_acked,
	.refused = on_refused,
	.down = on_down,
};
