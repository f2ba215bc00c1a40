#include "depot_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOAD_ERASED_MAX = 4096 /* before they are committed */ };

struct load {
	struct depot *depot;
	struct depot_report *report;
	uint32_t erased;
};

/* A disk that does not write keeps what should go until it does. */
static int commit(const struct load *load)
{
	if (load->report->engine.read_only == 0)
		return engine_commit(load->depot->engine);
	engine_abandon(load->depot->engine);
	return 0;
}

static int erase(struct load *load, uint64_t number)
{
	engine_erase(load->depot->engine, ENGINE_INDEX, number);
	engine_erase(load->depot->engine, ENGINE_BODY, number);
	if (++load->erased < LOAD_ERASED_MAX)
		return 0;
	load->erased = 0;
	return commit(load);
}

/* Takes a record into memory, unless its time is over. */
static int keep(struct load *load, uint64_t number, const struct record_index *index)
{
	struct depot *depot = load->depot;
	const uint32_t end = index->delivered ? index->arrived + RECENT_MINUTES
					      : depot_expiry(depot, index->arrived, index->ttl);

	if (end <= depot->now)
		return erase(load, number);
	int result;
	if (index->delivered) {
		load->report->delivered++;
		result = recent_add(depot->recent, index->route, index->frame_id, number,
			index->arrived, index->epoch);
	} else {
		load->report->messages++;
		result = calendar_add(&depot->calendar, number, index->arrived, index->epoch);
		if (result == 0)
			result = mailbox_add(depot->boxes, index->route,
				mailbox_entry(number, index->frame_id, index->ttl, index->large),
				index->frame_id);
	}
	if (result == 0)
		epochs_hold(depot->epochs, index->epoch);
	return result;
}

static int visit_index(void *arg, uint64_t number, const void *value, size_t bytes)
{
	struct load *load = arg;
	const struct epoch_key *key = epochs_key(load->depot->epochs, record_epoch(value, bytes));
	struct record_index index;

	load->depot->next = number + 1;
	if (key && record_open_index(&index, number, value, bytes, key) == 0)
		return keep(load, number, &index);
	load->report->unreadable++;
	return 0;
}

/* The cell itself says all that the index did. */
static int visit_body(void *arg, uint64_t number, const void *value, size_t bytes)
{
	struct load *load = arg;
	const uint32_t epoch = record_epoch(value, bytes);
	const struct epoch_key *key = epochs_key(load->depot->epochs, epoch);
	struct record_index_bytes index_bytes;
	struct record_frame frame;

	load->depot->next = number + 1;
	if (!key || record_open_body(&frame, number, value, bytes, key) < 0) {
		load->report->unreadable++;
		return 0;
	}
	const struct wire_inner *inner = (const struct wire_inner *)frame.bytes;
	struct record_index index = { .epoch = epoch,
		.frame_id = get64(inner->frame_id),
		.arrived = frame.arrived,
		.ttl = inner->ttl,
		.large = frame.len == RECORD_FRAME_MAX_BYTES };
	memcpy(index.route, inner->route, sizeof index.route);
	record_seal_index(&index_bytes, number, &index, key);
	engine_put(load->depot->engine, ENGINE_INDEX, number, &index_bytes, sizeof index_bytes);
	load->report->rebuilt++;
	return keep(load, number, &index);
}

static int damaged_body(void *arg, uint64_t first, uint64_t end)
{
	struct load *load = arg;

	(void)first;
	(void)end;
	load->report->unreadable++;
	return 0;
}

static int damaged_index(void *arg, uint64_t first, uint64_t end)
{
	struct load *load = arg;

	load->report->damaged++;
	return engine_scan(
		load->depot->engine, ENGINE_BODY, first, end, visit_body, damaged_body, load);
}

int depot_load(struct depot *depot, struct depot_report *report)
{
	struct load load = { .depot = depot, .report = report };
	int result = engine_scan(
		depot->engine, ENGINE_INDEX, 0, UINT64_MAX, visit_index, damaged_index, &load);

	if (result == 0)
		result = commit(&load);
	/* With records that can't be read, no key is known to be of no use. */
	if (result == 0 && report->damaged == 0 && !report->engine.tables_damaged &&
		report->engine.read_only == 0)
		(void)epochs_destroy_empty(depot->epochs);
	return result;
}

static int open_parts(struct depot *depot, const char *directory, uint32_t devices_max,
	struct depot_report *report, char error[DEPOT_ERROR_BYTES])
{
	char path[DEPOT_ERROR_BYTES], reason[ENGINE_ERROR_BYTES] = "out of memory";
	int result = mkdir(directory, 0700) != 0 && errno != EEXIST ? -errno : 0;

	if (result == 0)
		depot->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (result < 0 || depot->directory < 0) {
		result = -errno;
		snprintf(error, DEPOT_ERROR_BYTES, "%.400s: %s", directory, strerror(errno));
		return result;
	}
	snprintf(path, sizeof path, "%.400s/keys", directory);
	result = epochs_open(&depot->epochs, path, reason);
	if (result == 0) {
		snprintf(path, sizeof path, "%.400s/messages", directory);
		result = engine_open(&depot->engine, path, &report->engine, reason);
	}
	depot->boxes = mailboxes_create(devices_max);
	depot->recent = recent_create();
	if (result == 0 && (!depot->boxes || !depot->recent))
		result = -ENOMEM;
	if (result < 0)
		snprintf(error, DEPOT_ERROR_BYTES, "%.400s: %.500s", directory, reason);
	return result;
}

int depot_open(struct depot **out, const char *directory, const struct depot_limits *limits,
	uint32_t devices_max, uint32_t now, struct depot_report *report,
	char error[DEPOT_ERROR_BYTES])
{
	struct depot *depot = calloc(1, sizeof *depot);

	*out = NULL;
	memset(report, 0, sizeof *report);
	snprintf(error, DEPOT_ERROR_BYTES, "out of memory");
	if (!depot)
		return -ENOMEM;
	depot->directory = -1;
	depot->limits = *limits;
	depot->now = now;
	depot->next = 1;
	int result = open_parts(depot, directory, devices_max, report, error);
	if (result == 0) {
		result = depot_load(depot, report);
		if (result < 0)
			snprintf(error, DEPOT_ERROR_BYTES, "%.400s: reading what waits: %s",
				directory, strerror(-result));
	}
	if (result < 0) {
		depot_close(depot);
		return result;
	}
	depot->failed = report->engine.read_only != 0;
	depot->durable = depot->sealed = depot->next;
	(void)depot_commit(depot); /* nothing; looks at the disk */
	*out = depot;
	return 0;
}

void depot_close(struct depot *depot)
{
	if (!depot)
		return;
	engine_close(depot->engine);
	epochs_close(depot->epochs);
	mailboxes_destroy(depot->boxes);
	recent_destroy(depot->recent);
	calendar_free(&depot->calendar);
	free(depot->released.epochs);
	free(depot->released_sealed.epochs);
	if (depot->directory >= 0)
		close(depot->directory);
	free(depot);
}
