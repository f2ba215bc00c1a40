#include "depot_private.h"
#include "group.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOAD_ERASED_MAX = 4096, LOAD_RESTORED_MAX = 65536 /* before they are committed */ };

struct load {
	struct depot *depot;
	struct depot_report *report;
	uint32_t erased;
	bool old_delivered; /* there are records whose time is over */
	uint32_t epoch;     /* of the last record, with its key */
	const struct epoch_key *key;
	struct record_frame frame; /* of the cell that is looked at */
};

/* A disk that does not write keeps what should go until it does; what was found again is read all
 * the same. */
static int commit(const struct load *load)
{
	const int result = engine_commit(load->depot->engine);

	if (result < 0 && load->report->engine.read_only == 0)
		load->report->engine.read_only = result;
	return result == -ENOMEM ? result : 0;
}

static int erase(struct load *load, uint64_t number)
{
	const int result = engine_erase(load->depot->engine, number);

	if (result < 0 || ++load->erased < LOAD_ERASED_MAX)
		return result;
	load->erased = 0;
	return commit(load);
}

static const struct epoch_key *key_of(struct load *load, uint32_t epoch)
{
	if (epoch != load->epoch) {
		load->epoch = epoch;
		load->key = epochs_key(load->depot->epochs, epoch);
	}
	return load->key;
}

/* Takes a record into memory. */
static int keep(struct load *load, uint64_t number, const struct record_index *index)
{
	struct depot *depot = load->depot;
	int result = calendar_add(&depot->calendar, number, index->arrived, index->epoch);

	load->report->messages++;
	if (result == 0)
		result = mailbox_add(depot->boxes, index->route,
			mailbox_entry(number, index->frame_id, index->ttl, index->large),
			index->frame_id);
	if (result == 0)
		epochs_hold(depot->epochs, index->epoch);
	return result;
}

/* What is over for long is left to the sweep: either nothing ran for so long, or the clock is
 * wrong, and can be set right while the messages are there. */
static bool is_over(const struct load *load, const struct record_index *index)
{
	const uint32_t expiry = depot_expiry(load->depot, index->arrived, index->ttl);
	const uint32_t now = load->depot->now;

	if (expiry > now)
		return false;
	if (now - expiry >= DEPOT_LATE_MINUTES) {
		load->report->late++;
		return false;
	}
	load->depot->expired++;
	return true;
}

/* Numbers ascend. */
static void pass(const struct load *load, uint64_t number)
{
	if (load->depot->next <= number)
		load->depot->next = number + 1;
}

static int visit_index(void *arg, uint64_t number, const struct record_index_bytes *bytes)
{
	struct load *load = arg;
	const struct epoch_key *key = key_of(load, get32(bytes->epoch));
	struct record_index index;

	pass(load, number);
	if (!key || record_open_index(&index, number, bytes, key) < 0) {
		load->report->unreadable++;
		return 0;
	}
	return is_over(load, &index) ? erase(load, number) : keep(load, number, &index);
}

static int visit_delivered(
	void *arg, uint64_t number, struct record_delivered_bytes *bytes, size_t len)
{
	struct load *load = arg;
	struct depot *depot = load->depot;
	const uint32_t arrived = (uint32_t)(number >> 32);
	const uint32_t epoch = len >= sizeof bytes->epoch ? get32(bytes->epoch) : 0;
	const struct epoch_key *key = key_of(load, epoch);
	const int64_t count = key ? record_open_delivered(bytes, number, len, key) : -EBADMSG;
	int result = 0;

	if (arrived + RECENT_MINUTES <= depot->now) {
		load->old_delivered = true;
		return 0;
	}
	if (count < 0)
		load->report->unreadable++;
	for (int64_t i = 0; i < count && result == 0; i++) {
		result = recent_add(depot->recent, bytes->frames[i].route,
			get64(bytes->frames[i].frame_id), arrived, epoch);
		if (result == 0) {
			epochs_hold(depot->epochs, epoch);
			load->report->delivered++;
		}
	}
	return result == -ENOSPC ? 0 : result;
}

static bool is_cell(void *arg, uint64_t number, const struct record_body_bytes *body, size_t len)
{
	struct load *load = arg;
	const struct epoch_key *key = key_of(load, get32(body->epoch));

	return key && record_open_body(&load->frame, number, body, len, key) == 0;
}

/* The cell itself says all that the index did; but for whether it was received, beyond what is
 * known of that of late: it is delivered again then, and the device knows it. */
static int visit_cell(void *arg, uint64_t number, const struct record_body_bytes *body, size_t len,
	struct segment_place place)
{
	struct load *load = arg;
	struct record_index_bytes bytes;

	if (!is_cell(load, number, body, len))
		return 0;
	pass(load, number);
	const struct wire_inner *inner = (const struct wire_inner *)load->frame.bytes;
	struct record_index index = { .epoch = get32(body->epoch),
		.frame_id = get64(inner->frame_id),
		.arrived = load->frame.arrived,
		.ttl = inner->ttl,
		.large = load->frame.len == RECORD_FRAME_MAX_BYTES };
	memcpy(index.route, inner->route, sizeof index.route);
	if (is_over(load, &index) || recent_has(load->depot->recent, index.route, index.frame_id))
		return 0;
	record_seal_index(&bytes, number, &index, load->key);
	const int result = engine_restore(load->depot->engine, number, place, len, &bytes);
	if (result < 0)
		return result;
	if (++load->report->rebuilt % LOAD_RESTORED_MAX == 0 && commit(load) < 0)
		return -ENOMEM;
	return keep(load, number, &index);
}

static const struct engine_cell_visits cell_visits = { is_cell, visit_cell };

static int damaged_index(void *arg, uint64_t first, uint64_t end)
{
	struct load *load = arg;

	load->report->damaged++;
	return engine_scan_cells(load->depot->engine, first, end, &cell_visits, load);
}

static int index_ended(void *arg, uint64_t next, bool behind)
{
	struct load *load = arg;
	const uint64_t rebuilt = load->report->rebuilt;

	pass(load, next - 1);
	if (!behind)
		return 0;
	const int result =
		engine_scan_cells(load->depot->engine, next, UINT64_MAX, &cell_visits, load);
	load->report->unindexed = load->report->rebuilt - rebuilt;
	return result;
}

int depot_load(struct depot *depot, struct depot_report *report)
{
	static const struct engine_visits visits = { visit_delivered, visit_index, damaged_index,
		index_ended };
	struct load load = { .depot = depot, .report = report };
	int result = engine_load(depot->engine, &visits, &load);

	if (load.old_delivered && depot->now >= RECENT_MINUTES)
		engine_forget(depot->engine, depot->now - RECENT_MINUTES + 1);
	if (result == 0)
		result = commit(&load);
	sodium_memzero(&load.frame, sizeof load.frame);
	/* The first group of this process is its own. */
	depot->next = (depot->next + GROUP_NUMBERS - 1) / GROUP_NUMBERS * GROUP_NUMBERS;
	/* With records that can't be read, no key and no cell is known to be of no use. */
	const bool complete = report->damaged == 0 && !report->engine.index_lost;
	if (result == 0 && report->engine.read_only == 0) {
		engine_loaded(depot->engine, complete);
		if (complete)
			(void)epochs_destroy_empty(depot->epochs);
	}
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

static int open_once(struct depot **out, const char *directory, const struct depot_limits *limits,
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

int depot_open(struct depot **depot, const char *directory, const struct depot_limits *limits,
	uint32_t devices_max, uint32_t now, struct depot_report *report,
	char error[DEPOT_ERROR_BYTES])
{
	const int result = open_once(depot, directory, limits, devices_max, now, report, error);

	return result != -EUCLEAN
		       ? result
		       : open_once(depot, directory, limits, devices_max, now, report, error);
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
