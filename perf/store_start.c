/* store_start: seconds that chappe-store needs from its start until it serves what waits on disk,
 * against reading as many bytes as its index has from the same disk; and memory for each mailbox.
 * The mailboxes have ten messages each, put there by the library; the page cache is dropped before.
 */
#include "bench.h"
#include "store/depot.h"
#include "store_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGES = 10, BATCH = 1024, READ_BYTES = 2 << 20 };

/* Of the index on disk: key, value and what RocksDB adds to them (measured, index tables). */
enum { INDEX_RECORD_BYTES = 70 };

static void fill(const struct store_rig *rig, uint32_t mailboxes)
{
	static const struct depot_limits limits = { .route_frames = 1 << 20,
		.device_frames = UINT32_MAX,
		.route_bytes = UINT64_MAX,
		.device_bytes = UINT64_MAX,
		.total_bytes = UINT64_MAX,
		.ttl_minutes = DEPOT_TTL_MINUTES };
	char path[STORE_RIG_PATH_BYTES + 16], error[DEPOT_ERROR_BYTES];
	static uint8_t frame[STORE_RIG_SMALL];
	struct wire_inner *inner = (struct wire_inner *)frame;
	struct depot_report report;
	struct depot *depot;
	uint64_t state = 1;

	store_rig_depot(rig, path, sizeof path);
	if (sodium_init() < 0 || depot_open(&depot, path, &limits, 1, (uint32_t)(time(NULL) / 60),
					 &report, error) < 0)
		bench_fail("%s", error);
	inner->kind = WIRE_STORED;
	for (uint64_t i = 0; i < (uint64_t)mailboxes * MESSAGES; i++) {
		store_rig_route((uint32_t)(i % mailboxes), inner->route);
		inner->frame_id = put64(bench_random(&state));
		if (depot_take(depot, 0, inner, sizeof frame) != DEPOT_TAKEN ||
			(i % BATCH == BATCH - 1 && depot_commit(depot) < 0))
			bench_fail("%s: message %lu is not taken", path, i);
	}
	if (depot_commit(depot) < 0 || depot_compact(depot) < 0)
		bench_fail("%s: the last commit", path);
	depot_close(depot);
}

static struct {
	uint64_t left;
	uint8_t bytes[READ_BYTES];
} reading;

static int forget_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
	const int fd = type == FTW_F ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	(void)status;
	(void)at;
	if (fd >= 0) {
		(void)fsync(fd);
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
	}
	return 0;
}

static int read_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
	const int fd = type == FTW_F && reading.left > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	(void)status;
	(void)at;
	for (ssize_t n = 1; fd >= 0 && n > 0 && reading.left > 0;) {
		n = read(fd, reading.bytes, sizeof reading.bytes);
		if (n > 0)
			reading.left -= (uint64_t)n < reading.left ? (uint64_t)n : reading.left;
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

static void forget_pages(const struct store_rig *rig)
{
	nftw(rig->dir, forget_one, 16, FTW_PHYS);
}

/* Seconds to read that many bytes of the store's files, one after the other. */
static double floor_of(const struct store_rig *rig, uint64_t bytes)
{
	forget_pages(rig);
	reading.left = bytes;
	const double start = bench_now_s();
	nftw(rig->dir, read_one, 16, FTW_PHYS);
	return bench_now_s() - start;
}

static void print(const char *name, const char *unit, uint32_t mailboxes, double value,
	double floor, double ratio, uint32_t pairs)
{
	const struct bench_figure figure = {
		.name = name,
		.unit = unit,
		.sessions = mailboxes,
		.value = value,
		.floor = floor,
		.ratio = { .median = ratio, .low = ratio, .high = ratio },
		.pairs = pairs,
	};

	bench_print(&figure);
}

void store_start_run(const struct store_options *options)
{
	double starts[BENCH_PAIRS_MAX], floors[BENCH_PAIRS_MAX], memory[BENCH_PAIRS_MAX];
	const uint32_t mailboxes = options->mailboxes;
	struct store_rig rig;

	store_rig_make(&rig, 1);
	store_rig_start(&rig);
	const double empty = (double)child_memory_bytes(&rig.process);
	store_rig_stop(&rig);
	fprintf(stderr, "     store_start: filling %u mailboxes\n", mailboxes);
	fill(&rig, mailboxes);
	for (uint32_t i = 0; i < options->pairs; i++) {
		floors[i] = floor_of(&rig, (uint64_t)mailboxes * MESSAGES * INDEX_RECORD_BYTES);
		forget_pages(&rig);
		starts[i] = store_rig_start(&rig);
		memory[i] = ((double)child_memory_bytes(&rig.process) - empty) / mailboxes;
		store_rig_stop(&rig);
	}
	store_rig_remove(&rig);
	const double start = bench_spread(starts, options->pairs).median;
	const double floor = bench_spread(floors, options->pairs).median;
	const double bytes = bench_spread(memory, options->pairs).median;
	fprintf(stderr,
		"     store_start %u mailboxes of %d: %.2f s, reading the index's bytes %.2f s; "
		"%.0f bytes of memory a mailbox\n",
		mailboxes, MESSAGES, start, floor, bytes);
	print("store_start", "s", mailboxes, start, floor, start, options->pairs);
	print("store_memory", "bytes", mailboxes, bytes, 0, bytes, options->pairs);
}
