#include "admin.h"

#include "backup.h"
#include "daemon/log.h"
#include "limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void refuse(struct admin_reply *reply, int result, const char *what)
{
	reply->result = result;
	snprintf(reply->text, sizeof reply->text, "%s: %s", what, strerror(-result));
}

/* Of the files in one directory of the store's. */
static uint64_t bytes_in(int parent, const char *name)
{
	const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *files = fd < 0 ? NULL : fdopendir(fd);
	uint64_t bytes = 0;
	struct stat status;

	if (!files) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (const struct dirent *entry; (entry = readdir(files)) != NULL;)
		if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(status.st_mode))
			bytes += (uint64_t)status.st_blocks * 512;
	closedir(files);
	return bytes;
}

static uint64_t disk_used(const struct service *service)
{
	const int fd = open(service->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	const uint64_t bytes = bytes_in(fd, "messages") + bytes_in(fd, "keys");
	close(fd);
	return bytes;
}

static void do_status(struct service *service, struct admin_status *status)
{
	const struct mailboxes *boxes = depot_mailboxes(service->depot);
	const struct mailbox_load load = mailboxes_load(boxes);
	const struct accept_counts *counts = &service->accept.counts;

	status->mailboxes = mailboxes_count(boxes);
	status->frames = load.count;
	status->large = load.large;
	status->bytes = mailbox_bytes(load.count, load.large);
	status->accepted = counts->accepted;
	status->delivered = counts->received;
	status->repeated = counts->repeated;
	status->expired = depot_expired(service->depot);
	status->refused_route = counts->refused[DEPOT_OVER_ROUTE];
	status->refused_device = counts->refused[DEPOT_OVER_DEVICE];
	status->refused_total = counts->refused[DEPOT_OVER_TOTAL];
	status->refused_failed = counts->refused[DEPOT_FAILED];
	status->damaged = service->report.damaged;
	status->rebuilt = service->report.rebuilt;
	status->unreadable = service->report.unreadable + service->deliver.unreadable;
	status->disk_free_bytes = depot_disk_free(service->depot);
	status->disk_used_bytes = disk_used(service);
	status->epochs = depot_epochs(service->depot);
	status->commit_p50_us = latency_percentile(&service->commits, service->now_us, 500);
	status->commit_p99_us = latency_percentile(&service->commits, service->now_us, 990);
	status->commits = service->committed;
	status->verified = service->work.verified;
	status->verify_bad = service->work.bad;
	status->verify = (uint8_t)service->work.verify;
	status->compact = (uint8_t)service->work.compact;
	status->linked = service->attach.state == ATTACH_PRESENT;
	status->failed = depot_failed(service->depot);
}

static void do_limits_set(
	struct service *service, const struct admin_limits *asked, struct admin_reply *reply)
{
	struct admin_limits wanted = *asked, current;
	struct depot_limits limits;

	reply->result = limits_check(asked, reply->text);
	if (reply->result < 0)
		return;
	wanted.reserved = 0;
	limits_to_admin(&current, &service->limits);
	if (memcmp(&wanted, &current, sizeof wanted) == 0)
		return;
	limits_from_admin(&limits, asked);
	const int result = limits_save(service->directory, &limits);
	if (result < 0) {
		refuse(reply, result, "the limits could not be kept");
		return;
	}
	service->limits = limits;
	depot_set_limits(service->depot, &limits);
	log_info("new limits");
}

static void do_route_query(
	const struct service *service, const uint8_t *route, struct admin_waiting *waiting)
{
	const struct mailbox *box = mailbox_find(depot_mailboxes(service->depot), route);

	if (!box)
		return;
	waiting->frames = box->count;
	waiting->large = box->large;
	waiting->bytes = mailbox_bytes(box->count, box->large);
	waiting->oldest_minute = depot_arrived(service->depot, box, 0);
	waiting->newest_minute = depot_arrived(service->depot, box, box->count - 1);
}

static void do_route_erase(struct service *service, const uint8_t *route, struct admin_reply *reply)
{
	struct mailbox *box = mailbox_find(depot_mailboxes(service->depot), route);

	do_route_query(service, route, &reply->waiting);
	if (!box)
		return;
	while (depot_give_up(service->depot, box, 0))
		;
	const int result = service_commit(service);
	if (result < 0)
		refuse(reply, result, "what waits could not be erased from the disk");
}

/* False: it has begun. */
static bool begin(struct service *service, enum work_kind kind, struct admin_reply *reply)
{
	const int result = work_start(&service->work, kind);

	if (result == 0)
		return false;
	refuse(reply, result,
		result == -EBUSY ? "another compaction or backup is under way"
				 : "it could not begin");
	return true;
}

bool admin_do(
	struct service *service, const struct admin_request *request, struct admin_reply *reply)
{
	switch ((enum admin_op)request->op) {
	case ADMIN_STATUS:
		do_status(service, &reply->status);
		return true;
	case ADMIN_LIMITS_SET:
		do_limits_set(service, &request->limits, reply);
		return true;
	case ADMIN_LIMITS_GET:
		limits_to_admin(&reply->limits, &service->limits);
		return true;
	case ADMIN_ROUTE_QUERY:
		do_route_query(service, request->route.route, &reply->waiting);
		return true;
	case ADMIN_ROUTE_ERASE:
		do_route_erase(service, request->route.route, reply);
		return true;
	case ADMIN_VERIFY:
		if (work_verify(&service->work) < 0)
			refuse(reply, -EBUSY, "it is being verified");
		return true;
	case ADMIN_COMPACT:
		(void)begin(service, WORK_COMPACT, reply);
		return true;
	case ADMIN_BACKUP:
		return begin(service, WORK_BACKUP, reply);
	case ADMIN_BACKUP_END:
		return begin(service, WORK_BACKUP_END, reply);
	}
	refuse(reply, -EOPNOTSUPP, "the request");
	return true;
}

void admin_finish(const struct service *service, struct admin_reply *reply)
{
	const bool made = service->work_ended == WORK_BACKUP;

	reply->op = made ? ADMIN_BACKUP : ADMIN_BACKUP_END;
	reply->result = service->work.job.result;
	memcpy(reply->text, service->work.job.text, sizeof reply->text);
	if (made && reply->result == 0 &&
		(size_t)snprintf(reply->path.path, sizeof reply->path.path, "%s/" BACKUP_DIRECTORY,
			service->directory) >= sizeof reply->path.path)
		refuse(reply, -ENAMETOOLONG, "the path of the copy");
}
