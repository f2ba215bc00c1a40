/* store_accept: frames a second that chappe-store makes durable and says `accepted` for, against
 * what the same disk takes when batches of the same size are written to a file and synced, one
 * after the other. The floor counts the bytes of the frames alone. */
#include "bench.h"
#include "store_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ROUTES = 10000,
	SENT_MAX = 1 << 17, /* of whose sending the time is known */
	LATENCIES_MAX = 1 << 22,
	TICK_US = 5000, /* of chappe-store's: what comes within one was one batch */
	SETTLE_US = 300000,
	FLOOR_FILE_BYTES = 512 << 20,
};

struct taken {
	double frames_per_s;
	uint32_t batch; /* frames */
	double p50_ms, p99_ms;
};

static double sent_at[SENT_MAX];
static float latencies[LATENCIES_MAX];

static int compare(const void *left, const void *right)
{
	const float a = *(const float *)left, b = *(const float *)right;

	return (a > b) - (a < b);
}

/* Keeps so many frames in flight. */
static struct taken measure(struct store_rig *rig, uint32_t window, double seconds)
{
	const double start = bench_now_s();
	uint64_t accepted = 0, batches = 0, last_tick = 0;
	const uint64_t first = rig->next;
	struct share_down record;
	double now = start;

	while (now < start + seconds || accepted < rig->next - first) {
		for (; now < start + seconds && rig->next - first - accepted < window;) {
			sent_at[rig->next % SENT_MAX] = bench_now_s();
			const uint32_t route = (uint32_t)(rig->next * 7919 % ROUTES);
			if (!store_rig_put(rig, route, route))
				break;
		}
		store_end_ring(&rig->end);
		store_end_wait(&rig->end, 1);
		now = bench_now_s();
		const uint64_t tick = (uint64_t)(now * 1e6) / TICK_US;
		while (store_end_take(&rig->end, &record)) {
			if (record.kind != SHARE_SEND)
				continue;
			latencies[accepted++ % LATENCIES_MAX] =
				(float)(now - sent_at[store_rig_number(&record) % SENT_MAX]);
			batches += tick != last_tick;
			last_tick = tick;
		}
		if (now > start + seconds + 10)
			bench_fail("%lu frames are not accepted", rig->next - first - accepted);
	}
	const size_t n = accepted < LATENCIES_MAX ? accepted : LATENCIES_MAX;
	qsort(latencies, n, sizeof *latencies, compare);
	return (struct taken){ .frames_per_s = (double)accepted / (now - start),
		.batch = (uint32_t)(accepted / batches),
		.p50_ms = latencies[n / 2] * 1e3,
		.p99_ms = latencies[n * 99 / 100] * 1e3 };
}

/* Frames a second of the disk alone. */
static double floor_of(const struct store_rig *rig, uint32_t batch, double seconds)
{
	const size_t bytes = (size_t)batch * STORE_RIG_SMALL;
	char path[STORE_RIG_PATH_BYTES + 16];
	uint8_t *noise = malloc(bytes);
	uint64_t state = 1, written = 0;

	snprintf(path, sizeof path, "%s/floor", rig->dir);
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || noise == NULL)
		bench_fail("%s: %s", path, strerror(errno));
	for (size_t i = 0; i < bytes; i++)
		noise[i] = (uint8_t)(bench_random(&state) >> 56);
	const double start = bench_now_s();
	double now = start;
	for (; now < start + seconds && written < FLOOR_FILE_BYTES; written += bytes) {
		if (write(fd, noise, bytes) != (ssize_t)bytes || fdatasync(fd) != 0)
			bench_fail("%s: %s", path, strerror(errno));
		now = bench_now_s();
	}
	close(fd);
	unlink(path);
	free(noise);
	return (double)written / STORE_RIG_SMALL / (now - start);
}

static void one_window(const struct store_options *options, uint32_t window)
{
	double rates[BENCH_PAIRS_MAX], floors[BENCH_PAIRS_MAX], ratios[BENCH_PAIRS_MAX];
	double p50[BENCH_PAIRS_MAX], p99[BENCH_PAIRS_MAX], batches[BENCH_PAIRS_MAX];
	struct store_rig rig;

	store_rig_make(&rig, ROUTES);
	store_rig_start(&rig);
	store_rig_attach(&rig);
	(void)measure(&rig, window, options->seconds / 4);
	for (uint32_t i = 0; i < options->pairs; i++) {
		const struct taken taken = measure(&rig, window, options->seconds);
		usleep(SETTLE_US); /* what was written is moved to tables meanwhile */
		floors[i] = floor_of(&rig, taken.batch, options->seconds / 2);
		rates[i] = taken.frames_per_s;
		ratios[i] = rates[i] / floors[i];
		p50[i] = taken.p50_ms;
		p99[i] = taken.p99_ms;
		batches[i] = taken.batch;
	}
	store_rig_remove(&rig);
	const struct bench_figure figure = {
		.name = "store_accept",
		.unit = "frames/s",
		.cell = WIRE_SMALL_BYTES,
		.sessions = window,
		.value = bench_spread(rates, options->pairs).median,
		.floor = bench_spread(floors, options->pairs).median,
		.ratio = bench_spread(ratios, options->pairs),
		.pairs = options->pairs,
	};
	fprintf(stderr,
		"     store_accept %u in flight: %.0f frames/s, the disk alone %.0f, ratio %.2f; "
		"%.0f frames a commit; accepted after %.1f ms, 99 of 100 within %.1f ms\n",
		window, figure.value, figure.floor, figure.ratio.median,
		bench_spread(batches, options->pairs).median,
		bench_spread(p50, options->pairs).median, bench_spread(p99, options->pairs).high);
	bench_print(&figure);
}

void store_accept_run(const struct store_options *options)
{
	static const uint32_t windows[] = { 256, 1024, 4096 };

	for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
		one_window(options, windows[i]);
}
