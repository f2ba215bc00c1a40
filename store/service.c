#include "clock.h"
#include "daemon/log.h"
#include "service_private.h"

#include <errno.h>

enum {
	/* Events in a turn; EVENTS_AT_ONCE without a look at the clock. */
	EVENTS_US = 1500,
	EVENTS_AT_ONCE = 64,
	RESYNCS = 2,
	TAKES = 3, /* of ACCEPT_TAKE_MAX, in a turn or step: no more than 1.5 ms */
};

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
		service_keep_house(service);
	else if (now_us >= service->sweep_us)
		service_sweep(service);
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
