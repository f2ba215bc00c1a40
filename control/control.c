#include "control.h"
#include "daemon/log.h"
#include "src/hop.h"
#include "state.h"
#include "vault.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	CONTROL_EXPIRY_S = 60,    /* how often the store is searched for what is to be deleted */
	CONTROL_FORGET_S = 10,    /* how often answers to operations are */
	CONTROL_THREADS_MAX = 16, /* where the configuration names no number */
};

int64_t control_now_s(void)
{
	return (int64_t)time(NULL);
}

struct event_base *control_base(struct control *control)
{
	return control->base;
}

struct store *control_store(struct control *control)
{
	return control->store;
}

void control_limits(
	const struct control *control, const struct device *device, struct store_limits *limits)
{
	*limits = control->config->limits;
	if (device->routes_max >= 0)
		limits->routes_max = device->routes_max;
	if (device->frames_per_s >= 0)
		limits->frames_per_s = device->frames_per_s;
	if (device->bytes_per_s >= 0)
		limits->bytes_per_s = device->bytes_per_s;
}

int control_send_device(struct control *control, uint32_t slot)
{
	const struct device *device = directory_device(&control->directory, slot);
	struct table_device record = { .slot = slot };
	struct store_limits limits;

	if (device->state == DEVICE_FREE)
		return 0;
	control_limits(control, device, &limits);
	record.frames_per_s = (uint32_t)limits.frames_per_s;
	record.bytes_per_s = (uint64_t)limits.bytes_per_s;
	return table_link_add(control->table, TABLE_DEVICE_SET, &record, 0);
}

/* Deletes what was kept long enough, and counts the invitations that are still open. */
static void expire(struct control *control, int64_t now_s)
{
	uint64_t open = 0;
	uint32_t deleted;
	int result = store_expire(control->store, now_s, &deleted);

	control->next_expiry_s = now_s + CONTROL_EXPIRY_S;
	if (result == 0)
		result = store_commit(control->store);
	if (result == 0)
		result = store_invitations_open(control->store, now_s, &open);
	if (result == 0)
		control->open_invitations = open;
	else
		store_rollback(control->store);
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
	struct control *control = arg;
	int64_t now_s = control_now_s();

	(void)fd;
	(void)what;
	if (now_s >= control->next_expiry_s)
		expire(control, now_s);
	if (now_s >= control->next_forget_s) {
		control->next_forget_s = now_s + CONTROL_FORGET_S;
		operations_expire(&control->operations, now_s);
	}
	message_store_second(control);
	backup_second(control, now_s);
	if (store_erase_due(control->store) && store_erase(control->store) == 0)
		COUNT(control, erasures);
}

static void on_punt(void *arg, const struct punt_record *record)
{
	struct control *control = arg;

	switch (record->kind) {
	case PUNT_INIT:
		handshake_init(control, record);
		break;
	case PUNT_CONTROL:
		operation_request(control, record);
		break;
	default:
		COUNT(control, drop_frame);
		break;
	}
}

static void on_punt_turn(void *arg)
{
	handshake_submit(arg);
	operation_commit(arg);
}

static const struct punt_link_calls punt_calls = { .record = on_punt, .turn = on_punt_turn };

static void on_finished(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	handshake_finished(arg);
}

static int load_device(void *arg, const struct store_device *device)
{
	struct control *control = arg;

	return device->revoked_s ? 0 : directory_enrol(&control->directory, device);
}

static int load(struct control *control)
{
	int result = store_reset_secret(control->store, control->reset_secret);

	if (result == 0)
		result = store_devices(control->store, load_device, control);
	if (result == 0)
		expire(control, control->started_s);
	return result;
}

static uint32_t threads_of(const struct config *config)
{
	long half = sysconf(_SC_NPROCESSORS_ONLN) / 2;

	if (config->threads)
		return config->threads;
	return half < 1 ? 1 : half > CONTROL_THREADS_MAX ? CONTROL_THREADS_MAX : (uint32_t)half;
}

static int start_links(struct control *control)
{
	char path[CONFIG_PATH_BYTES + 16];
	int result;

	control->own = (struct table_link_own){
		.relay_public = control->key.public,
		.reset_secret = control->reset_secret,
		.suites = control->suites,
	};
	snprintf(path, sizeof path, "%s/table.sock", control->config->run_dir);
	result = table_link_create(&control->table, control->base, path, &control->own, &sync_calls,
		control, control->counters);
	if (result < 0)
		return result;
	snprintf(path, sizeof path, "%s/punt.sock", control->config->run_dir);
	result = punt_link_create(&control->punt, control->base, path, &punt_calls, control,
		&control->counters[CONTROL_COUNTER_drop_answer_lost]);
	return result < 0 ? result : message_store_start(control);
}

static int start_events(struct control *control)
{
	const struct timeval second = { .tv_sec = 1 };

	control->second = event_new(control->base, -1, EV_PERSIST, on_second, control);
	control->finished = event_new(control->base, responder_fd(control->responder),
		EV_READ | EV_PERSIST, on_finished, control);
	if (!control->second || !control->finished)
		return -ENOMEM;
	event_priority_set(control->finished, 1);
	event_add(control->second, &second);
	event_add(control->finished, NULL);
	return 0;
}

int control_create(struct control **created, struct event_base *base, const struct config *config,
	const struct noise_keypair *key, struct store *store)
{
	struct control *control = vault_alloc(sizeof *control);
	int result;

	*created = NULL;
	if (!control) {
		store_close(store);
		return -ENOMEM;
	}
	control->config = config;
	control->base = base;
	control->store = store;
	control->key = *key;
	control->suites = hop_suites();
	control->started_s = control_now_s();
	backup_start(control);
	result = directory_init(&control->directory);
	if (result == 0)
		result = operations_init(&control->operations);
	if (result == 0)
		result = load(control);
	if (result == 0)
		result = responder_create(&control->responder, &control->key, threads_of(config));
	if (result == 0)
		result = start_events(control);
	if (result == 0)
		result = start_links(control);
	if (result < 0)
		control_destroy(control);
	else
		*created = control;
	return result;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	responder_destroy(control->responder);
	table_link_destroy(control->table);
	punt_link_destroy(control->punt);
	backup_stop(control);
	message_store_stop(control);
	if (control->finished)
		event_free(control->finished);
	if (control->second)
		event_free(control->second);
	free(control->sync.keep);
	if (control->operations.all)
		operations_wipe(&control->operations);
	directory_wipe(&control->directory);
	store_close(control->store);
	vault_free(control, sizeof *control);
}
