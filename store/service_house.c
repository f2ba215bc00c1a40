#include "clock.h"
#include "daemon/log.h"
#include "service_private.h"

enum {
	HOUSE_US = 1000000,
	HOLD_S = 3600,
	KEYS_US = 10000000, /* so long may a key outlive its last message */
	SWEEP_US = 20000,   /* between steps: a million mailboxes in ten seconds */
};

/* The machine's clock may be wrong: nobody's messages go by it before somebody could look. */
void service_hold_sweep(struct service *service, uint64_t now_us)
{
	service->hold_us = now_us + HOLD_S * UINT64_C(1000000);
	service->sweep_us = UINT64_MAX;
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

void service_keep_house(struct service *service)
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
		service_hold_sweep(service, service->now_us);
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

void service_sweep(struct service *service)
{
	const bool through = depot_sweep(service->depot);

	service->sweep_us = through ? UINT64_MAX : service->now_us + SWEEP_US;
}
