/* The message store in /metrics. */
#include "metrics.h"

#include <time.h>

/* field of struct admin_status, type, name, help */
#define STORE_METRICS(X)                                                                           \
	X(linked, gauge, linked, "1 while the dataplane hands frames to chappe-store")             \
	X(failed, gauge, failed, "1 while chappe-store's disk does not write")                     \
	X(mailboxes, gauge, mailboxes, "routes under which frames wait")                           \
	X(frames, gauge, waiting_frames, "frames that wait")                                       \
	X(bytes, gauge, waiting_bytes, "bytes of the cells that wait")                             \
	X(epochs, gauge, epoch_keys, "keys under which what waits lies on disk")                   \
	X(disk_used_bytes, gauge, disk_used_bytes, "bytes of chappe-store's files")                \
	X(disk_free_bytes, gauge, disk_free_bytes, "bytes free on chappe-store's disk")            \
	X(commit_p50_us, gauge, commit_p50_us, "microseconds of a commit, median of a minute")     \
	X(commit_p99_us, gauge, commit_p99_us, "microseconds of a commit, 99th percentile")        \
	X(damaged, gauge, found_damaged, "damaged ranges found when chappe-store started")         \
	X(unreadable, gauge, found_unreadable, "records lost to damage when chappe-store started") \
	X(accepted, counter, accepted, "stored frames made durable and acknowledged")              \
	X(delivered, counter, delivered, "stored frames that their recipient has received")        \
	X(repeated, counter, repeated, "stored frames that were there already")                    \
	X(expired, counter, expired, "stored frames that waited too long")                         \
	X(refused_route, counter, refused_route, "stored frames above a route's limit")            \
	X(refused_device, counter, refused_device, "stored frames above a device's limit")         \
	X(refused_total, counter, refused_total, "stored frames above the limit of all or disk")   \
	X(refused_failed, counter, refused_failed, "stored frames that the disk did not take")

static void write_one(FILE *out, const char *name, const char *type, const char *help,
	const char *suffix, uint64_t value)
{
	metrics_help(out, "chappe_store_", name, type, help);
	fprintf(out, "chappe_store_%s%s %llu\n", name, suffix, (unsigned long long)value);
}

void metrics_store(FILE *out, const struct control *control, uint64_t erasures)
{
	struct control_message_info info;
	control_message_info(control, &info);
	const bool up = info.status_s != 0 &&
			(int64_t)time(NULL) - info.status_s <= 2 * CONTROL_MESSAGE_WAIT_S;
	metrics_gauge(out, "store_up", "1 while chappe-store answers", up);
	metrics_gauge(out, "store_erasures_waiting",
		"revoked routes under which chappe-store is still to erase", erasures);
	if (!up)
		return;
	const char *const suffix_gauge = "", *const suffix_counter = "_total";
#define X(field, type, name, help)                                                                 \
	write_one(out, #name, #type, help, suffix_##type, info.status.field);
	STORE_METRICS(X)
#undef X
}
