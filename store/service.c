#include "service.h"

#include "backup.h"
#include "clock.h"
#include "daemon/log.h"
#include "limits.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	HOUSE_US = 1000000,
	HOLD_S = 3600,
	KEYS_US = 10000000, /* so long may a key outlive its last message */
	SWEEP_US = 20000,   /* between steps: a million mailboxes in ten seconds */
	/* Events in a turn; EVENTS_AT_ONCE without a look at the clock. */
	EVENTS_US = 1500,
	EVENTS_AT_ONCE = 64,
	RESYNCS = 2,
	TAKES = 3, /* of ACCEPT_TAKE_MAX, in a turn or step: no more than 1.5 ms */
};

/* The machine's clock may be wrong: nobody's messages go by it before somebody could look. */
static void hold_sweep(struct service *service, uint64_t now_us)
{
	service->hold_us = now_us + HOLD_S * UINT64_C(1000000);
	service->sweep_us = UINT64_MAX;
}

static void report_start(const struct service *service)
{
	const struct depot_report *report = &service->report;

	if (report->engine.read_only != 0)
		log_error("%s: the disk does not write (%s): nothing is accepted; what waits is "
			  "delivered",
			service->directory, strerror(-report->engine.read_only));
	if (report->engine.format_damaged)
		log_warning("%s: the file that names its format was damaged", service->directory);
	if (report->engine.index_lost)
		log_warning("%s: the index is damaged and is made anew from the messages; what was "
			    "delivered of late may be so once more: %s",
			service->directory, report->engine.text);
	if (report->unindexed > 0)
		log_warning("%s: %llu messages had come that the index did not name, as its last "
			    "writes are lost or the process ended just then: found again; what "
			    "was delivered last may be so once more",
			service->directory, (unsigned long long)report->unindexed);
	if (report->damaged > 0 || report->unreadable > 0)
		log_warning("%s: %llu damaged places, %llu messages found again, %llu lost; the "
			    "rest is served",
			service->directory, (unsigned long long)report->damaged,
			(unsigned long long)report->rebuilt,
			(unsigned long long)report->unreadable);
	if (report->late > 0)
		log_warning("%s: %llu messages are over a day older than they may be, by this "
			    "machine's clock: they go in an hour. If the clock is wrong, stop "
			    "chappe-store before that and set it",
			service->directory, (unsigned long long)report->late);
	log_info("%llu messages wait in %u mailboxes", (unsigned long long)report->messages,
		mailboxes_count(depot_mailboxes(service->depot)));
}

int service_open(struct service *service, const char *directory, const char *run_dir,
	char error[SERVICE_ERROR_BYTES])
{
	memset(service, 0, sizeof *service);
	service->directory = directory;
	service->sweep_us = UINT64_MAX; /* begins with the first look at the time */
	service->commit_ended = -1;
	int result = attach_init(&service->attach, run_dir);
	if (result < 0) {
		snprintf(error, SERVICE_ERROR_BYTES, "%.400s: too long for the path of a socket",
			run_dir);
		return result;
	}
	result = limits_load(directory, &service->limits, error);
	if (result == -EBADMSG) {
		log_warning("%s", error);
		result = 0;
	}
	if (result == 0)
		result = depot_open(&service->depot, directory, &service->limits, 0, clock_minute(),
			&service->report, error);
	if (result < 0)
		return result;
	report_start(service);
	if (service->report.late > 0)
		hold_sweep(service, clock_us());
	service->commit_ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	depot_tell_end(service->depot, service->commit_ended);
	result = work_init(&service->work, service->depot, directory);
	if (backup_remove(directory) < 0) /* one that nobody ended */
		log_warning("%s/" BACKUP_DIRECTORY " could not be removed", directory);
	if (result < 0) {
		snprintf(error, SERVICE_ERROR_BYTES, "%.400s: %s", directory, strerror(-result));
		return result;
	}
	deliver_init(&service->deliver, service->depot);
	accept_init(&service->accept, service->depot, &service->deliver);
	resolve_init(&service->resolve, service->depot, &service->deliver);
	return 0;
}

void service_close(struct service *service)
{
	if (service->attach.state != ATTACH_AWAY) {
		service->attach.complained = true; /* we go, not the dataplane */
		attach_end(&service->attach, 0, "");
	}
	work_free(&service->work);
	deliver_free(&service->deliver);
	depot_close(service->depot);
	service->depot = NULL;
	if (service->commit_ended >= 0)
		close(service->commit_ended);
	service->commit_ended = -1;
}

static void detach(struct service *service, const char *why)
{
	attach_end(&service->attach, service->now_us, why);
	accept_forget(&service->accept);
	(void)deliver_reset(&service->deliver, 0, service->now_us);
	service->input = false;
}

static bool is_present(const struct service *service)
{
	return service->attach.state == ATTACH_PRESENT;
}

/* Nothing is known of devices: SHARE_RESYNC, which follows, begins to ask. */
static void start_anew(struct service *service)
{
	resolve_init(&service->resolve, service->depot, &service->deliver);
	if (deliver_reset(&service->deliver, service->attach.devices_max, service->now_us) < 0)
		detach(service, "out of memory");
}

static void take_event(struct service *service, const struct share_event *event)
{
	switch ((enum share_event_kind)event->kind) {
	case SHARE_ONLINE:
		deliver_online(&service->deliver, event->device);
		break;
	case SHARE_OFFLINE:
		resolve_learn(&service->resolve, event);
		deliver_offline(&service->deliver, event->device);
		break;
	case SHARE_RESOLVED:
	case SHARE_NO_ROUTE:
		resolve_answer(&service->resolve, event);
		break;
	case SHARE_RESYNC:
		start_anew(service);
		resolve_reset(&service->resolve);
		break;
	}
}

/* Bounded in time, as some of them have work for every mailbox there is: a dataplane that sends
 * them without end must not keep this loop from everything else. */
static void take_events(struct service *service)
{
	struct ring *events = &service->attach.share.events;
	const uint64_t until_us = clock_us() + EVENTS_US;
	struct share_event event = { 0 };
	int resyncs = 0;

	for (int i = 0; i < EVENTS_AT_ONCE || clock_us() < until_us; i++) {
		if (!is_present(service) || i == SHARE_EVENT_SLOTS || resyncs == RESYNCS)
			return;
		if (!ring_take(events, &event)) {
			if (events->broken)
				detach(service, "its ring of events makes no sense");
			return;
		}
		resyncs += event.kind == SHARE_RESYNC;
		if (!share_event_ok(&event, service->attach.devices_max))
			detach(service, "an event that makes no sense");
		else
			take_event(service, &event);
	}
}

/* Takes the end of a commit, where it has ended. */
static int end_commit(struct service *service, bool wait)
{
	const bool had_failed = depot_failed(service->depot);
	uint32_t took_us = 0;
	const int result = accept_commit_end(&service->accept, wait, &took_us);

	if (result < 0 && result != -EINPROGRESS && !had_failed)
		log_error("%s: the disk does not write (%s): nothing more is accepted; what waits "
			  "is still delivered",
			service->directory, strerror(-result));
	if (took_us > 0 && result == 0) {
		latency_add(&service->commits, service->now_us, took_us);
		service->committed++;
	}
	return result;
}

int service_commit(struct service *service)
{
	int result = end_commit(service, true);

	if (result == 0) {
		accept_commit_begin(&service->accept);
		result = end_commit(service, true);
	}
	return result;
}

/* What the start did not find: cells that could not be read when they were to be delivered. */
static void report_unreadable(struct service *service)
{
	const uint64_t unreadable = service->deliver.unreadable;

	if (unreadable > service->unreadable)
		log_warning("%s: %llu messages could not be read and are lost; the rest is served",
			service->directory, (unsigned long long)(unreadable - service->unreadable));
	service->unreadable = unreadable;
}

static void keep_house(struct service *service)
{
	const uint32_t minute = clock_minute();

	service->keep_house_us = service->now_us + HOUSE_US;
	if (service->now_us >= service->turn_keys_us) {
		service->turn_keys_us = service->now_us + KEYS_US;
		depot_turn_keys(service->depot);
	}
	depot_set_time(service->depot, minute);
	if (service->house_minute != 0 && minute >= service->house_minute + DEPOT_LATE_MINUTES) {
		log_warning("this machine's clock has jumped ahead by %u minutes: for an hour no "
			    "message goes because of its age. If the clock is wrong, set it",
			minute - service->house_minute);
		hold_sweep(service, service->now_us);
	}
	service->house_minute = minute;
	depot_look_at_disk(service->depot);
	report_unreadable(service);
	if (service->swept_minute == minute || service->sweep_us != UINT64_MAX ||
		service->now_us < service->hold_us)
		return;
	service->swept_minute = minute;
	service->sweep_us = service->now_us;
}

/* A step of going through all that waits, once a minute. */
static void sweep(struct service *service)
{
	const bool through = depot_sweep(service->depot);

	service->sweep_us = through ? UINT64_MAX : service->now_us + SWEEP_US;
}

/* Begins a commit once enough has gathered, or where a tick has passed in vain. */
static void advance(struct service *service)
{
	(void)end_commit(service, false);
	if (depot_is_committing(service->depot) ||
		(!service->commit_owed && accept_gathered(&service->accept) < SERVICE_GATHER))
		return;
	service->commit_owed = false;
	accept_commit_begin(&service->accept);
}

/* The disk has something to do while the rest is taken. */
static void take(struct service *service)
{
	const int takes = service->crowded ? 1 : TAKES;
	int taken = ACCEPT_TAKE_MAX;

	service->input = false;
	for (int i = 0; i < takes && taken == ACCEPT_TAKE_MAX; i++) {
		const uint64_t before = service->accept.next;
		taken = accept_take(
			&service->accept, &service->attach.share, service->attach.devices_max);
		service->stored += (uint32_t)(service->accept.next - before);
		service->input |= taken > 0;
		service->came += taken > 0 ? (uint32_t)taken : 0;
		if (taken >= SERVICE_GATHER)
			advance(service);
	}
	service->more = taken == ACCEPT_TAKE_MAX;
	if (taken < 0)
		detach(service, "a record in its rings makes no sense");
}

static void release(struct service *service)
{
	if (is_present(service) &&
		accept_release(&service->accept, &service->attach.share.down) > 0)
		attach_ring(&service->attach);
}

/* What has been taken by now came before the tick that begins. */
static void begin_tick(struct service *service)
{
	accept_tick(&service->accept);
	service->short_tick_us = (service->now_us / SHORT_TICK_US + 1) * SHORT_TICK_US;
}

void service_step(struct service *service, uint64_t now_us)
{
	const bool short_tick = service->crowded && now_us >= service->short_tick_us;

	service->now_us = now_us;
	advance(service);
	if (short_tick)
		release(service);
	if (is_present(service))
		take(service);
	if (short_tick)
		begin_tick(service);
	advance(service);
}

/* Many frames a tick for a while: not one device's large message. */
static void look_at_crowd(struct service *service)
{
	service->crowd -= service->crowd / CROWD_TICKS;
	service->crowd += service->stored;
	service->crowded = service->crowd >= CROWD_TICKS * SERVICE_CROWD;
	service->busy = service->came >= SERVICE_BUSY || service->crowded;
	service->stored = service->came = 0;
}

static void look_at_dataplane(struct service *service)
{
	if (attach_turn(&service->attach, service->now_us))
		start_anew(service);
	if (is_present(service) && attach_broken(&service->attach))
		detach(service, "it is gone");
}

void service_turn(struct service *service, uint64_t now_us)
{
	if (now_us - service->now_us > (uint64_t)CROWD_TICKS * TICK_US)
		service->crowd = 0; /* nothing has come since */
	service->now_us = now_us;
	service->input = false;
	look_at_dataplane(service);
	(void)end_commit(service, false);
	release(service);
	if (is_present(service)) {
		attach_rung(&service->attach);
		take_events(service);
	}
	if (is_present(service))
		take(service);
	begin_tick(service);
	look_at_crowd(service);
	service->work_ended = work_turn(&service->work, now_us);
	service->commit_owed = depot_is_committing(service->depot);
	accept_commit_begin(&service->accept);
	if (now_us >= service->keep_house_us) /* while that commit is on its way */
		keep_house(service);
	else if (now_us >= service->sweep_us)
		sweep(service);
	deliver_tick(&service->deliver, now_us);
	if (is_present(service))
		resolve_turn(&service->resolve, &service->attach.share.down, now_us);
}

bool service_deliver(struct service *service, uint64_t until_us)
{
	if (!is_present(service))
		return false;
	struct ring *down = &service->attach.share.down;
	deliver_run(&service->deliver, down, until_us);
	if (down->broken) {
		detach(service, "its ring of what to send makes no sense");
		return false;
	}
	if (ring_waiting(down) > 0)
		attach_ring(&service->attach);
	return deliver_is_ready(&service->deliver);
}

uint64_t service_due_us(const struct service *service)
{
	uint64_t due_us = service->keep_house_us, other_us = attach_due_us(&service->attach);

	if (service->input || accept_has_work(&service->accept) ||
		(is_present(service) && ring_waits(&service->attach.share.events)))
		return 0;
	due_us = other_us < due_us ? other_us : due_us;
	due_us = service->sweep_us < due_us ? service->sweep_us : due_us;
	other_us = work_due_us(&service->work);
	due_us = other_us < due_us ? other_us : due_us;
	if (!is_present(service))
		return due_us;
	other_us = deliver_due_us(&service->deliver);
	due_us = other_us < due_us ? other_us : due_us;
	other_us = resolve_due_us(&service->resolve);
	return other_us < due_us ? other_us : due_us;
}

void service_finish(struct service *service)
{
	service_turn(service, clock_us());
	(void)service_commit(service);
	accept_tick(&service->accept);
	release(service);
}
