#include "backup.h"
#include "clock.h"
#include "daemon/log.h"
#include "limits.h"
#include "service_private.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

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
		service_hold_sweep(service, clock_us());
	service->commit_ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	result = service->commit_ended < 0 ? -errno : 0;
	depot_tell_end(service->depot, service->commit_ended);
	if (result == 0)
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
